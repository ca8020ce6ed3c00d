"""Every certificate of other people's tests, every root and every awkward one: exactly what Node.js builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import awkward
import corpus
import judge
from clientcert import parse_der
from vectors.certificates import LEAF

if TYPE_CHECKING:
    from nodejs import Node

SETS = {
    "other people's tests, roots, captures and vectors": corpus.certificates,
    "awkward certificates": awkward.certificates,
}
EXPECTED_AT_LEAST = {"other people's tests, roots, captures and vectors": 900, "awkward certificates": 3500}


@pytest.mark.parametrize("which", SETS)
def test_every_certificate_is_what_node_builds(which, backend, node: Node, record_counts):
    """The same object, both reject it, or it is in the table of those that we refuse on purpose."""
    refused = {name: code for code, names in judge.REFUSED.items() for name in names}
    verdicts: dict[str, str] = {}
    different = []
    for name, der in SETS[which]().items():
        try:
            verdicts[name] = verdict = judge.verdict(node, der)
        except judge.DifferentError as difference:
            different.append(f"{name}: {difference}")
            continue
        expected = refused.get(name)
        if (verdict if verdict in judge.RULES else None) != expected:
            different.append(f"{name}: {verdict}, but oracle/stricter.json says {expected}")
    record_counts(f"{which}, {backend}: {judge.summary(verdicts.values())}, {len(different)} different")
    assert not different, "\n".join([f"{len(different)} differ", *different[:40]])
    assert len(verdicts) >= EXPECTED_AT_LEAST[which]


def test_the_table_of_refusals_names_certificates_that_are_there_and_reasons_that_are_documented():
    names = [name for names in judge.REFUSED.values() for name in names]
    assert len(set(names)) == len(names)
    assert set(names) <= {name for certificates in SETS.values() for name in certificates()}
    assert set(judge.REFUSED) <= judge.RULES


def test_the_judge_sees_order_types_and_values(backend, node: Node):
    """A judge that never objects would pass everything."""
    certificate = parse_der(LEAF)
    wanted = node.legacy_object(LEAF)
    judge.compare(certificate, wanted)
    reordered = dict(reversed(wanted.items()))
    wrong = ({**wanted, "ca": 0}, {**wanted, "bits": 257}, {**wanted, "extra": None}, reordered)
    for other in wrong:
        with pytest.raises(judge.DifferentError):
            judge.compare(certificate, other)
    del wanted["serialNumber"]
    with pytest.raises(judge.DifferentError):
        judge.compare(certificate, wanted)
