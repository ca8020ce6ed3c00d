"""Prometheus: decisions by reason and source, and how long the certificates of clients are still valid.

::

    strategy = ClientCertStrategy(verify, on_decision=PrometheusMetrics())

No label has anything of a client: their values are the strategies' names, the presets' and the reasons, of which a
program has a handful. It takes ``prometheus_client``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from clientcert.audit import DAYS_LEFT

if TYPE_CHECKING:
    from clientcert.audit import AuditRecord

__all__ = ["PrometheusMetrics"]


class PrometheusMetrics:
    """Counts decisions in ``registry``: one object for all strategies of a registry, which takes each name once.

    ``clientcert_decisions_total`` has the labels ``strategy``, ``source``, ``outcome`` (``authenticated`` or
    ``rejected``) and ``reason``, which is empty for the former. ``clientcert_certificate_days_left``, a histogram with
    the labels ``strategy`` and ``source``, has the days that the certificate of each authenticated request is still
    valid.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._decisions = Counter(
            "clientcert_decisions",
            "Requests that were authenticated or rejected",
            ["strategy", "source", "outcome", "reason"],
            registry=registry,
        )
        self._days_left = Histogram(
            "clientcert_certificate_days_left",
            "Days until the certificate of an authenticated request ends",
            ["strategy", "source"],
            registry=registry,
            buckets=DAYS_LEFT,
        )

    def __call__(self, record: AuditRecord) -> None:
        """Count ``record``."""
        self._decisions.labels(record.strategy, record.source, record.outcome, record.reason or "").inc()
        if record.reason is None and record.days_left is not None:
            self._days_left.labels(record.strategy, record.source).observe(record.days_left)
