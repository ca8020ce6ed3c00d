"""The filter of header lines: what it picks is what could be one of the names, on both backends alike."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends import BACKENDS
from clientcert import _backend
from clientcert.presets import SIMILAR, similar_name

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
    return [name for name, _ in names.pick([(name, b"value") for name in candidates])[1]]


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
    _, picked = names.pick(iter(lines))
    assert picked == (lines[0], lines[2])
    assert picked[0] is lines[0]


def test_what_is_picked_can_be_a_key_though_a_server_makes_lists_of_lines(names):
    _, picked = names.pick([[b"via", b"1"], [b"host", b"2"]])
    assert hash(picked) == hash(((b"via", b"1"),))


def test_a_line_is_of_the_group_that_its_name_has_byte_for_byte_or_of_the_others(names):
    lines = tuple((name, b"value") for name in (*reversed(NAMES), b"X-CLIENT-CERT", b"x_forwarded_for"))
    identifying, varying, others = names.split(lines)
    assert [name for name, _ in identifying] == [b"X_Client.Chain", b"x-client-cert"]
    assert [name for name, _ in varying] == VARYING
    assert [name for name, _ in others] == [*reversed(OTHERS), b"X-CLIENT-CERT", b"x_forwarded_for"]


def test_there_is_a_fingerprint_where_a_line_is_identifying(names):
    assert [names.pick([(name, b"value")])[0] is None for name in NAMES] == [False] * 2 + [True] * 5
    assert names.pick([(b"X-Client-Cert", b"value")])[0] is None
    assert names.pick([])[0] is None


CERTIFICATE = (b"x-client-cert", b"value")
TOLD_APART = [
    [CERTIFICATE],
    [(b"x-client-cert", b"valuf")],
    [(b"x-client-cert", b"value ")],
    [(b"x-client-cert", b"")],
    [(b"X_Client.Chain", b"value")],
    [CERTIFICATE, CERTIFICATE],
    [CERTIFICATE, (b"via", b"")],
    [CERTIFICATE, (b"Via", b"")],
    [CERTIFICATE, (b"", b"via")],
    [(b"via", b""), CERTIFICATE],
    [CERTIFICATE, (b"x-forwarded-for", b"10.0.0.1")],
    [CERTIFICATE, (b"x-forwarded-for", b"10.0.0.2")],
    [CERTIFICATE, (b"x-forwarded_for", b"10.0.0.2")],
    # The same bytes in a row, with the lengths where the core has them.
    [(b"x-client-cert", b"a" + b"via" + b"b"), (b"via", b"c")],
    [(b"x-client-cert", b"a"), (b"via", b"b" + b"via" + b"c")],
]


def test_other_lines_have_another_fingerprint(names):
    """Also those that are as long, begin alike, or are the same in another order."""
    for one, other in combinations(TOLD_APART, 2):
        assert names.pick(one)[0] != names.pick(other)[0]
    assert [names.pick(lines)[0] for lines in TOLD_APART] == [names.pick(lines)[0] for lines in TOLD_APART]


def test_lines_that_do_not_matter_change_no_fingerprint(names):
    assert names.pick([CERTIFICATE, (b"host", b"a"), (b"accept", b"b")]) == names.pick([CERTIFICATE])


def test_with_another_key_there_are_other_fingerprints(backend):
    """Nobody can look for two sets of lines with the same one who does not know the key."""
    filters = [_backend.core.LineFilter(IDENTIFYING, [], [], SIMILAR, key) for key in (KEY, KEY[::-1])]
    assert filters[0].pick([CERTIFICATE])[0] != filters[1].pick([CERTIFICATE])[0]


@pytest.mark.parametrize("lines", [None, [None], [("via", "1")], [(1, 2)], [(b"x-client-cert", "value")]])
def test_what_are_no_lines_raise_and_are_not_passed_over(names, lines):
    with pytest.raises(TypeError):
        names.pick(lines)


alphabet = st.binary(max_size=4) | st.sampled_from([name.swapcase() for name in NAMES])


def groups_of(core, groups, lines):
    """The lines that are picked, whether they have a fingerprint, and their groups."""
    names = core.LineFilter(*groups, SIMILAR, KEY)
    fingerprint, picked = names.pick(lines)
    return picked, fingerprint is not None, names.split(picked)


@given(st.tuples(*[st.lists(alphabet, max_size=3)] * 3), st.lists(st.tuples(alphabet, st.binary(max_size=3))))
def test_the_backends_pick_the_same_lines_which_are_those_with_similar_names(groups, lines):
    similar = {similar_name(name) for group in groups for name in group}
    expected = tuple(line for line in lines if similar_name(line[0]) in similar)
    one, other = (groups_of(core, groups, lines) for core in BACKENDS.values())
    assert one == other
    assert one[0] == expected
    assert one[1] is bool(one[2][0])
