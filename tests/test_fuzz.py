"""What is around the fuzz targets: they are all built, have seeds, are explained, and are reported as they ran."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from random import Random

import pytest

import compare
import differential
import report
import seeds
from backends import BACKENDS

FUZZ = Path(__file__).parent.parent / "fuzz"
VECTORS = Path(__file__).parent / "vectors"

# The end of a run, as libFuzzer prints it.
DONE = """\
#9871\tREDUCE cov: 480 ft: 770 corp: 250/106Kb lim: 3888 exec/s: 61854 rss: 35Mb L: 106/2172 MS: 2 EraseBytes-
#10000\tDONE   cov: 488 ft: 782 corp: 256/108Kb lim: 4205 exec/s: 54837 rss: 35Mb
Done 10000 runs in 4 second(s)
stat::number_of_executed_units: 10000
"""
CRASHED = "#9871\tNEW    cov: 480 ft: 770 corp: 250/106Kb\n==1== ERROR: libFuzzer: deadly signal\n"


def test_every_target_is_built_and_has_seeds():
    manifest = tomllib.loads((FUZZ / "Cargo.toml").read_text())
    assert sorted(binary["name"] for binary in manifest["bin"]) == report.TARGETS
    assert sorted(target for target, inputs in seeds.seeds().items() if inputs) == report.TARGETS


def test_the_readme_says_what_each_target_asserts():
    page = (FUZZ / "README.md").read_text().partition("## What the targets assert")[2]
    explained = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)))
    assert sorted(explained) == report.TARGETS


@pytest.mark.parametrize(
    ("vector", "target"),
    [
        ({"encoding": "url-pem-aws", "input": ""}, "url_pem"),
        ({"encoding": "base64-der-concat", "input": ""}, "base64_der_concat"),
        ({"function": "parse_chain_header", "encoding": "base64-der", "input": ""}, "chain_header"),
        ({"function": "parse_pem", "input": ""}, "pem"),
        ({"function": "parse_xfcc", "input": ""}, "xfcc"),
        ({"der": ""}, "x509"),
    ],
)
def test_a_vector_is_a_seed_of_the_target_that_decodes_it(vector, target):
    assert seeds.target(vector) == target


def test_every_vector_is_a_seed():
    vectors = [vector for path in VECTORS.glob("*.json") for vector in json.loads(path.read_text("ascii"))["vectors"]]
    found = seeds.seeds()
    assert vectors
    for vector in vectors:
        if "input" in vector:
            assert vector["input"].encode("latin-1") in found[seeds.target(vector)]


@pytest.mark.skipif(len(BACKENDS) < 2, reason="there is only one backend")
def test_the_seeds_of_every_target_are_compared_on_both_backends():
    random = Random(0)
    calls = [
        compare.call(random, target, data) for target, inputs in seeds.seeds().items() for data in sorted(inputs)[:20]
    ]
    outcomes, differences = differential.compare(calls)
    assert outcomes.total() == len(calls)
    assert not differences
    assert {function for function, _ in calls} == {
        "encode_header",
        "parse_chain_header",
        "parse_der",
        "parse_header",
        "parse_pem",
        "parse_xfcc",
    }


def test_a_run_is_reported_as_it_ended():
    row = report.fuzzed("hex_der", DONE)
    assert str(row) == "| `hex_der` | 10,000 | 4 | 256 | 488 | nothing |"
    row = report.compared("10000042 compared in 900 s, 0 different (7542 inputs and their mutations, seed 1)\n")
    assert str(row) == "| the backends beside each other | 10,000,042 | 900 | 7,542 |  | nothing |"


@pytest.mark.parametrize("output", ["", CRASHED])
def test_a_run_that_did_not_come_to_its_end_is_not_reported(output):
    with pytest.raises(ValueError, match="hex_der"):
        report.fuzzed("hex_der", output)


@pytest.mark.parametrize(
    "output", ["", "   10000 compared in 9 s, 1 different (7542 inputs and their mutations, seed 1)\n"]
)
def test_a_difference_is_not_reported_as_nothing(output):
    with pytest.raises(ValueError, match="differ"):
        report.compared(output)
