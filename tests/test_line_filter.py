"""The filter of header lines: what it picks is what could be one of the names, on both backends alike."""

from __future__ import annotations

from functools import partial
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends import BACKENDS
from clientcert import _backend
from clientcert.presets import SIMILAR, similar_name
from clientcert.request import TransportPeer

IDENTIFYING = [b"x-client-cert", b"X_Client.Chain"]
VARYING = [b"x-forwarded-for"]
OTHERS = [b"via", b"a" * 70, b"x-client_cert", b""]
NAMES = [*IDENTIFYING, *VARYING, *OTHERS]
KEY = b"sixteen bytes of"


def line_filter(core):
    return core.LineFilter(IDENTIFYING, VARYING, OTHERS, SIMILAR, KEY)


@pytest.fixture
def names(backend):
    return line_filter(_backend.core)


def picked_names(names, *candidates):
    return [name for name, _ in names.pick([(name, b"value") for name in candidates])]


def unknown(names, lines, peer=None):
    """What is picked of a request of somebody unknown."""
    return names.recall(lines, peer, {}, {}, 0)


def client(names, lines):
    return unknown(names, lines).client


CERTIFICATE = (b"x-client-cert", b"value")


def circumstances(names, lines, peer=None):
    return unknown(names, lines, peer).circumstances


def test_a_name_is_picked_in_any_case_and_with_any_sign_for_a_hyphen(names):
    spellings = [b"x-client-cert", b"X-CLIENT-CERT", b"x_client_cert", b"x.client~cert", b"VIA", b"x|client|chain", b""]
    assert picked_names(names, *spellings) == spellings


def test_no_other_name_is_picked(names):
    others = [
        b"x-client-cer",
        b"x-client-cert-",
        b"x-client-cerr",
        b"x client cert",
        b"x-client\xadcert",
        b"vi",
        b"vla",
    ]
    assert picked_names(names, *others, b"a" * 69, b"a" * 71, b"b" * 70) == []


def test_lines_stay_in_order_and_are_those_that_were_given(names):
    lines = [(b"via", b"1"), (b"host", b"2"), (b"via", b"3")]
    picked = names.pick(iter(lines))
    assert picked == (lines[0], lines[2])
    assert picked[0] is lines[0]


def test_what_is_picked_stays_as_it_is_though_a_server_makes_lists_of_lines(names):
    assert names.pick([[b"via", b"1"], [b"host", b"2"]]) == ((b"via", b"1"),)


@pytest.mark.parametrize("line", [(b"via", bytearray(b"1")), (b"via", None), (b"x-client-cert", memoryview(b"1"))])
def test_a_value_that_is_not_bytes_raises_whether_or_not_it_is_of_a_certificate(names, line):
    for use in (names.pick, partial(unknown, names)):
        with pytest.raises(TypeError):
            use([line])


@pytest.mark.parametrize("line", [(b"via", b"1", b"2"), (b"x-client-cert", b"1", b"2")])
def test_a_line_that_is_no_pair_raises(names, line):
    for use in (names.pick, partial(unknown, names)):
        with pytest.raises(ValueError, match=r"header line|to unpack"):
            use([line])


def test_a_line_is_of_the_group_that_its_name_has_byte_for_byte_or_of_the_others(names):
    lines = tuple((name, b"value") for name in (*reversed(NAMES), b"X-CLIENT-CERT", b"x_forwarded_for"))
    picked = unknown(names, lines)
    assert [name for name, _ in picked.identifying] == [b"X_Client.Chain", b"x-client-cert"]
    assert [name for name, _ in picked.varying] == VARYING
    others = [(name, b"value") for name in (*reversed(OTHERS), b"X-CLIENT-CERT", b"x_forwarded_for")]
    assert picked.others == unknown(names, others).others
    assert len({unknown(names, others[:count]).others for count in range(len(others) + 1)}) == len(others) + 1


def test_there_is_a_fingerprint_of_the_client_where_a_line_is_identifying(names):
    assert [client(names, [(name, b"value")]) is None for name in NAMES] == [False] * 2 + [True] * 5
    assert client(names, [(b"X-Client-Cert", b"value")]) is None
    assert client(names, []) is None


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
    [(b"", b"via")],
    [(b"x-forwarded_for", b"10.0.0.2")],
]


def test_other_identifying_lines_have_another_fingerprint(names):
    clients = [client(names, lines) for lines in IDENTITIES]
    assert len(set(clients)) == len(IDENTITIES)
    assert clients == [client(names, lines) for lines in IDENTITIES]


def test_other_lines_have_another_fingerprint(names):
    fingerprints = [unknown(names, lines).others for lines in RESTS if all(name != VARYING[0] for name, _ in lines)]
    assert len(fingerprints) > 12
    assert len(set(fingerprints)) == len(fingerprints)


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


def in_groups(lines):
    """Lines of two groups that stand in another order have the same meaning."""
    varying = tuple(line for line in lines if line[0] in VARYING)
    return varying, tuple(line for line in lines if line not in varying)


def test_requests_with_other_lines_or_from_another_peer_have_other_circumstances(names):
    found = {(in_groups(lines), peer): circumstances(names, lines, peer) for lines, peer in product(RESTS, PEERS)}
    assert len(set(found.values())) == len(found)
    assert all(
        found[in_groups(lines), peer] == circumstances(names, lines, peer) for lines, peer in product(RESTS, PEERS)
    )


