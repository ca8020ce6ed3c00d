"""The backends and the certificates that the benchmarks run on."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from clientcert import PeerCertificate, _backend, parse_pem

_BENCHES = Path(__file__).parents[1]
_PKI = _BENCHES.parent / "tests" / "captures" / "pki"

KEYS = {"rsa": _PKI / "rsa.pem", "ec": _PKI / "ec.pem", "rsa-4096": _BENCHES / "rsa-4096.pem"}
"""A certificate for each kind of key."""


@pytest.fixture(params=["rust", "python"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    module = {"rust": "clientcert._core", "python": "clientcert._fallback"}[request.param]
    monkeypatch.setattr(_backend, "core", import_module(module))
    return request.param


@pytest.fixture(params=KEYS)
def key(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def pem(key: str) -> bytes:
    return KEYS[key].read_bytes()


@pytest.fixture
def certificate(pem: bytes, backend: str) -> PeerCertificate:
    return parse_pem(pem)
