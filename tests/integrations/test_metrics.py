"""Prometheus and OpenTelemetry: what their own registry and reader have after requests to ASGI and WSGI middleware."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry

from clientcert import PRESETS, ClientCertStrategy, __version__, allow_ou
from clientcert.asgi import ClientCertMiddleware as ASGIMiddleware
from clientcert.hooks import drain
from clientcert.integrations.opentelemetry import OpenTelemetryMetrics
from clientcert.integrations.prometheus import PrometheusMetrics
from clientcert.testing import CertificateAuthority, proxy_headers
from clientcert.wsgi import ClientCertMiddleware as WSGIMiddleware

PROXY, STRANGER = "10.0.0.5", "203.0.113.9"
CA = CertificateAuthority()
NOW = datetime.now(UTC)
CLIENTS = [
    CA.issue(subject=[("OU", "Billing"), ("CN", f"client {number}")], not_after=NOW + timedelta(days=20, hours=1))
    for number in range(5)
]
GUEST = CA.issue(subject=[("OU", "Guests"), ("CN", "guest")])

REQUESTS = [
    *((client, PROXY) for client in CLIENTS),
    (GUEST, PROXY),
    (CLIENTS[0], STRANGER),
    (None, PROXY),
    (None, PROXY),
]
ACCEPTED = ("authenticated", None)
COUNTS = {
    ACCEPTED: 5,
    ("rejected", "callback_returned_false"): 1,
    ("rejected", "untrusted_peer"): 1,
    ("rejected", "header_missing_or_malformed"): 2,
}


async def asgi_app(scope, receive, send):
    pass


async def discarded(message):
    pass


def over_asgi(strategy, source):
    middleware = ASGIMiddleware(asgi_app, strategy)
    for issued, peer in REQUESTS:
        sent = {} if issued is None else proxy_headers(PRESETS[source], issued.certificate)
        headers = [(name.lower().encode(), value.encode()) for name, value in sent.items()]
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "client": (peer, 40000)}
        asyncio.run(middleware(scope, None, discarded))
    drain()


def over_wsgi(strategy, source):
    middleware = WSGIMiddleware(lambda environ, start_response: [], strategy)
    for issued, peer in REQUESTS:
        sent = {} if issued is None else proxy_headers(PRESETS[source], issued.certificate)
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sent.items()}
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": peer, **headers}
        middleware(environ, lambda status, headers: None)
    drain()


SHIMS = {"billing": ("nginx", over_asgi), "reports": ("rfc9440", over_wsgi)}


@pytest.fixture
def served():
    """Send the requests through two strategies, over ASGI and over WSGI, that report to the metrics."""

    def serve(metrics):
        for name, (source, send_requests) in SHIMS.items():
            strategy = ClientCertStrategy(
                allow_ou(["Billing"]),
                name=name,
                certificate_source=source,
                trusted_proxies=[PROXY],
                on_decision=metrics,
            )
            send_requests(strategy, source)

    return serve


def test_prometheus_has_the_decisions_by_reason_and_source(backend, served):
    registry = CollectorRegistry()
    served(PrometheusMetrics(registry))
    samples = {
        tuple(sample.labels.values()): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "clientcert_decisions_total"
    }
    assert samples == {
        (name, source, outcome, reason or ""): count
        for name, (source, _) in SHIMS.items()
        for (outcome, reason), count in COUNTS.items()
    }


def test_prometheus_has_the_days_that_are_left(backend, served):
    registry = CollectorRegistry()
    served(PrometheusMetrics(registry))
    for name, (source, _) in SHIMS.items():
        labels = {"strategy": name, "source": source}
        at_most = {
            bound: registry.get_sample_value("clientcert_certificate_days_left_bucket", {**labels, "le": bound})
            for bound in ("14.0", "30.0", "+Inf")
        }
        assert at_most == {"14.0": 0, "30.0": 5, "+Inf": 5}
        assert registry.get_sample_value("clientcert_certificate_days_left_sum", labels) == 5 * 20


def test_prometheus_takes_one_object_for_all_strategies_of_a_registry():
    registry = CollectorRegistry()
    PrometheusMetrics(registry)
    with pytest.raises(ValueError, match="Duplicated"):
        PrometheusMetrics(registry)


def read(reader):
    """Return the data points of each metric by its name."""
    (resource,) = reader.get_metrics_data().resource_metrics
    (scope,) = resource.scope_metrics
    assert (scope.scope.name, scope.scope.version) == ("clientcert", __version__)
    return {metric.name: metric for metric in scope.metrics}


def test_opentelemetry_has_the_decisions_by_reason_and_source(backend, served):
    reader = InMemoryMetricReader()
    served(OpenTelemetryMetrics(MeterProvider([reader])))
    points = read(reader)["clientcert.decisions"].data.data_points
    assert {frozenset(point.attributes.items()): point.value for point in points} == {
        frozenset(
            {
                "clientcert.strategy": name,
                "clientcert.source": source,
                "clientcert.outcome": outcome,
                **({} if reason is None else {"clientcert.reason": reason}),
            }.items()
        ): count
        for name, (source, _) in SHIMS.items()
        for (outcome, reason), count in COUNTS.items()
    }
    assert {type(value) for point in points for value in point.attributes.values()} == {str}


def test_opentelemetry_has_the_days_that_are_left(backend, served):
    reader = InMemoryMetricReader()
    served(OpenTelemetryMetrics(MeterProvider([reader])))
    histogram = read(reader)["clientcert.certificate.days_left"]
    assert histogram.unit == "d"
    points = {tuple(point.attributes.values()): point for point in histogram.data.data_points}
    assert points.keys() == {(name, source) for name, (source, _) in SHIMS.items()}
    for point in points.values():
        assert (point.count, point.sum) == (5, 5 * 20)
        assert point.bucket_counts[point.explicit_bounds.index(30)] == 5


def test_opentelemetry_without_an_sdk_counts_nothing_and_raises_nothing(served, caplog):
    served(OpenTelemetryMetrics())
    assert caplog.records == []
