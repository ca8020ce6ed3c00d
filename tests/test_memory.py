"""What is recalled of a request, on both backends alike: its client, or what is new, and no other request's."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends import BACKENDS
from clientcert import _backend, encode_header
from clientcert.cache import Cache
from clientcert.presets import SIMILAR
from clientcert.request import TransportPeer
from clientcert.testing import CertificateAuthority
from clientcert.trust import TrustedProxies

IDENTIFYING = [b"x-client-cert", b"X_Client.Chain"]
ADDRESSES = [b"x-forwarded-for", b"x-real-ip"]
OTHERS = [b"via", b"a" * 70, b"x-client_cert", b""]
NAMES = [*IDENTIFYING, *ADDRESSES, *OTHERS]
KEY = b"sixteen bytes of"
HEADER = b"x-client-cert"
LINE = (HEADER, b"value")
ISSUED = CertificateAuthority().issue("alice")
VALIDITY = tuple(int(at.timestamp()) for at in (ISSUED.certificate.not_before, ISSUED.certificate.not_after))
VALUE = encode_header(ISSUED.certificate, "url-pem").encode()


class Remembered:
    """A memory with its caches, of which `recall` is asked at a time that suits any certificate."""

    def __init__(self, core, *, key=KEY, groups=(IDENTIFYING, ADDRESSES, OTHERS), certificate=None, validity=True):
        self.clients, self.circumstances = (Cache(lambda _key, _value: 0) for _ in range(2))
        names = core.LineFilter(*groups, SIMILAR, key)
        self.memory = core.Memory(names, self.clients, self.circumstances, certificate, validity)

    def recall(self, lines, peer=None, now=VALIDITY[0]):
        return self.memory.recall(lines, peer, now)


@pytest.fixture
def remembered(backend):
    return Remembered(_backend.core)


@pytest.fixture
def reading(backend):
    """One that knows where the certificate is, and the circumstances of a request without other lines."""
    memory = Remembered(_backend.core, certificate=(HEADER, "url-pem"))
    memory.circumstances.put(memory.recall([]).circumstances, "known")
    return memory


# The lines


def test_what_is_picked_are_the_lines_that_matter_in_order(remembered):
    lines = [(name, b"value") for name in (*reversed(NAMES), b"host", b"X-CLIENT-CERT", b"x_forwarded_for")]
    picked = remembered.recall(iter(lines))
    assert picked.lines == tuple(line for line in lines if line[0] != b"host")


def test_a_line_is_identifying_if_its_name_is_one_byte_for_byte(remembered):
    lines = [(name, b"value") for name in (*reversed(NAMES), b"X-CLIENT-CERT", b"x_forwarded_for")]
    assert [name for name, _ in remembered.recall(lines).identifying] == [b"X_Client.Chain", b"x-client-cert"]


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        *[
            (lines, TypeError)
            for lines in (None, [None], [("via", "1")], [(1, 2)], [(HEADER, "value")], [(b"via", None)])
        ],
        ([(b"via", b"1", b"2")], ValueError),
        ([(HEADER, b"1", b"2")], ValueError),
    ],
)
def test_what_are_no_lines_raise_and_are_not_passed_over(remembered, lines, error):
    with pytest.raises(error):
        remembered.recall(lines)


# Fingerprints


def told_apart(certificate, other):
    """Lines of which no two are the same: also as long, beginning alike, or the same in another order."""
    return [
        [(certificate, b"value")],
        [(certificate, b"valuf")],
        [(certificate, b"value ")],
        [(certificate, b"")],
        [(other, b"value")],
        [(certificate, b"value"), (certificate, b"value")],
        [(certificate, b"value"), (other, b"")],
        [(other, b""), (certificate, b"value")],
        # The same bytes in a row, with the lengths where the core has them.
        [(certificate, b"a" + other + b"b"), (other, b"c")],
        [(certificate, b"a"), (other, b"b" + other + b"c")],
    ]


IDENTITIES = told_apart(*IDENTIFYING)
RESTS = [
    [],
    *told_apart(b"via", b"x-forwarded-for"),
    *told_apart(b"Via", b"x-client_cert"),
    *told_apart(b"x-real-ip", b"x-forwarded-for"),
    [(b"", b"via")],
    [(b"x-forwarded_for", b"10.0.0.2")],
]
PEERS = [
    None,
    *(
        TransportPeer("ip", "10.0.0.5", authoritative=authoritative, rewritten=rewritten)
        for authoritative, rewritten in product([False, True], repeat=2)
    ),
    TransportPeer("ip", "10.0.0.6"),
    TransportPeer("ip", ""),
    TransportPeer("ip"),
    TransportPeer("unix"),
    TransportPeer("unix", authoritative=True),
    TransportPeer("unknown"),
    TransportPeer("unknown", "ip"),
]


def test_there_is_a_fingerprint_of_the_client_where_a_line_is_identifying(remembered):
    clients = [remembered.recall([(name, b"value")]).client for name in NAMES]
    assert [client is not None for client in clients] == [True] * 2 + [False] * 6
    assert remembered.recall([(b"X-Client-Cert", b"value")]).client is None
    assert remembered.recall([]).client is None


def test_other_identifying_lines_have_another_fingerprint(remembered):
    clients = [remembered.recall(lines).client for lines in IDENTITIES]
    assert len(set(clients)) == len(IDENTITIES)
    assert clients == [remembered.recall(lines).client for lines in IDENTITIES]


def matters(line, lines, peer):
    """Addresses do where the peer's may be one of them: "value" and the like are no plain addresses."""
    is_matter = peer is not None and peer.host is not None and not peer.authoritative
    are_plain = all(value == b"" for name, value in lines if name in ADDRESSES)
    return line[0] not in ADDRESSES or (is_matter and not (are_plain and peer.host.startswith("10.0.0.")))


