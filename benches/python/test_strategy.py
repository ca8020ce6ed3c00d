"""A request through the strategy and the shims: a client that comes again, clients that never do, and nobody at all."""

from __future__ import annotations

import io
from functools import cache
from itertools import cycle
from typing import TYPE_CHECKING, Any

import pytest
from fake_requests import environ, received

from clientcert import ClientCertStrategy, allow_cn, encode_header
from clientcert.asgi import ASGIRequest
from clientcert.asgi import ClientCertMiddleware as ASGIMiddleware
from clientcert.testing import CertificateAuthority
from clientcert.wsgi import ClientCertMiddleware as WSGIMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

# More than the cache holds in its two generations, so that nobody is found there who comes in turn.
_CLIENTS = 2_500


def strategy() -> ClientCertStrategy:
    return ClientCertStrategy(allow_cn(["client"]), certificate_source="nginx", trusted_proxies=["10.0.0.0/8"])


@cache
def header_values(count: int) -> tuple[bytes, ...]:
    authority = CertificateAuthority()
    issued = (authority.issue("client", sans=[f"dns:client{number}.example.org"]) for number in range(count))
    return tuple(encode_header(client.certificate, "url-pem").encode() for client in issued)


@pytest.mark.parametrize("clients", ["repeated", "distinct", "nobody", "garbage"])
def test_authenticate(benchmark: BenchmarkFixture, backend: str, clients: str) -> None:
    benchmark.group = "one request through strategy.authenticate"
    value = header_values(1)[0]
    values = {
        "repeated": lambda: (value,),
        "distinct": lambda: header_values(_CLIENTS),
        "nobody": lambda: (None,),
        "garbage": lambda: (b"A" * len(value),),
    }[clients]()
    in_turn, authenticate = cycle(values), strategy().authenticate
    authenticate(ASGIRequest(received(values[0])))

    def setup() -> tuple[tuple[ASGIRequest], dict[str, Any]]:
        return (ASGIRequest(received(next(in_turn))),), {}

    outcome = benchmark.pedantic(authenticate, setup=setup, rounds=10_000)
    assert bool(outcome) is (clients in {"repeated", "distinct"})


async def asgi_application(scope: Any, receive: Any, send: Any) -> None:
    pass


def drive(app: Any, scope: Any) -> None:
    coroutine = app(scope, None, None)
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("nothing here waits")


@pytest.mark.parametrize("kind", ["bare", "middleware"])
def test_asgi(benchmark: BenchmarkFixture, backend: str, kind: str) -> None:
    benchmark.group = "ASGI: an application that does nothing, and the same behind the middleware"
    app = asgi_application if kind == "bare" else ASGIMiddleware(asgi_application, strategy())
    value = header_values(1)[0]
    benchmark.pedantic(lambda request: drive(app, request), setup=lambda: ((received(value),), {}), rounds=10_000)


def wsgi_application(environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
    return []


@pytest.mark.parametrize("kind", ["bare", "middleware"])
def test_wsgi(benchmark: BenchmarkFixture, backend: str, kind: str) -> None:
    benchmark.group = "WSGI: an application that does nothing, and the same behind the middleware"
    app: Any = wsgi_application if kind == "bare" else WSGIMiddleware(wsgi_application, strategy())
    value = header_values(1)[0]

    def setup() -> tuple[tuple[dict[str, Any], None], dict[str, Any]]:
        return (environ(value) | {"wsgi.input": io.BytesIO()}, None), {}

    benchmark.pedantic(app, setup=setup, rounds=10_000)
