"""The guard of the Rust core's speed: what Callgrind says is read, and compared with what is on record."""

from __future__ import annotations

import instructions
import pytest
from instructions import Cost, Record

from clientcert.parse import HEADER_ENCODINGS

# Of one call: 7 instructions and an allocation of its own, and 40 of libc, which allocates once more.
PROFILE = """\
# callgrind format
version: 1
cmd:  /cases 3
positions: line
events: Ir
summary: 47

ob=/cases
fl=???
fn=clientcert::decode::hex::decode
0 4
cob=/lib/libc.so.6
cfn=malloc
calls=1 3281
0 40
cob=/lib/libc.so.6
cfn=free
calls=1 3350
0 0
0 3

ob=/lib/libc.so.6
fn=malloc
3281 30
cfn=malloc
calls=1 3281
3281 10
"""

RECORD = Record("1.95.0", "x86_64 with AVX2", {"hex-der rsa": Cost(1000, 2), "walk rsa": Cost(2000, 3)})


def test_what_the_program_does_is_counted_and_what_libc_does_is_not():
    assert instructions.cost(PROFILE.splitlines(), "/cases") == Cost(7, 1)


def test_a_record_is_read_as_it_was_written():
    assert Record.from_json(RECORD.to_json()) == RECORD


def test_the_record_has_every_encoding_accepted_and_refused():
    cases = Record.from_json(instructions.RECORD.read_text()).cases
    assert {
        f"{encoding} {key}{end}" for encoding in HEADER_ENCODINGS for key in ("rsa", "ec") for end in ("", ", refused")
    } <= set(cases)


@pytest.mark.parametrize("count", [970, 1000, 1030])
def test_what_is_within_the_tolerance_is_no_difference(count):
    found = RECORD._replace(cases=RECORD.cases | {"hex-der rsa": Cost(count, 2)})
    assert list(instructions.differences(RECORD, found)) == []


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        ({"hex-der rsa": Cost(1031, 2)}, "hex-der rsa: 1,031 instructions, on record are 1,000 (+3.1%)"),
        # A record that is too high would let the next change that makes it slower through.
        ({"hex-der rsa": Cost(969, 2)}, "hex-der rsa: 969 instructions, on record are 1,000 (-3.1%)"),
        ({"hex-der rsa": Cost(1000, 3)}, "hex-der rsa: 3 allocations, on record are 2"),
        ({"hex-der ec": Cost(1, 1)}, "hex-der ec: is not on record"),
    ],
)
def test_a_case_that_costs_something_else_is_named(cases, said):
    assert list(instructions.differences(RECORD, RECORD._replace(cases=RECORD.cases | cases))) == [said]


def test_a_case_that_is_gone_is_named():
    found = RECORD._replace(cases={"walk rsa": Cost(2000, 3)})
    assert list(instructions.differences(RECORD, found)) == ["hex-der rsa: is on record, and there is no such case"]


@pytest.fixture
def compare(monkeypatch, tmp_path):
    """Compare with `RECORD`, without Valgrind: a function of what is counted, and of whether this is CI."""
    path = tmp_path / "instructions.json"
    path.write_text(RECORD.to_json())
    monkeypatch.setattr(instructions, "RECORD", path)
    monkeypatch.setattr(instructions, "toolchain", lambda version: {})
    monkeypatch.setattr(instructions, "build", lambda environ: "/cases")

    def compare(found, ci):
        monkeypatch.setattr(instructions.Valgrind, "count", lambda valgrind, environ: found)
        monkeypatch.setenv("CI", ci)
        return instructions.compare("/usr/bin/valgrind")

    return compare


@pytest.mark.parametrize("ci", ["", "true"])
def test_what_is_on_record_passes_and_what_takes_longer_fails(compare, ci):
    assert compare(RECORD, ci) == 0
    assert compare(RECORD._replace(cases=RECORD.cases | {"walk rsa": Cost(2100, 3)}), ci) == 1


@pytest.mark.parametrize("other", [{"rust": "1.96.0"}, {"instruction_set": "aarch64"}])
@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_with_another_compiler_or_processor_nothing_is_compared_which_fails_in_ci(compare, capsys, other, ci, status):
    slower = RECORD._replace(cases={"walk rsa": Cost(9999, 9)}, **other)
    assert compare(slower, ci) == status
    assert next(iter(other.values())) in capsys.readouterr().err