def test_lines_of_one_kind_are_not_taken_for_those_of_another_nor_for_a_peer(names):
    peer, flags = TransportPeer("ip", "10.0.0.5"), bytes([True, False, False])
    as_lines = [(flags, b"ip"), (b"", b"10.0.0.5")]
    kinds = [
        _backend.core.LineFilter([], varying, others, SIMILAR, KEY)
        for varying, others in (([flags, b""], []), ([], [flags, b""]), ([flags], [b""]), ([b""], [flags]))
    ]
    found = [circumstances(kind, as_lines) for kind in kinds]
    assert len({*found, *(circumstances(kind, [], peer) for kind in kinds)}) == len(found) + 1


def test_the_text_of_a_peers_address_may_be_any(names):
    for host in ("\ud800", "10.0.0.5\ud800", "\N{SNOWMAN}", "\0"):
        peer = TransportPeer("ip", host)
        assert circumstances(names, [], peer) == circumstances(names, [], peer)
        assert circumstances(names, [], peer) != circumstances(names, [], TransportPeer("ip", "10.0.0.5"))


def test_each_line_counts_for_one_of_the_two_fingerprints(names):
    for identity, rest in product(IDENTITIES, RESTS):
        assert client(names, [*rest, *identity]) == client(names, identity)
        assert unknown(names, [*rest, *identity]).others == unknown(names, rest).others
        assert circumstances(names, [*rest, *identity]) == circumstances(names, rest)


def test_lines_that_do_not_matter_change_no_fingerprint(names):
    lines = [CERTIFICATE, (b"via", b"1")]
    assert client(names, [*lines, (b"host", b"a")]) == client(names, lines)
    assert circumstances(names, [(b"accept", b"b"), *lines]) == circumstances(names, lines)


def test_with_another_key_there_are_other_fingerprints(backend):
    """Nobody can look for two sets of lines with the same one who does not know the key."""
    filters = [_backend.core.LineFilter(IDENTIFYING, [], OTHERS, SIMILAR, key) for key in (KEY, KEY[::-1])]
    first, second = (unknown(each, [CERTIFICATE, (b"via", b"1")]) for each in filters)
    assert first.client != second.client
    assert first.others != second.others
    assert first.circumstances != second.circumstances


def test_a_client_is_recalled_within_its_validity_and_under_circumstances_that_are_known(names):
    lines, peer = [CERTIFICATE, (b"via", b"1")], PEERS[1]
    picked = unknown(names, lines, peer)
    usual = {picked.circumstances: True}
    clients = {picked.client: _backend.core.KnownClient("found", (10, 20))}

    def recalled(lines=lines, peer=peer, clients=clients, circumstances=usual, now=15):
        found = names.recall(lines, peer, clients, circumstances, now)
        return found if isinstance(found, str) else found.lines

    assert [recalled(now=now) for now in (9, 10, 20, 21)] == [tuple(lines), "found", "found", tuple(lines)]
    assert recalled(circumstances={}) == tuple(lines)
    assert recalled(clients={}) == tuple(lines)
    other = [(b"x-client-cert", b"other"), lines[1]]
    assert recalled(lines=other) == tuple(other)
    for unusual in ({"peer": PEERS[2]}, {"lines": [CERTIFICATE]}):
        assert recalled(**unusual) != "found"
        fingerprint = unknown(names, **{"lines": lines, "peer": peer, **unusual}).circumstances
        assert recalled(**unusual, circumstances={**usual, fingerprint: None}) == "found"
    assert unknown(names, lines[1:], peer).circumstances in usual
    assert recalled(lines=lines[1:]) == (lines[1],)
    for at in (-(2**40), 0, 2**40):
        endless = _backend.core.KnownClient("found", None)
        assert endless.found == recalled(clients={picked.client: endless}, now=at) == "found"


@pytest.mark.parametrize(
    "lines", [None, [None], [("via", "1")], [(1, 2)], [(b"x-client-cert", "value")], [(b"via", "1")]]
)
def test_what_are_no_lines_raise_and_are_not_passed_over(names, lines):
    for use in (names.pick, partial(unknown, names)):
        with pytest.raises(TypeError):
            use(lines)


alphabet = st.binary(max_size=4) | st.sampled_from([name.swapcase() for name in NAMES])


def groups_of(core, groups, lines):
    """The lines that are picked, whether they have a fingerprint, and their groups."""
    names = core.LineFilter(*groups, SIMILAR, KEY)
    picked = unknown(names, lines)
    assert names.pick(lines) == picked.lines
    return picked.lines, picked.client is not None, (picked.identifying, picked.varying)


@given(st.tuples(*[st.lists(alphabet, max_size=3)] * 3), st.lists(st.tuples(alphabet, st.binary(max_size=3))))
def test_the_backends_pick_the_same_lines_which_are_those_with_similar_names(groups, lines):
    similar = {similar_name(name) for group in groups for name in group}
    expected = tuple(line for line in lines if similar_name(line[0]) in similar)
    one, *others = (groups_of(core, groups, lines) for core in BACKENDS.values())
    assert all(other == one for other in others)
    assert one[0] == expected
    assert one[1] is bool(one[2][0])
