"""OpenTelemetry: decisions by reason and source, and how long the certificates of clients are still valid.

::

    strategy = ClientCertStrategy(verify, on_decision=OpenTelemetryMetrics())

No attribute has anything of a client: their values are the strategies' names, the presets' and the reasons, of which a
program has a handful. It takes ``opentelemetry-api``; what it counts goes nowhere until there is an SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.metrics import get_meter

from clientcert import __version__
from clientcert.audit import DAYS_LEFT

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from clientcert.audit import AuditRecord

__all__ = ["OpenTelemetryMetrics"]


class OpenTelemetryMetrics:
    """Counts decisions with a meter of ``meter_provider``, the global one by default.

    The counter ``clientcert.decisions`` has the attributes ``clientcert.strategy``, ``clientcert.source``,
    ``clientcert.outcome`` (``authenticated`` or ``rejected``) and, of the latter, ``clientcert.reason``. The histogram
    ``clientcert.certificate.days_left``, with the first two, has the days that the certificate of each authenticated
    request is still valid.
    """

    def __init__(self, meter_provider: MeterProvider | None = None) -> None:
        meter = get_meter("clientcert", __version__, meter_provider)
        self._decisions = meter.create_counter(
            "clientcert.decisions", unit="{request}", description="Requests that were authenticated or rejected"
        )
        self._days_left = meter.create_histogram(
            "clientcert.certificate.days_left",
            unit="d",
            description="Days until the certificate of an authenticated request ends",
            explicit_bucket_boundaries_advisory=DAYS_LEFT,
        )

    def __call__(self, record: AuditRecord) -> None:
        """Count ``record``."""
        attributes = {"clientcert.strategy": record.strategy, "clientcert.source": record.source}
        if record.reason is None and record.days_left is not None:
            self._days_left.record(record.days_left, attributes)
        attributes["clientcert.outcome"] = record.outcome
        if record.reason is not None:
            attributes["clientcert.reason"] = record.reason.value
        self._decisions.add(1, attributes)
