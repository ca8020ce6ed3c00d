"""Clients that go away and requests that are cancelled: nothing is left behind, and nobody else notices."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading

import anyio
import anyio.lowlevel
import pytest
import uvicorn

from clientcert import ClientCertStrategy, callback_style, encode_header, hooks
from clientcert.asgi import ClientCertMiddleware as ASGIMiddleware
from clientcert.testing import CertificateAuthority
from clientcert.wsgi import ClientCertMiddleware as WSGIMiddleware

CA = CertificateAuthority()
ALICE, BOB = CA.issue("alice"), CA.issue("bob")
PATIENCE = 30  # seconds: nothing waits so long, unless something is broken

every_loop = pytest.mark.parametrize("loop", ["asyncio", "trio"])


def strategy_of(verify, proxy="10.0.0.1", **options):
    return ClientCertStrategy(
        verify, certificate_header="Client-Cert", header_encoding="rfc9440", trusted_proxies=[proxy], **options
    )


def header(issued):
    return encode_header(issued.certificate, "rfc9440").encode()


def scope_of(issued):
    return {"type": "http", "headers": [(b"client-cert", header(issued))], "client": ("10.0.0.1", 40000)}


class App:
    """An application that keeps the users it is called with, and the messages that are sent."""

    def __init__(self):
        self.users = []
        self.sent = []

    async def __call__(self, scope, receive, send):
        self.users.append(scope["user"])

    async def send(self, message):
        self.sent.append(message["type"])


class Heard:
    """Hooks that keep the names they are called with."""

    def __init__(self):
        self.names = []
        self.options = {
            "on_authenticated": lambda certificate, _: self.names.append(certificate["subject"]["CN"]),
            "on_rejected": lambda certificate, _, reason: self.names.append(str(reason)),
        }


async def hangs(certificate):
    """A verify that never answers for Alice."""
    if certificate["subject"]["CN"] == "alice":
        hangs.entered.set()
        await anyio.Event().wait()
    return certificate["subject"]["CN"]


def never_done(certificate, done):
    """A callback that keeps ``done`` for later, and has no later for Alice."""
    if certificate["subject"]["CN"] == "alice":
        never_done.kept.append(done)
        hangs.entered.set()
    else:
        done(None, certificate["subject"]["CN"])


@every_loop
@pytest.mark.parametrize("verify", [hangs, callback_style(never_done)], ids=["async", "callback"])
def test_a_request_that_is_cancelled_while_verify_hangs_leaves_nothing_behind(backend, loop, verify):
    app, heard = App(), Heard()
    never_done.kept = []
    middleware = ASGIMiddleware(app, strategy_of(verify, **heard.options))
    scope = scope_of(ALICE)

    async def main():
        hangs.entered = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(middleware, scope, None, app.send)
            await hangs.entered.wait()
            await middleware(scope_of(BOB), None, app.send)  # is not held up
            tasks.cancel_scope.cancel()
        for done in never_done.kept:
            done(None, "alice")  # too late: nobody waits any more
        await middleware(scope_of(BOB), None, app.send)
        if loop == "asyncio":
            assert asyncio.all_tasks() == {asyncio.current_task()}

    anyio.run(main, backend=loop)
    hooks.drain()
    assert scope["user"] is None
    assert (app.users, app.sent, heard.names) == (["bob", "bob"], [], ["bob", "bob"])


def test_a_timeout_around_the_middleware_is_a_timeout(backend):
    app, heard = App(), Heard()
    middleware = ASGIMiddleware(app, strategy_of(hangs, **heard.options))

    async def main():
        hangs.entered = anyio.Event()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await middleware(scope_of(ALICE), None, app.send)

    asyncio.run(main())
    hooks.drain()
    assert (app.users, app.sent, heard.names) == ([], [], [])


@every_loop
def test_a_request_that_is_cancelled_while_its_record_waits_is_on_record_and_has_no_answer(backend, loop, monkeypatch):
    monkeypatch.setattr(hooks, "_MOST_WAITING", 1)
    app, names = App(), []

    async def on_rejected(certificate, scope, reason):
        await opened.wait()
        names.append(certificate["subject"]["CN"])

    strategy = strategy_of(lambda _: False, on_rejected=on_rejected)
    middleware = ASGIMiddleware(app, strategy)

    async def main():
        nonlocal opened
        opened = anyio.Event()
        await middleware(scope_of(ALICE), None, app.send)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(middleware, scope_of(BOB), None, app.send)
            while not hooks._on_loops or next(iter(hooks._on_loops.values())).begun < 2:
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        opened.set()
        await hooks.drain_async()

    opened = None
    anyio.run(main, backend=loop)
    assert sorted(names) == ["alice", "bob"]
    assert app.sent == ["http.response.start", "http.response.body"]  # Alice's


def test_the_middleware_leaves_what_is_received_to_the_application(backend):
    received = []

    async def app(scope, receive, send):
        received.append(await receive())

    async def receive():
        return {"type": "http.disconnect"}

    asyncio.run(ASGIMiddleware(app, strategy_of(lambda _: "alice"))(scope_of(ALICE), receive, None))
    assert received == [{"type": "http.disconnect"}]


# WSGI: a server that drops the response closes it (PEP 3333).


def environ_of(issued):
    return {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "10.0.0.1", "HTTP_CLIENT_CERT": header(issued).decode()}


def test_a_response_that_is_dropped_half_way_is_the_applications_to_close(backend):
    events, heard = [], Heard()

    def app(environ, start_response):
        try:
            yield b"one"
            yield b"two"
        except GeneratorExit:
            events.append(("closed", environ["clientcert.user"]))
            raise

    middleware = WSGIMiddleware(app, strategy_of(lambda c: c["subject"]["CN"], **heard.options))
    response = middleware(environ_of(ALICE), None)
    assert next(iter(response)) == b"one"
    response.close()
    assert b"".join(middleware(environ_of(BOB), None)) == b"onetwo"
    hooks.drain()
    assert (events, heard.names) == ([("closed", "alice")], ["alice", "bob"])


# A real server.


class RunningUvicorn:
    """Uvicorn in a thread of this process, on a socket that listens already."""

    def __init__(self, app):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        config = uvicorn.Config(app, proxy_headers=False, lifespan="off", http="h11", loop="asyncio", log_level="error")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


def test_a_client_that_hangs_up_while_verify_waits_disturbs_nobody(backend):
    entered, disconnected, released = threading.Event(), threading.Event(), asyncio.Event()
    heard, users = Heard(), []

    async def verify(certificate):
        if certificate["subject"]["CN"] == "alice":
            verify.loop = asyncio.get_running_loop()
            entered.set()
            await released.wait()
        return certificate["subject"]["CN"]

    async def app(scope, receive, send):
        users.append(scope["user"])
        if scope["user"] == "alice":
            while (await receive())["type"] != "http.disconnect":
                pass
            disconnected.set()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
        await send({"type": "http.response.body", "body": b"bob"})

    middleware = ASGIMiddleware(app, strategy_of(verify, "127.0.0.1", **heard.options))
    with RunningUvicorn(middleware) as server:
        client = http.client.HTTPConnection(*server.address, timeout=PATIENCE)
        client.request("GET", "/", headers={"Client-Cert": header(ALICE)})
        assert entered.wait(PATIENCE)
        client.close()
        assert ask_as_bob(server.address) == (200, b"bob")
        verify.loop.call_soon_threadsafe(released.set)
        assert disconnected.wait(PATIENCE)
        assert ask_as_bob(server.address) == (200, b"bob")
    hooks.drain()
    assert users == ["bob", "alice", "bob"]
    assert heard.names == ["bob", "alice", "bob"]


def ask_as_bob(address):
    client = http.client.HTTPConnection(*address, timeout=PATIENCE)
    try:
        client.request("GET", "/", headers={"Client-Cert": header(BOB)})
        response = client.getresponse()
        return response.status, response.read()
    finally:
        client.close()
