"""The backends and the certificates that the benchmarks run on."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from clientcert import PeerCertificate, _backend, parse_pem

_PKI = Path(__file__).parents[2] / "tests" / "captures" / "pki"


@pytest.fixture(params=["rust", "python"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    module = {"rust": "clientcert._core", "python": "clientcert._fallback"}[request.param]
    monkeypatch.setattr(_backend, "core", import_module(module))
    return request.param


@pytest.fixture(params=["rsa", "ec"])
def key(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def pem(key: str) -> bytes:
    return (_PKI / f"{key}.pem").read_bytes()


@pytest.fixture
def certificate(pem: bytes, backend: str) -> PeerCertificate:
    return parse_pem(pem)
