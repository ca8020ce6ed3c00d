"""Both backends, in one run."""

from __future__ import annotations

import os
from importlib import import_module

import pytest

from clientcert import _backend

_MODULES = {"rust": "clientcert._core", "python": "clientcert._fallback"}


def _found() -> dict[str, object]:
    found = {}
    for name, module in _MODULES.items():
        try:
            found[name] = import_module(module)
        except ModuleNotFoundError as error:
            # A user without a Rust toolchain tests the fallback; where the Rust core is forced, it must be there.
            if error.name != "clientcert._core" or os.environ.get("CLIENTCERT_BACKEND") == "rust":
                raise
    return found


BACKENDS = _found()


def pytest_report_header() -> str:
    return f"clientcert backends under test: {', '.join(BACKENDS)}"


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the backend that the test runs on."""
    monkeypatch.setattr(_backend, "core", BACKENDS[request.param])
    monkeypatch.setattr(_backend, "backend", request.param)
    return request.param
