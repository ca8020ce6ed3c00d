"""A short run of ``make differential``."""

from __future__ import annotations

import pytest

import differential
from backends import BACKENDS


@pytest.mark.skipif(len(BACKENDS) < 2, reason="there is only one backend")
def test_the_backends_do_not_differ(record_counts):
    outcomes, differences = differential.run(seed=0, count=2500)
    counts = ", ".join(f"{count} {code}" for code, count in outcomes.most_common())
    record_counts(f"the two backends: {outcomes.total()} compared, {len(differences)} different ({counts})")
    assert not differences, "\n".join([f"{len(differences)} differ", *differences[:20]])
    assert {"value", "der", "certificate", "name", "extension", "curve", "base64", "percent", "pem"} <= set(outcomes)


def test_a_difference_would_be_seen(monkeypatch):
    """A comparison that never objects would pass everything."""

    class Other:
        def __getattr__(self, name):
            return lambda *arguments: None

    first = next(iter(BACKENDS.values()))
    monkeypatch.setattr(differential, "BACKENDS", {"first": first, "other": Other()})
    monkeypatch.setattr(differential, "draw", lambda random: ("parse_der", (b"",)))
    outcomes, differences = differential.run(seed=0, count=3)
    assert outcomes == {"certificate": 3}
    assert len(differences) == 3