def test_requests_with_other_lines_or_from_another_peer_have_other_circumstances(remembered):
    found = {}
    for lines, peer in product(RESTS, PEERS):
        counted = [line for line in lines if matters(line, lines, peer)]
        groups = tuple(tuple(line for line in counted if (line[0] in ADDRESSES) is of) for of in (True, False))
        found.setdefault((groups, peer), set()).add(remembered.recall(lines, peer).circumstances)
    assert len(found) > 200
    assert {len(circumstances) for circumstances in found.values()} == {1}
    assert len(set.union(*found.values())) == len(found)


def test_lines_of_one_kind_are_not_taken_for_those_of_another_nor_for_a_peer(backend):
    peer, flags = TransportPeer("ip", "10.0.0.5"), bytes([True, False, False])
    as_lines = [(flags, b"ip"), (b"", b"10.0.0.5")]
    kinds = [
        Remembered(_backend.core, groups=([], addresses, others))
        for addresses, others in (([flags, b""], []), ([], [flags, b""]), ([flags], [b""]), ([b""], [flags]))
    ]
    found = [kind.recall(as_lines, peer).circumstances for kind in kinds]
    assert len({*found, *(kind.recall([], peer).circumstances for kind in kinds)}) == len(found) + 1


def test_the_text_of_a_peers_address_may_be_any(remembered):
    for host in ("\ud800", "10.0.0.5\ud800", "\N{SNOWMAN}", "\0"):
        peer = TransportPeer("ip", host)
        for lines in [], [(b"x-forwarded-for", b"10.0.0.9")]:
            fingerprint = remembered.recall(lines, peer).circumstances
            assert fingerprint == remembered.recall(lines, peer).circumstances
            assert fingerprint != remembered.recall(lines, TransportPeer("ip", "10.0.0.5")).circumstances


def test_each_line_counts_for_one_of_the_two_fingerprints(remembered):
    peer = PEERS[1]
    for identity, rest in product(IDENTITIES, RESTS):
        picked = remembered.recall([*rest, *identity], peer)
        assert picked.client == remembered.recall(identity, peer).client
        assert picked.circumstances == remembered.recall(rest, peer).circumstances


