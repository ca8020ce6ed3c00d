"""The filter of header lines: what it picks is what could be one of the names, on both backends alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends import BACKENDS
from clientcert import _backend
from clientcert.presets import SIMILAR, similar_name

IDENTIFYING = [b"x-client-cert", b"X_Client.Chain"]
ADDRESSES = [b"x-forwarded-for"]
OTHERS = [b"via", b"a" * 70, b"x-client_cert", b""]
NAMES = [*IDENTIFYING, *ADDRESSES, *OTHERS]
KEY = b"sixteen bytes of"


@pytest.fixture
def names(backend):
    return _backend.core.LineFilter(IDENTIFYING, ADDRESSES, OTHERS, SIMILAR, KEY)


def picked_names(names, *candidates):
    return [name for name, _ in names.pick([(name, b"value") for name in candidates])]


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
    with pytest.raises(TypeError):
        names.pick([line])


@pytest.mark.parametrize("line", [(b"via", b"1", b"2"), (b"x-client-cert", b"1", b"2")])
def test_a_line_that_is_no_pair_raises(names, line):
    with pytest.raises(ValueError, match=r"header line|to unpack"):
        names.pick([line])


@pytest.mark.parametrize(
    "lines", [None, [None], [("via", "1")], [(1, 2)], [(b"x-client-cert", "value")], [(b"via", "1")]]
)
def test_what_are_no_lines_raise_and_are_not_passed_over(names, lines):
    with pytest.raises(TypeError):
        names.pick(lines)


alphabet = st.binary(max_size=4) | st.sampled_from([name.swapcase() for name in NAMES])


@given(st.tuples(*[st.lists(alphabet, max_size=3)] * 3), st.lists(st.tuples(alphabet, st.binary(max_size=3))))
def test_the_backends_pick_the_same_lines_which_are_those_with_similar_names(groups, lines):
    similar = {similar_name(name) for group in groups for name in group}
    expected = tuple(line for line in lines if similar_name(line[0]) in similar)
    for core in BACKENDS.values():
        assert core.LineFilter(*groups, SIMILAR, KEY).pick(lines) == expected
