"""Who may speak for clients: every condition, every way to get it wrong, and no peer that was not named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pki
from clientcert import ConfigurationError, TrustedProxies, all_of, allow_cn, allow_fingerprints
from clientcert.request import TLSConnection, TransportPeer
from clientcert.testing import CertificateAuthority
from clientcert.trust import trusted_proxies_from
from fake_request import FakeRequest

CA = CertificateAuthority()
PROXY = CA.issue("proxy")
SECRET = "c2VjcmV0IG9mIHRoZSBwcm94eQ"


def peer(host, **signs):
    return FakeRequest(peer=TransportPeer("ip", host, **({"authoritative": True} | signs)))


def reason(proxies, request, secret=None, addresses=()):
    objection = trusted_proxies_from(proxies).objection(request, secret, addresses)
    return None if objection is None else objection.reason


# Addresses


@pytest.mark.parametrize(
    ("listed", "host"),
    [
        ("10.0.0.5", "10.0.0.5"),
        ("10.0.0.0/8", "10.255.0.1"),
        ("10.0.0.5", "::ffff:10.0.0.5"),
        ("::ffff:10.0.0.5", "10.0.0.5"),
        ("::ffff:10.0.0.0/104", "10.9.9.9"),
        ("2001:db8::/32", "2001:DB8::5"),
        ("2001:db8::5", "2001:db8:0:0::5"),
        ("::1", "::1"),
    ],
)
def test_a_peer_whose_address_is_listed_is_trusted(listed, host):
    assert reason([listed], peer(host)) is None


@pytest.mark.parametrize(
    ("listed", "host"),
    [
        ("10.0.0.5", "10.0.0.50"),
        ("10.0.0.0/8", "11.0.0.1"),
        ("10.0.0.5", "010.0.0.5"),
        ("10.0.0.5", "10.0.0.5:443"),
        ("10.0.0.5", "10.0.0.5, 203.0.113.9"),
        ("10.0.0.5", "localhost"),
        ("10.0.0.5", ""),
        ("10.0.0.5", None),
        ("10.0.0.5", "1" * 100_000),
        ("::/1", "10.0.0.5"),
        ("0.0.0.0/1", "::1"),
        ("10.0.0.5", "::10.0.0.5"),
        ("10.0.0.5", "::ffff:10.0.0.5%1"),
        ("fe80::/10", "fe80::1%eth0"),
    ],
)
def test_a_peer_whose_address_is_not_listed_is_not_trusted(listed, host):
    assert reason([listed], peer(host)) == "untrusted_peer"


def test_no_more_addresses_are_remembered_than_there_may_be():
    proxies = TrustedProxies(addresses=["10.0.0.0/8"])
    for number in range(5000):
        proxies.objection(peer(f"203.0.{number // 250}.{number % 250}"), None, ())
    assert proxies._lists.cache_info().currsize == 4096


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.1", "fe80::1"])
def test_no_peer_is_trusted_for_being_near(host):
    assert reason(["172.16.0.1"], peer(host)) == "untrusted_peer"


def test_a_unix_socket_is_trusted_only_if_it_is_listed():
    request = FakeRequest(peer=TransportPeer("unix"))
    assert reason(["unix"], request) is None
    assert reason(["0.0.0.0/1", "::/1"], request) == "untrusted_peer"
    assert reason(["unix"], peer("127.0.0.1")) == "untrusted_peer"


def test_a_peer_of_which_the_server_says_nothing_is_not_trusted():
    unknown = FakeRequest(peer=TransportPeer("unknown", "10.0.0.5"))
    assert reason(["10.0.0.5", "0.0.0.0/1", "::/1", "unix"], unknown) == "untrusted_peer"


@pytest.mark.parametrize(
    "addresses",
    [
        [b"10.0.0.5"],
        [b"203.0.113.9, 10.0.0.5"],
        [b"203.0.113.9", b" 10.0.0.5 ,198.51.100.1"],
        [b"10.0.0.5:4711"],
        [b"::ffff:10.0.0.5"],
        [b"[::ffff:10.0.0.5]:4711"],
        [b'"10.0.0.5"'],
        [b"for=10.0.0.5"],
        [b'For="10.0.0.5:4711"'],
        [b'for="1\\0.0.0.5"'],
        [b'for="[::ffff:10.0.0.5]"'],
        [b"for=203.0.113.9;by=10.0.0.9, for=10.0.0.5;proto=https"],
        [b"proto=https;host=example.org;for=10.0.0.5"],
        [b"for = 10.0.0.5"],
        [b"by = 10.0.0.5"],
        [b"unheard-of=10.0.0.5"],
        [b"by=for=10.0.0.5"],
        [b"::ffff:10.0.0.5%1"],
        [b"[::ffff:10.0.0.5%1]:4711"],
    ],
)
def test_an_address_that_could_come_from_a_header_is_not_believed(addresses):
    assert reason(["10.0.0.5"], peer("10.0.0.5", authoritative=False), addresses=addresses) == "peer_rewritten"


def test_an_address_that_the_server_has_replaced_is_not_believed_whatever_it_is():
    assert reason(["10.0.0.5"], peer("10.0.0.5", authoritative=False, rewritten=True)) == "peer_rewritten"
    assert reason(["10.0.0.5"], peer("203.0.113.9", authoritative=False, rewritten=True)) == "peer_rewritten"


@pytest.mark.parametrize(
    "addresses",
    [
        [b"203.0.113.9, unknown, _hidden, [", b""],
        [b"for=203.0.113.9;by=10.0.0.5", b'By="10.0.0.5:4711";for=unknown', b"host=10.0.0.5;proto=10.0.0.5"],
        [b"10.0.0.50", b"10.0.0.5.example.org", b"10.0.0.5:80:80", b"010.0.0.5", b"1" * 100_000],
        [b"," * 1000, b" ; " * 1000],
    ],
)
def test_a_proxy_that_names_its_clients_is_believed_where_its_own_address_is_not_among_them(addresses):
    assert reason(["10.0.0.5"], peer("10.0.0.5", authoritative=False), addresses=addresses) is None


ITEMS = st.lists(
    st.sampled_from(["10.0.0.5", "10.0.0.6", "10.0.0.05", "10.0.0", "10.0.0.5.", "1010.0.0.5", "", "0", "4294967295"])
)


@given(ITEMS, st.sampled_from([",", ", ", " ", ",,"]), st.sampled_from(["10.0.0.5", "::ffff:10.0.0.5", "0", "10.0.0"]))
def test_lines_of_nothing_but_addresses_of_ipv4_say_what_they_say_in_any_other_form(items, separator, host):
    listed, request = TrustedProxies(addresses=["10.0.0.0/8"]), peer(host, authoritative=False)
    plain, marked = separator.join(items), separator.join(f"for={item}" for item in items)
    assert reason(listed, request, addresses=[plain.encode()]) == reason(listed, request, addresses=[marked.encode()])


def test_more_addresses_than_any_chain_of_proxies_writes_are_not_read_and_not_believed():
    request = peer("10.0.0.5", authoritative=False)
    assert reason(["10.0.0.5"], request, addresses=[b"203.0.113.9", b", ".join([b"198.51.100.1"] * 99)]) is None
    assert reason(["10.0.0.5"], request, addresses=[b"203.0.113.9"] * 101) == "peer_rewritten"
    assert reason(["10.0.0.5"], request, addresses=[b"for=_x;" * 101]) == "peer_rewritten"
    assert reason(["10.0.0.5"], request, addresses=[b"x " * 101]) == "peer_rewritten"


def test_an_address_read_from_the_socket_is_believed_whatever_headers_say():
    assert reason(["10.0.0.5"], peer("10.0.0.5"), addresses=[b"10.0.0.5", b"for=10.0.0.5"]) is None


# The secret


def test_the_secret_is_trusted_and_no_other_value():
    proxies = TrustedProxies(secret=("X-Proxy-Secret", SECRET))
    assert reason(proxies, peer("203.0.113.9"), SECRET.encode()) is None
    for value in (None, b"", SECRET.encode() + b"x", SECRET[:-1].encode(), SECRET.upper().encode(), b"\xff" * 26):
        assert reason(proxies, peer("203.0.113.9"), value) == "untrusted_peer"


def test_a_secret_of_sixteen_characters_is_long_enough():
    assert (
        reason(TrustedProxies(secret=("X-Proxy-Secret", "0123456789abcdef")), FakeRequest(), b"0123456789abcdef")
        is None
    )


def test_the_secret_is_in_no_message():
    proxies = TrustedProxies(secret=("X-Proxy-Secret", SECRET))
    objection = proxies.objection(peer("10.0.0.5"), b"a guess of a client", ())
    assert "x-proxy-secret" in objection.detail
    for text in (repr(proxies), objection.detail):
        assert SECRET not in text
        assert "guess" not in text


# The certificate


def tls(*ders, authorized=True):
    return FakeRequest(connection=TLSConnection(authorized=authorized, certificates=ders))


def test_a_proxy_whose_certificate_has_a_time_that_is_none_is_not_trusted(backend):
    assert reason(TrustedProxies(certificate=lambda _: True), tls(pki.with_no_times(PROXY.der))) == "untrusted_peer"
    assert reason(TrustedProxies(certificate=lambda _: True), tls(PROXY.der)) is None


def test_a_proxy_is_trusted_for_its_own_tls_certificate(backend):
    proxies = TrustedProxies(certificate=allow_fingerprints([PROXY.certificate["fingerprint256"]]))
    assert reason(proxies, tls(PROXY.der, CA.der)) is None
    assert reason(proxies, tls(PROXY.der, CA.der)) is None  # a certificate that is remembered
    for request in (
        tls(CA.issue("proxy").der),
        tls(CA.der, PROXY.der),
        tls(PROXY.der, authorized=False),
        tls(),
        tls(PROXY.der + b"\0"),
        FakeRequest(),
    ):
        assert reason(proxies, request) == "untrusted_peer"


def test_a_proxy_whose_own_certificate_has_expired_is_not_trusted(backend):
    now = datetime.now(UTC)
    proxies = TrustedProxies(certificate=allow_cn(["proxy"]))
    expired = CA.issue("proxy", not_after=now - timedelta(seconds=5))
    early = CA.issue("proxy", not_before=now + timedelta(hours=1))
    assert [reason(proxies, tls(issued.der)) for issued in (expired, early)] == ["untrusted_peer"] * 2


def test_a_proxys_certificate_counts_in_its_first_and_its_last_second(backend, monkeypatch):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    issued = CA.issue("proxy", not_before=start, not_after=start + timedelta(seconds=9))
    proxies = TrustedProxies(certificate=allow_cn(["proxy"]))
    outcomes = []
    for second in (-1, 0, 9, 10):
        monkeypatch.setattr("time.time", lambda second=second: start.timestamp() + second)
        outcomes.append(reason(proxies, tls(issued.der)))
    assert outcomes == ["untrusted_peer", None, None, "untrusted_peer"]


def test_only_true_is_a_policys_yes(backend):
    for answer in (1, "yes", object(), None, False):
        proxies = TrustedProxies(certificate=lambda _, answer=answer: answer)
        assert reason(proxies, tls(PROXY.der)) == "untrusted_peer"


# All of them


def test_every_condition_that_is_given_must_hold(backend):
    proxies = TrustedProxies(addresses=["10.0.0.5"], secret=("X-Proxy-Secret", SECRET), certificate=allow_cn(["proxy"]))
    good = tls(PROXY.der)
    assert reason(proxies, good, SECRET.encode()) is None
    assert reason(proxies, good, None) == "untrusted_peer"
    assert reason(proxies, FakeRequest(), SECRET.encode()) == "untrusted_peer"
    good.peer = TransportPeer("ip", "10.0.0.6", authoritative=True)
    assert reason(proxies, good, SECRET.encode()) == "untrusted_peer"


def test_one_condition_is_enough_to_hold_a_tls_certificate_for_a_proxys_own(backend):
    proxies = TrustedProxies(addresses=["10.0.0.5"], certificate=allow_cn(["proxy"]))
    client, elsewhere = CA.issue("alice").der, TransportPeer("ip", "203.0.113.9", authoritative=True)
    rewritten = TransportPeer("ip", "203.0.113.9", rewritten=True)

    def why(der, peer):
        request = tls(der)
        request.peer = peer
        objection = proxies.why_not_a_client(request, ())
        return objection and objection.reason

    assert why(client, elsewhere) is None
    assert why(PROXY.der, elsewhere) == "untrusted_peer"
    assert why(client, TransportPeer("ip", "10.0.0.5", authoritative=True)) == "untrusted_peer"
    assert why(client, rewritten) == "peer_rewritten"
    request = tls(client)
    request.peer = TransportPeer("ip", "10.0.0.5")
    assert proxies.why_not_a_client(request, [b"10.0.0.5"]).reason == "peer_rewritten"


def test_the_representation_says_who_is_trusted():
    proxies = TrustedProxies(addresses=["10.0.0.0/8"], secret=("X-Secret", SECRET), certificate=allow_cn(["proxy"]))
    assert repr(proxies) == (
        "TrustedProxies(addresses=['10.0.0.0/8'], secret=('x-secret', ...), certificate=allow_cn(['proxy']))"
    )
    assert repr(TrustedProxies(addresses=["unix"])) == "TrustedProxies(addresses=['unix'])"


# Configuration


async def later(certificate):
    return True


@pytest.mark.parametrize(
    ("option", "advice"),
    [
        (None, "is missing"),
        ("10.0.0.0/8", r"write \['10.0.0.0/8'\]"),
        ("unix", r"write \['unix'\]"),
        ([], "trusts nobody"),
        ({"addresses": ["10.0.0.1"]}, "type dict"),
        (True, "type bool"),
        (["*"], 'trusted_proxies="\\*"'),
        (["10.0.0.1", "*"], 'trusted_proxies="\\*"'),
        (["proxy.internal"], "a name is not looked up"),
        (["10.0.0.1/8"], "write '10.0.0.0/8'"),
        (["10.0.0.256"], "is no address"),
        (["0.0.0.0/0"], 'write trusted_proxies="\\*"'),
        (["10.0.0.5", "::/0"], 'write trusted_proxies="\\*"'),
        (["fe80::1%eth0"], "the address alone if it is the proxy's on every link"),
        ([""], "is no address"),
        ([b"10.0.0.1"], "not bytes"),
        ([167772161], "not int"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(option, advice):
    with pytest.raises(ConfigurationError, match=advice):
        trusted_proxies_from(option)


def test_a_missing_option_shows_the_three_forms():
    with pytest.raises(ConfigurationError) as error:
        trusted_proxies_from(None)
    for form in ('trusted_proxies=["10.0.0.0/8", "unix"]', "trusted_proxies=TrustedProxies(", 'trusted_proxies="*"'):
        assert form in str(error.value)


@pytest.mark.parametrize(
    ("conditions", "advice"),
    [
        ({}, "names no condition"),
        ({"addresses": "10.0.0.1"}, "must be a list"),
        ({"addresses": 7}, "must be a list"),
        ({"secret": SECRET}, "must be a pair"),
        ({"secret": ["X-Secret", SECRET]}, "must be a pair"),
        ({"secret": ("X-Secret", SECRET, SECRET)}, "must be a pair"),
        ({"secret": ("X-Secret", "")}, "not empty"),
        ({"secret": ("X-Secret", "fifteen letters")}, "fewer than 16"),
        ({"secret": ("X-Secret", f" {SECRET}")}, "without spaces"),
        ({"secret": ("X-Secret", SECRET.encode())}, "must be a string"),
        ({"secret": ("X Secret", SECRET)}, "is not a header name"),
        ({"certificate": PROXY}, "is a policy"),
        ({"certificate": later}, "answers at once"),
        ({"certificate": all_of(later)}, "answers at once"),
    ],
)
def test_a_condition_that_cannot_hold_is_refused_with_what_to_write(conditions, advice):
    with pytest.raises(ConfigurationError, match=advice):
        TrustedProxies(**conditions)


def test_the_short_forms_mean_what_they_say():
    proxies = TrustedProxies(addresses=["10.0.0.5"])
    assert trusted_proxies_from("*") == "*"
    assert trusted_proxies_from(proxies) is proxies
    for collection in (list, tuple, set, frozenset):
        assert reason(collection(["10.0.0.5"]), peer("10.0.0.5")) is None
