"""Certificates with one thing changed: what Node.js rejects is rejected, and what both accept is the same."""

from __future__ import annotations

from base64 import b64encode
from random import Random
from typing import TYPE_CHECKING

import awkward
import corpus
import judge

if TYPE_CHECKING:
    from nodejs import Node


def compare_with(node: Node, ders: list[bytes], record: object, what: str) -> None:
    verdicts, different = [], []
    for der in ders:
        try:
            verdicts.append(judge.verdict(node, der))
        except judge.DifferentError as difference:
            different.append(f"{b64encode(der).decode()}\n  {difference}")
    record(f"{what}: {judge.summary(verdicts)}, {len(different)} different")
    assert not different, "\n".join([f"{len(different)} differ", *different[:20]])


def test_a_mutated_certificate_is_what_node_builds_or_is_rejected(backend, node: Node, pytestconfig, record_counts):
    random = Random(pytestconfig.getoption("--seed"))
    every = (*corpus.certificates().values(), *awkward.certificates().values())
    good = [der for der in every if len(der) < 5000]
    mutated = [awkward.mutate(random, random.choice(good)) for _ in range(pytestconfig.getoption("--mutations"))]
    compare_with(node, mutated, record_counts, f"mutated certificates, {backend}")


def test_a_random_certificate_is_what_node_builds_or_is_rejected(backend, node: Node, pytestconfig, record_counts):
    random = Random(pytestconfig.getoption("--seed"))
    generated = [awkward.random_certificate(random) for _ in range(pytestconfig.getoption("--mutations") // 4)]
    compare_with(node, generated, record_counts, f"random certificates, {backend}")