def test_lines_that_do_not_matter_change_no_fingerprint(remembered):
    picked = remembered.recall([LINE, (b"via", b"1")])
    for lines in ([LINE, (b"via", b"1"), (b"host", b"a")], [(b"accept", b"b"), LINE, (b"via", b"1")]):
        same = remembered.recall(lines)
        assert (same.client, same.circumstances) == (picked.client, picked.circumstances)


def test_with_another_key_there_are_other_fingerprints(backend):
    """Nobody can look for two sets of lines with the same one who does not know the key."""
    one, other = (Remembered(_backend.core, key=key).recall([LINE, (b"via", b"1")]) for key in (KEY, KEY[::-1]))
    assert one.client != other.client
    assert one.circumstances != other.circumstances


# Addresses

PEER = TransportPeer("ip", "10.0.0.5")
PLAIN = [
    b"",
    b" , ",
    b"203.0.113.9",
    b"203.0.113.9, 10.0.0.50,10.0.0.4",
    b"203.0.113.9:10005",
    b"2001:db8::10, fe80::1",
    b", ".join([b"203.0.113.9"] * 16),
]
NOT_PLAIN = [
    b"10.0.0.5",
    b"203.0.113.9, 10.0.0.5",
    b"10.0.0.5:443",
    b"[10.0.0.5]",
    b"::ffff:10.0.0.5",
    b"::ffff:a00:5",
    b"0:0:0:0:0:ffff:a00:5",
    b"1::10.0.0.5",
    b"for=203.0.113.9",
    b'"203.0.113.9"',
    b"203.0.113.9;proto=https",
    b"203.0.113.9\t",
    b"unknown",
    b", ".join([b"203.0.113.9"] * 17),
]


def is_plain(remembered, values, peer=PEER):
    """Whether a request with these addresses has the circumstances of one without."""
    lines = [(b"x-forwarded-for", value) for value in values]
    return remembered.recall(lines, peer).circumstances == remembered.recall([], peer).circumstances


def test_addresses_that_are_plainly_not_the_peers_are_of_no_matter(remembered):
    assert [value for value in PLAIN if not is_plain(remembered, [value])] == []
    assert is_plain(remembered, PLAIN[:-1])
    assert not is_plain(remembered, PLAIN)


def test_all_addresses_count_where_one_may_be_the_peers(remembered):
    assert [value for value in NOT_PLAIN if is_plain(remembered, [value])] == []
    for value in NOT_PLAIN:
        lines = [[(b"x-forwarded-for", value), (b"x-real-ip", plain)] for plain in PLAIN[2:4]]
        one, other = (remembered.recall(each, PEER).circumstances for each in lines)
        assert one != other


def test_addresses_are_of_no_matter_to_a_peer_that_is_known_for_sure_or_has_none(remembered):
    for peer in (PEER._replace(authoritative=True), TransportPeer("unix"), None):
        assert all(is_plain(remembered, [value], peer) for value in NOT_PLAIN)


@pytest.mark.parametrize("host", ["::1", "2001:db8::5", "10.0.0", "010.0.0.5", "", "\ud800", "gateway"])
def test_of_a_peer_whose_address_is_none_of_ipv4_all_addresses_count(remembered, host):
    assert not is_plain(remembered, [b"203.0.113.9"], PEER._replace(host=host))


addresses = st.lists(
    st.lists(
        st.sampled_from([*b'0123456789abcfF.:,; []"=%\t', *PLAIN, *NOT_PLAIN, b"10.0.0.", b"::ffff:", b"0:0", b":0"]),
        max_size=6,
    ).map(lambda parts: b"".join(part if isinstance(part, bytes) else bytes([part]) for part in parts)),
    max_size=3,
)


@given(addresses)
def test_no_objection_can_be_made_to_addresses_that_are_of_no_matter(values):
    plain = [is_plain(Remembered(core), values) for core in BACKENDS.values()]
    assert len(set(plain)) == 1
    if plain[0]:
        assert TrustedProxies(addresses=["10.0.0.0/8"]).address_objection(PEER, values) is None


