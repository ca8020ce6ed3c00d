"""What a strategy remembers of a request that it accepted changes nothing for any other request.

Each request goes to a strategy that has seen others, and to one that has seen none: both must say the same.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientcert import (
    ClientCertStrategy,
    Preset,
    TrustedProxies,
    _backend,
    all_of,
    allow_ca,
    allow_cn,
    allow_email,
    allow_fingerprints,
    allow_issuer,
    allow_organization,
    allow_ou,
    allow_san,
    allow_serial,
    allow_spiffe_id,
    allow_subject,
    any_of,
    encode_header,
    extract,
    required_extensions,
)
from clientcert.hooks import drain
from clientcert.outcome import judged
from clientcert.policy import Policy
from clientcert.request import TLSConnection, TransportPeer
from clientcert.testing import CertificateAuthority
from fake_request import FakeRequest

CA = CertificateAuthority()
ALICE, BOB = CA.issue("alice"), CA.issue("bob")
EXPIRED = CA.issue("alice", not_after=datetime(2020, 1, 1, tzinfo=UTC))
GATEWAY, OTHER = CA.issue("gateway"), CA.issue("other")
SECRET = "c2VjcmV0IG9mIHRoZSBwcm94eQ"


def value(issued):
    return encode_header(issued.certificate, "url-pem")


def name_of(certificate):
    return certificate["subject"]["CN"]


def strategy(trusted_proxies, source="nginx", *, fallback_to_socket=False, verify=name_of):
    return ClientCertStrategy(
        verify,
        certificate_source=source,
        trusted_proxies=trusted_proxies,
        fallback_to_socket=fallback_to_socket,
    )


def shown(issued):
    return TLSConnection(authorized=True, certificates=(issued.der,))


TRUST = {
    "an address": ["10.0.0.5"],
    "everybody": "*",
    "a secret": TrustedProxies(addresses=["10.0.0.0/8"], secret=("X-Proxy-Secret", SECRET)),
    "a certificate": TrustedProxies(
        addresses=["10.0.0.5"], certificate=allow_fingerprints([GATEWAY.certificate["fingerprint256"]])
    ),
}
PEERS = [
    TransportPeer("ip", "10.0.0.5", authoritative=True),
    TransportPeer("ip", "10.0.0.5"),
    TransportPeer("ip", "10.0.0.5", rewritten=True),
    TransportPeer("ip", "10.0.0.6", authoritative=True),
    TransportPeer("ip", "203.0.113.9"),
    TransportPeer("unix"),
    TransportPeer("unknown"),
]
VARIATIONS = [
    ("X-SSL-Client-Verify", "FAILED"),
    ("x-ssl-client-verify", "SUCCESS"),
    ("X_SSL_Client_Cert", value(BOB)),
    ("x-ssl-client-cert", value(BOB)),
    ("Connection", "keep-alive"),
    ("Connection", "close, X-SSL-Client-Cert"),
    ("X-Forwarded-For", "203.0.113.9"),
    ("X-Forwarded-For", "10.0.0.5"),
    ("X-Real-IP", "10.0.0.5"),
    ("X-Proxy-Secret", SECRET),
    ("X-Proxy-Secret", SECRET[:-1] + "x"),
    ("X.Proxy.Secret", SECRET),
    ("Accept", "*/*"),
]
ACCEPTED = [("X-SSL-Client-Cert", value(ALICE)), ("X-SSL-Client-Verify", "SUCCESS"), ("X-Proxy-Secret", SECRET)]


def outcome(mine, request):
    said = mine.authenticate(replace(request))
    return said.user if said else (said.reason, said.detail, said.presented)


accepted = FakeRequest(ACCEPTED, PEERS[0], shown(GATEWAY))
OTHERS = [
    value(BOB),
    value(BOB),
    value(EXPIRED),
    value(ALICE)[:-9],
    value(ALICE) + value(BOB),
    f" {value(BOB)}",
    "junk",
]


@st.composite
def requests(draw):
    """Draw what is accepted, with a few changes."""
    lines = [line for line in ACCEPTED if draw(st.integers(0, 7))]
    lines += draw(st.lists(st.sampled_from(VARIATIONS), max_size=2))
    if draw(st.booleans()):
        other = draw(st.sampled_from(OTHERS))
        lines = [(name, other if name == "X-SSL-Client-Cert" else text) for name, text in lines]
    peer = draw(st.sampled_from([PEERS[0], *PEERS]))
    connection = draw(st.sampled_from([shown(GATEWAY), shown(GATEWAY), shown(OTHER), None]))
    return FakeRequest(lines, peer, connection, preserves_names=draw(st.sampled_from([True, True, False])))


WITHOUT_VERDICT = Preset(name="plain", header="X-SSL-Client-Cert", encoding="url-pem", verified_by="proxy")


@pytest.mark.parametrize("fallback_to_socket", [False, True])
@pytest.mark.parametrize("source", ["nginx", WITHOUT_VERDICT], ids=["nginx", "plain"])
@pytest.mark.parametrize("trusted_proxies", TRUST.values(), ids=TRUST)
@given(sent=st.lists(requests(), min_size=1, max_size=6), verify=st.sampled_from([name_of, allow_cn(["alice"])]))
def test_a_strategy_that_has_accepted_requests_says_of_others_what_a_new_one_says(
    trusted_proxies, source, fallback_to_socket, sent, verify
):
    options = {
        "trusted_proxies": trusted_proxies,
        "source": source,
        "fallback_to_socket": fallback_to_socket,
        "verify": verify,
    }
    mine = strategy(**options)
    for request in [accepted, replace(accepted, peer=PEERS[1]), *sent, accepted, *sent]:
        assert outcome(mine, request) == outcome(strategy(**options), request)


@pytest.mark.parametrize("change", VARIATIONS[:6])
def test_a_line_that_is_added_to_an_accepted_request_counts(backend, change):
    mine = strategy(["10.0.0.5"])
    assert outcome(mine, accepted) == "alice"
    request = replace(accepted, headers=[*ACCEPTED, change])
    assert (outcome(mine, request) == "alice") is (change == ("Connection", "keep-alive"))


def test_whoever_is_no_proxy_cannot_repeat_an_accepted_request(backend):
    mine = strategy(["10.0.0.5"])
    assert outcome(mine, accepted) == "alice"
    assert outcome(mine, replace(accepted, peer=PEERS[4]))[0] == "untrusted_peer"


def test_the_certificate_of_the_proxy_is_asked_for_on_each_request(backend):
    mine = strategy(TRUST["a certificate"])
    assert outcome(mine, accepted) == "alice"
    assert outcome(mine, replace(accepted, connection=shown(OTHER)))[0] == "untrusted_peer"


@pytest.mark.parametrize("again", [{}, {"peer": PEERS[3]}, {"headers": [*ACCEPTED, ("Connection", "close")]}])
def test_the_certificate_is_valid_at_the_time_of_the_request_and_not_of_the_one_before(backend, monkeypatch, again):
    mine = strategy(["10.0.0.0/8"])
    assert outcome(mine, accepted) == "alice"
    later = time.time() + 2 * 86400
    monkeypatch.setattr(extract, "time", SimpleNamespace(time=lambda: later))
    assert outcome(mine, replace(accepted, **again))[0] == "certificate_expired"


def test_what_a_proxy_says_of_all_its_clients_is_looked_at_once(backend, monkeypatch):
    mine = strategy(["10.0.0.0/8"])
    lines = [*ACCEPTED, ("X-Forwarded-For", "203.0.113.9")]
    assert outcome(mine, replace(accepted, headers=lines, peer=PEERS[1])) == "alice"
    monkeypatch.setattr(extract.Extractor, "_without_reading", None)
    monkeypatch.setattr(extract.Extractor, "_read", None)
    for address in ("203.0.113.10", "203.0.113.11, 10.0.0.6", "2001:db8::9"):
        lines = [("X-SSL-Client-Cert", value(CA.issue(address))), *ACCEPTED[1:], ("X-Forwarded-For", address)]
        assert outcome(mine, replace(accepted, headers=lines, peer=PEERS[1])) == address


@pytest.mark.parametrize("preserves_names", [True, False])
def test_a_request_that_comes_again_is_not_decoded_again(backend, preserves_names):
    mine = strategy(["10.0.0.5"])
    first, *again = (mine.authenticate(replace(accepted, preserves_names=preserves_names)) for _ in range(3))
    assert all(outcome.certificate is first.certificate for outcome in again)


def test_clients_that_come_by_several_proxies_in_turn_are_recalled(backend, monkeypatch):
    mine = strategy(["10.0.0.0/8"])
    bob = replace(accepted, headers=[("X-SSL-Client-Cert", value(BOB)), *ACCEPTED[1:]])
    through_another = replace(accepted, peer=PEERS[3])
    from_elsewhere = replace(accepted, headers=[*ACCEPTED, ("X-Forwarded-For", "unknown")], peer=PEERS[1])
    for_another = replace(accepted, headers=[*ACCEPTED, ("X-Forwarded-For", "203.0.113.9")])
    assert [outcome(mine, request) for request in (accepted, bob)] == ["alice", "bob"]
    monkeypatch.setattr(extract.Extractor, "_read", None)
    ways = (accepted, through_another, from_elsewhere, for_another)
    assert [outcome(mine, request) for request in ways] == ["alice"] * 4
    monkeypatch.setattr(extract.Extractor, "_examine", None)
    for request in ways * 2:
        assert outcome(mine, request) == "alice"
    # Nor does it matter which client it was that came so before.
    assert [outcome(mine, request) for request in (bob, replace(bob, peer=PEERS[3]))] == ["bob", "bob"]


@pytest.mark.parametrize(
    "line",
    [("X-Forwarded-For", "203.0.113.{}"), ("X-Forwarded-For", "203.0.113.9:{}"), ("Connection", "close, x-{}")],
)
def test_a_client_whose_other_lines_vary_is_not_decoded_again_and_takes_no_more_room(backend, monkeypatch, line):
    mine = strategy(["10.0.0.5"])
    assert outcome(mine, accepted) == "alice"
    monkeypatch.setattr(_backend.core, "parse_header", None)
    for number in range(9):
        request = replace(accepted, headers=[*ACCEPTED, (line[0], line[1].format(number))])
        assert outcome(mine, request) == "alice"
    assert len(mine._extractor._clients[True].young) == 1


def test_of_a_request_that_is_refused_nothing_is_kept(backend):
    mine = strategy(["10.0.0.5"], WITHOUT_VERDICT)
    for refused in ["", "junk", value(ALICE)[:-9]]:
        assert not mine.authenticate(FakeRequest([("X-SSL-Client-Cert", refused), ("Connection", "abc")]))
    assert not mine._extractor._circumstances.young
    assert not mine._extractor._clients[True].young


def xfcc(*issued):
    return [("X-Forwarded-Client-Cert", ",".join(f'Cert="{value(each)}"' for each in issued))]


@pytest.mark.parametrize(
    "source",
    [
        {"certificate_source": "envoy"},
        {"certificate_header": "X-Forwarded-Client-Cert", "header_encoding": "xfcc"},
    ],
)
def test_the_elements_of_a_new_client_are_counted_where_nothing_else_is_new(backend, source):
    mine = ClientCertStrategy(name_of, trusted_proxies=["10.0.0.5"], xfcc_elements=2, **source)
    assert outcome(mine, FakeRequest(xfcc(ALICE, GATEWAY))) == "alice"
    assert outcome(mine, FakeRequest(xfcc(BOB)))[0] == "header_missing_or_malformed"
    assert outcome(mine, FakeRequest(xfcc(BOB, GATEWAY))) == "bob"


def test_a_secret_in_a_header_that_may_have_addresses_is_asked_for_from_each_client(backend):
    secret = ("X-Real-IP", SECRET)
    mine = strategy(TrustedProxies(addresses=["10.0.0.5"], secret=secret))
    lines = [("X-SSL-Client-Verify", "SUCCESS"), ("X-SSL-Client-Cert", value(ALICE))]
    assert outcome(mine, FakeRequest([*lines, secret])) == "alice"
    for wrong in [[], [("X-Real-IP", SECRET[1:])]]:
        for issued in (ALICE, BOB):
            request = FakeRequest([lines[0], ("X-SSL-Client-Cert", value(issued)), *wrong])
            assert outcome(mine, request)[0] == "untrusted_peer"


def test_no_two_strategies_have_the_same_fingerprints(backend):
    """The key is random: who can compute them could look for two requests that have the same."""
    lines = list(accepted.header_lines([]))
    first, second = (strategy("*")._extractor.memories[True].recall(lines, None, 0) for _ in range(2))
    assert first.client != second.client
    assert first.circumstances != second.circumstances


@pytest.mark.parametrize("header", ["", "::", "(null)"])
def test_what_a_client_showed_itself_is_not_remembered_by_a_header_that_says_there_is_none(backend, header):
    mine = strategy("*", WITHOUT_VERDICT, fallback_to_socket=True)
    direct = FakeRequest([("X-SSL-Client-Cert", header)], connection=shown(ALICE))
    assert outcome(mine, direct) == "alice"
    assert outcome(mine, replace(direct, connection=shown(BOB))) == "bob"
    assert outcome(mine, replace(direct, connection=None))[0] == "socket_not_authorized"


def test_what_a_client_showed_on_its_own_connection_is_not_remembered_by_its_headers(backend):
    mine = ClientCertStrategy(
        lambda certificate: certificate["subject"]["CN"],
        certificate_source="nginx",
        trusted_proxies="*",
        fallback_to_socket=True,
    )
    direct = FakeRequest([("X-SSL-Client-Verify", "SUCCESS")], connection=shown(ALICE))
    assert outcome(mine, direct) == "alice"
    assert outcome(mine, replace(direct, connection=shown(BOB))) == "bob"
    assert outcome(mine, replace(direct, connection=None))[0] == "socket_not_authorized"


def test_two_certificates_that_a_server_may_have_joined_are_none_though_one_header_had_them_before(backend):
    mine = ClientCertStrategy(
        lambda certificate: certificate["subject"]["CN"], certificate_source="traefik", trusted_proxies=["10.0.0.5"]
    )
    both = ",".join(encode_header(issued.certificate, "base64-der") for issued in (ALICE, BOB))
    one_line = FakeRequest([("X-Forwarded-Tls-Client-Cert", both)])
    assert outcome(mine, one_line) == "alice"
    assert outcome(mine, replace(one_line, preserves_names=False))[0] == "duplicate_header"


# What a policy says of one certificate


CONSTANT = {
    "allow_cn": allow_cn(["alice"]),
    "allow_ou": allow_ou(["Sensors"]),
    "allow_organization": allow_organization(["Example"]),
    "allow_subject": allow_subject({"CN": "alice"}),
    "allow_issuer": allow_issuer({"CN": "alice"}),
    "allow_fingerprints": allow_fingerprints([ALICE.certificate["fingerprint256"]]),
    "allow_serial": allow_serial([ALICE.certificate["serialNumber"]], issuer={"CN": "alice"}),
    "allow_san": allow_san(["dns:alice"]),
    "allow_email": allow_email(["alice@example.org"]),
    "allow_spiffe_id": allow_spiffe_id(trust_domain="example.org"),
    "required_extensions": required_extensions({"1.2.3": None}),
    "all_of": all_of(allow_cn(["alice"]), any_of(allow_cn(["alice"]), allow_cn(["bob"]))),
    "any_of": any_of(allow_cn(["bob"]), allow_cn(["alice"])),
}
NOT_CONSTANT = {
    "a path has an end": allow_ca(CA.der),
    "a policy of somebody": Policy("allow_cn(['alice'])", lambda certificate: certificate["subject"]["CN"] == "alice"),
    "all_of with a function": all_of(allow_cn(["alice"]), lambda _: True),
    "any_of with a path": any_of(allow_ca(CA.der), allow_cn(["alice"])),
    "a function": lambda certificate: certificate["subject"]["CN"] == "alice",
}


@pytest.fixture
def asked(monkeypatch):
    """The policies that were called, in order, with the members of combinations."""
    calls = []
    call = Policy.__call__
    monkeypatch.setattr(Policy, "__call__", lambda policy, found: calls.append(policy) or call(policy, found))
    return calls


def ask(mine, request, how):
    request = replace(request)
    return mine.authenticate(request) if how == "sync" else asyncio.run(mine.authenticate_async(request))


HOW = pytest.mark.parametrize("how", ["sync", "async"])


@HOW
@pytest.mark.parametrize("policy", CONSTANT.values(), ids=CONSTANT)
def test_a_policy_whose_answer_never_changes_is_asked_once_for_each_client(backend, asked, policy, how):
    mine = strategy(["10.0.0.5"], verify=policy)
    expected = judged(policy(ALICE.certificate), ALICE.certificate)
    asked.clear()
    assert [ask(mine, accepted, how) for _ in range(3)] == [expected] * 3
    assert asked.count(policy) == 1
    bob = replace(accepted, headers=[("X-SSL-Client-Cert", value(BOB)), *ACCEPTED[1:]])
    assert ask(mine, bob, how).certificate == BOB.certificate
    assert asked.count(policy) == 2
    assert bool(ask(mine, bob, how)) is policy(BOB.certificate)


@HOW
@pytest.mark.parametrize("verify", NOT_CONSTANT.values(), ids=NOT_CONSTANT)
def test_any_other_is_asked_each_time(backend, monkeypatch, verify, how):
    mine = strategy(["10.0.0.5"], verify=verify)
    answers = iter([True, False, True])
    monkeypatch.setattr(mine, "_verify", lambda _: next(answers))
    monkeypatch.setattr(mine, "_verify_async", lambda _: next(answers))
    assert [bool(ask(mine, accepted, how)) for _ in range(3)] == [True, False, True]


def test_a_policy_whose_answer_is_known_changes_nothing_of_the_checks_before_it(backend, monkeypatch):
    mine = strategy(["10.0.0.5"], verify=allow_cn(["alice"]))
    assert mine.authenticate(replace(accepted))
    assert mine.authenticate(replace(accepted, peer=PEERS[4])).reason == "untrusted_peer"
    wrong = replace(accepted, headers=[ACCEPTED[0], ("X-SSL-Client-Verify", "FAILED")])
    assert mine.authenticate(wrong).reason == "verification_header_mismatch"
    later = time.time() + 2 * 86400
    monkeypatch.setattr(extract, "time", SimpleNamespace(time=lambda: later))
    assert mine.authenticate(replace(accepted)).reason == "certificate_expired"


@HOW
def test_hooks_hear_of_each_request_of_a_client_whose_answer_is_known(backend, how):
    heard = []
    mine = ClientCertStrategy(
        allow_cn(["alice"]),
        certificate_source="nginx",
        trusted_proxies=["10.0.0.5"],
        on_authenticated=lambda certificate, request: heard.append((certificate, request)),
    )
    assert all(ask(mine, accepted, how) for _ in range(3))
    drain()
    assert heard == [(ALICE.certificate, accepted.native)] * 3
