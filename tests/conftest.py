"""Both backends, in one run."""

from __future__ import annotations

import pytest

from backends import BACKENDS
from clientcert import _backend


def pytest_report_header() -> str:
    return f"clientcert backends under test: {', '.join(BACKENDS)}"


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the backend that the test runs on."""
    monkeypatch.setattr(_backend, "core", BACKENDS[request.param])
    monkeypatch.setattr(_backend, "backend", request.param)
    return request.param