# Who is recalled


def test_a_client_is_recalled_within_its_validity_and_under_circumstances_that_are_known(remembered):
    lines, peer = [LINE, (b"via", b"1")], PEERS[1]
    picked = remembered.recall(lines, peer)
    assert not picked.is_usual
    remembered.clients.put(picked.client, _backend.core.KnownClient("found", (10, 20)))
    assert remembered.recall(lines, peer, 15).lines == tuple(lines)
    remembered.circumstances.put(picked.circumstances, "known")
    recalled = [remembered.recall(lines, peer, now) for now in (9.99, 10, 10.5, 20.99, 21)]
    assert recalled[1:4] == ["found"] * 3
    assert recalled[0].lines == recalled[4].lines == tuple(lines)
    assert recalled[0].is_usual

    other = [(HEADER, b"other"), lines[1]]
    assert remembered.recall(other, peer, 15).lines == tuple(other)
    assert remembered.recall(lines[1:], peer, 15).is_usual
    for unusual in ((lines, PEERS[2]), ([LINE], peer)):
        picked = remembered.recall(*unusual, 15)
        assert not picked.is_usual
        remembered.circumstances.put(picked.circumstances, "known")
        assert remembered.recall(*unusual, 15) == "found"


@pytest.mark.parametrize("now", [-(2.0**40), 0, 2**40])
def test_a_client_whose_validity_is_no_matter_is_recalled_at_any_time(backend, now):
    for validity, known in ((True, None), (False, (10, 20))):
        remembered = Remembered(_backend.core, validity=validity)
        picked = remembered.recall([LINE])
        remembered.circumstances.put(picked.circumstances, "known")
        remembered.clients.put(picked.client, _backend.core.KnownClient("found", known))
        assert remembered.recall([LINE], None, now) == "found"


# Whose certificate is read


def test_the_certificate_of_a_new_client_is_read_where_all_else_is_known(reading):
    picked = reading.recall([(HEADER, VALUE)])
    assert picked.certificate == ISSUED.certificate
    assert picked.is_usual
    assert (reading.clients.young, reading.clients.old) == ({}, {})


@pytest.mark.parametrize(
    "lines",
    [
        [(HEADER, VALUE), (b"via", b"1")],
        [(HEADER, VALUE), (HEADER, VALUE)],
        [(HEADER, VALUE), (IDENTIFYING[1], b"")],
        [(IDENTIFYING[1], VALUE)],
        [(b"X-Client-Cert", VALUE)],
        [(HEADER, VALUE[:-1])],
        [(HEADER, VALUE + VALUE)],
        [(HEADER, b"")],
        [],
    ],
)
def test_no_certificate_is_read_where_anything_else_is_new_doubled_or_wrong(reading, lines):
    assert reading.recall(lines).certificate is None


def test_no_certificate_is_read_out_of_its_time(reading):
    read = [reading.recall([(HEADER, VALUE)], None, VALIDITY[at] + by) for at in (0, 1) for by in (-0.01, 0, 0.99, 1)]
    assert [picked.certificate is not None for picked in read] == [False, True, True, True, True, True, True, False]


def test_a_certificate_is_read_at_any_time_where_that_is_no_matter(backend):
    remembered = Remembered(_backend.core, certificate=(HEADER, "url-pem"), validity=False)
    remembered.circumstances.put(remembered.recall([]).circumstances, "known")
    assert remembered.recall([(HEADER, VALUE)], None, 0).certificate == ISSUED.certificate


def test_no_certificate_is_read_of_who_was_known_before_and_is_not_forgotten(reading):
    picked = reading.recall([(HEADER, VALUE)])
    reading.clients.old[picked.client] = _backend.core.KnownClient("found", None)
    assert reading.recall([(HEADER, VALUE)]).certificate is None


def test_no_certificate_is_read_where_more_is_needed_than_its_header(remembered):
    remembered.circumstances.put(remembered.recall([]).circumstances, "known")
    assert remembered.recall([(HEADER, VALUE)]).certificate is None
