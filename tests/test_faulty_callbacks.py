"""What verify or a hook does wrong stays its own: no user comes of it, no answer, and the next request is served."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal

import pytest

from clientcert import ClientCertStrategy, ConfigurationError, callback_style, encode_header
from clientcert.asgi import ClientCertMiddleware as ASGIMiddleware
from clientcert.hooks import drain
from clientcert.testing import CertificateAuthority
from clientcert.wsgi import ClientCertMiddleware as WSGIMiddleware

ALICE = CertificateAuthority().issue("alice")
HEADER = encode_header(ALICE.certificate, "rfc9440")


class Server:
    """One strategy under a shim, and what became of the requests to it."""

    def __init__(self, verify, way, **options):
        self.way = way
        self.strategy = ClientCertStrategy(
            verify, certificate_header="Client-Cert", header_encoding="rfc9440", trusted_proxies=["10.0.0.1"], **options
        )
        self.users = []
        self.statuses = []
        self._shim = (ASGIMiddleware if way == "asgi" else WSGIMiddleware)(getattr(self, f"_{way}_app"), self.strategy)

    def ask(self):
        """Serve one request, and return its scope or environ."""
        if self.way == "asgi":
            request = {"type": "http", "headers": [(b"client-cert", HEADER.encode())], "client": ("10.0.0.1", 40000)}
            self._last = request
            asyncio.run(self._shim(request, None, self._send))
        else:
            request = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "10.0.0.1", "HTTP_CLIENT_CERT": HEADER}
            self._last = request
            self._shim(request, lambda status, _: self.statuses.append(int(status[:3])))
        return request

    @property
    def last_user(self):
        return self._last["user" if self.way == "asgi" else "clientcert.user"]

    async def _asgi_app(self, scope, receive, send):
        self.users.append(scope["user"])

    def _wsgi_app(self, environ, start_response):
        self.users.append(environ["clientcert.user"])
        return []

    async def _send(self, message):
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])


every_shim = pytest.mark.parametrize("way", ["asgi", "wsgi"])


class Ambiguous:
    """What is neither true nor false, and equal to nothing: an array of numpy, a column of SQLAlchemy."""

    __hash__ = None

    def __bool__(self):
        raise ValueError("the truth value is ambiguous")

    def __eq__(self, other):
        raise ValueError("the comparison is ambiguous")


# What verify returns, and what it raises.


@every_shim
@pytest.mark.parametrize(
    "user", [0, "", b"", (), [], {}, Decimal("NaN"), Ambiguous(), dict], ids=lambda u: repr(u)[:12]
)
def test_a_user_is_passed_on_as_it_is_and_never_asked_whether_it_is_true(backend, way, user):
    server = Server(lambda _: user, way)
    server.ask()
    (found,) = server.users
    assert found is user


async def _forgotten():
    raise AssertionError("this never runs")


def _yields():
    yield


async def _yields_later():
    yield


@every_shim
@pytest.mark.parametrize("mistake", [_forgotten, _yields, _yields_later], ids=lambda made: made.__name__)
def test_what_is_still_to_be_awaited_or_iterated_lets_nobody_in_and_the_next_request_is_served(backend, way, mistake):
    answers = iter([mistake(), "alice"])
    heard = []
    server = Server(lambda _: next(answers), way, on_authenticated=lambda *_: heard.append("alice"))
    # On a loop, a coroutine that verify returns is awaited: an async function in the clothes of a plain one.
    awaited = way == "asgi" and mistake is _forgotten
    with pytest.raises(AssertionError if awaited else ConfigurationError):
        server.ask()
    assert (server.users, server.statuses, server.last_user) == ([], [], None)
    server.ask()
    drain()
    assert (server.users, heard) == (["alice"], ["alice"])


ERRORS = [
    ValueError("no"),
    StopIteration(),
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    asyncio.CancelledError(),
]


@every_shim
@pytest.mark.parametrize("style", ["plain", "callback", "reported"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_verify_raises_there_is_no_answer_no_user_and_no_hook(backend, way, style, error):
    faults, heard = [error], []

    def verify(certificate, done=None):
        if faults and style == "reported":
            done(faults.pop())
        elif faults:
            raise faults.pop()
        return "alice" if done is None else done(None, "alice")

    hooks = dict.fromkeys(("on_authenticated", "on_rejected"), lambda *args: heard.append(args[0]["subject"]["CN"]))
    server = Server(verify if style == "plain" else callback_style(verify), way, **hooks)
    # A coroutine cannot raise StopIteration (PEP 479).
    expected = RuntimeError if way == "asgi" and isinstance(error, StopIteration) else type(error)
    with pytest.raises(expected):
        server.ask()
    assert (server.users, server.statuses, server.last_user) == ([], [], None)
    server.ask()
    drain()
    assert (server.users, heard) == (["alice"], ["alice"])


# What hooks do.


# A KeyboardInterrupt on the loop itself is the user's, not the hook's.
HOOK_FAULTS = [
    (way, kind, error)
    for way in ("asgi", "wsgi")
    for kind in ("plain", "async")
    for error in ERRORS
    if not (way == "asgi" and kind == "async" and isinstance(error, KeyboardInterrupt))
]


@pytest.mark.parametrize(
    ("way", "kind", "error"), HOOK_FAULTS, ids=lambda part: part if isinstance(part, str) else type(part).__name__
)
def test_whatever_a_hook_raises_the_answer_stays_and_later_hooks_run(backend, way, kind, error, caplog):
    calls = []

    def plain(certificate, request, reason=None):
        calls.append(reason)
        if len(calls) == 1:
            raise error

    async def coroutine(certificate, request, reason=None):
        plain(certificate, request, reason)

    answers = iter([False, "alice"])
    hook = plain if kind == "plain" else coroutine
    server = Server(lambda _: next(answers), way, on_authenticated=hook, on_rejected=hook)
    server.ask()
    server.ask()
    drain()
    assert (server.statuses, server.users) == ([401], ["alice"])
    assert calls == ["callback_returned_false", None]
    assert [record.name for record in caplog.records] == ["clientcert"]


@every_shim
def test_a_hook_that_hangs_delays_no_answer_and_nobody_else(backend, way):
    opened = threading.Event()
    server = Server(lambda _: False, way, on_rejected=lambda *_: opened.wait())
    try:
        for _ in range(20):
            server.ask()
        assert server.statuses == [401] * 20
        other = Server(lambda _: "alice", "asgi")
        other.ask()
        assert other.users == ["alice"]
    finally:
        opened.set()
        drain()
