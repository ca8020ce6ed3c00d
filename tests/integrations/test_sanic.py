"""Sanic: its own server, over TLS and behind a proxy."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import websockets
from sanic import Sanic
from sanic.exceptions import Unauthorized
from sanic.response import json, text
from sanic.views import HTTPMethodView

from clientcert import ClientCertStrategy, ConfigurationError, Reject, encode_header
from clientcert.integrations.sanic import SanicRequest, client_cert_required, setup
from clientcert.request import TLSConnection, TransportPeer
from clientcert.tls import server_context
from integrations.examples import ask, load_example
from servers.conftest import PATIENCE

REQUIRED = "A client certificate is required."
AMBIGUOUS = "The request has ambiguous headers."
STRANGER = "The request did not come through a trusted proxy."


@pytest.fixture(autouse=True)
def several_applications(monkeypatch):
    """Applications of one name, which a process has one of otherwise."""
    monkeypatch.setattr(Sanic, "test_mode", True)


async def who(request):
    certificate, user = request.ctx.client_certificate, request.ctx.client_user
    return json([certificate and certificate["subject"]["CN"], user and str(user)])


def application(strategy, handler=who, **options):
    app = Sanic("tested")
    setup(app, strategy, **options)
    app.add_route(handler, "/")
    return app


def by_name(certificate):
    return certificate["subject"]["CN"]


def behind_proxy(verify=by_name, **options):
    options = {
        "trusted_proxies": ["127.0.0.1"],
        "certificate_header": "Client-Cert",
        "header_encoding": "rfc9440",
    } | options
    return ClientCertStrategy(verify, **options)


@contextlib.contextmanager
def serving(app, tls=None):
    """The port at which ``app`` is served, on a loop of a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    started = threading.Event()

    async def serve():
        server = await app.create_server(sock=listener, ssl=tls, return_asyncio_server=True, access_log=False)
        await server.startup()
        await server.before_start()
        await server.after_start()
        await server.start_serving()
        started.set()
        await stop.wait()
        await server.before_stop()
        await server.close()
        for connection in server.connections:
            connection.abort()
        await server.after_stop()

    def run():
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    with ThreadPoolExecutor(1) as thread:
        served = thread.submit(run)
        try:
            assert started.wait(PATIENCE) or served.result(0)
            yield listener.getsockname()[1]
        finally:
            if not served.done():
                loop.call_soon_threadsafe(stop.set)
            served.result(PATIENCE)
            listener.close()


def exchange(app, tls=None, client=None, headers=(), path="/"):
    """The status, the text and the headers of what a client is answered, over TLS or without."""
    with serving(app, tls) as port:
        status, answered, body = ask(port, path, client, headers)
    return status, body, {name.lower(): value for name, value in answered.items()}


@pytest.fixture
def tls(pki):
    return server_context(pki.server_certificate, pki.server_key, ca_certs=pki.ca_certs, required=False)


# The middleware


def test_a_handler_finds_the_certificate_of_the_connection_and_the_user(backend, pki, tls):
    status, body, _ = exchange(application(ClientCertStrategy(by_name)), tls, pki.context(pki.alice))
    assert (status, body) == (200, '["alice","alice"]')


def test_a_client_without_a_certificate_is_refused_as_sanic_refuses(backend, pki, tls):
    seen = []
    app = application(ClientCertStrategy(by_name))

    @app.exception(Unauthorized)
    async def refused(request, error):
        seen.append(error.status_code)
        return text(str(error), error.status_code, error.headers)

    status, body, headers = exchange(app, tls, pki.context())
    assert (status, body, seen) == (401, REQUIRED, [401])
    assert (headers["www-authenticate"], headers["cache-control"]) == ("ClientCertificate", "no-store")


def test_a_route_that_is_not_there_is_not_told_to_strangers(backend, pki, tls):
    assert exchange(application(ClientCertStrategy(by_name)), tls, pki.context(), path="/none")[0] == 401
    assert exchange(application(ClientCertStrategy(by_name)), tls, pki.context(pki.alice), path="/none")[0] == 404


@pytest.mark.parametrize("status", [401, 403, 418, 503])
def test_a_rejection_is_answered_with_its_status(backend, pki, tls, status):
    strategy = ClientCertStrategy(lambda _: Reject("secret", status))
    answered, body, headers = exchange(application(strategy, required=False), tls, pki.context(pki.alice))
    assert (answered, "The client certificate is not authorized." in body, "secret" in body) == (status, True, False)
    assert ("www-authenticate" in headers) is (status == 401)


def test_where_it_is_optional_a_request_without_a_certificate_goes_on_without_a_user(backend, pki, tls):
    app = application(ClientCertStrategy(by_name), required=False)
    assert exchange(app, tls, pki.context())[:2] == (200, "[null,null]")


def test_an_async_verify_is_awaited_and_the_certificate_is_there_before_it_runs(backend, pki, tls):
    async def verify(request, certificate):
        await asyncio.sleep(0)
        assert request.ctx.client_certificate is certificate
        return f"{request.path} {by_name(certificate)}"

    strategy = ClientCertStrategy(verify, pass_request=True)
    assert exchange(application(strategy), tls, pki.context(pki.alice))[1] == '["alice","/ alice"]'


def test_a_name_that_istio_forwards_is_there_beside_the_certificate(backend):
    strategy = ClientCertStrategy(
        lambda identity: identity.spiffe_id,
        certificate_source="istio",
        accept_forwarded_identity=True,
        trusted_proxies=["127.0.0.1"],
    )

    async def handler(request):
        assert request.ctx.client_certificate is None
        return json([request.ctx.client_identity.uri, request.ctx.client_user])

    name = "spiffe://cluster.local/ns/prod/sa/web"
    xfcc = f'By=spiffe://cluster.local/ns/prod/sa/api;Hash={"9c" * 32};Subject="";URI={name}'
    status, body, _ = exchange(application(strategy, handler), headers=[("X-Forwarded-Client-Cert", xfcc)])
    assert (status, body.replace("\\/", "/")) == (200, f'["{name}","{name}"]')


def test_a_websocket_is_refused_before_it_is_accepted(backend, pki, tls):
    app = Sanic("tested")
    setup(app, ClientCertStrategy(by_name))

    @app.websocket("/")
    async def greet(request, websocket):
        await websocket.send(request.ctx.client_user)

    async def connect(port, context):
        async with websockets.connect(f"wss://localhost:{port}/", ssl=context) as websocket:
            return await websocket.recv()

    with serving(app, tls) as port:
        assert asyncio.run(connect(port, pki.context(pki.alice))) == "alice"
        with pytest.raises(websockets.InvalidStatus) as refused:
            asyncio.run(connect(port, pki.context()))
    assert refused.value.response.status_code == 401


def test_hooks_have_run_before_the_application_closes_what_they_need(backend, pki, tls):
    events = []
    ending = asyncio.Event()

    async def on_rejected(certificate, request, reason):
        await ending.wait()
        for _ in range(1000):  # turns of the loop: more than the end of a server takes
            await asyncio.sleep(0)
        events.append((reason, request.path))

    app = application(ClientCertStrategy(by_name, on_rejected=on_rejected))

    @app.before_server_stop
    async def end(app):
        ending.set()

    @app.after_server_stop
    async def close(app):
        events.append("closed")

    exchange(app, tls, pki.context())
    assert events == [("socket_not_authorized", "/"), "closed"]


def test_what_verify_raises_is_a_server_error_and_lets_nobody_in(backend, pki, tls):
    def verify(certificate):
        raise LookupError("the directory is down")

    app = application(ClientCertStrategy(verify), client_cert_required(who))
    assert exchange(app, tls, pki.context(pki.alice))[0] == 500


def test_a_middleware_takes_a_strategy():
    with pytest.raises(ConfigurationError, match="takes a strategy, not function"):
        setup(Sanic("tested"), by_name)


# Optional, and required for some


@client_cert_required
def plain(request):
    return json([request.ctx.client_certificate["subject"]["CN"], str(request.ctx.client_user)])


class View(HTTPMethodView):
    @client_cert_required
    async def get(self, request):
        return await who(request)


GUARDED = {"async": client_cert_required(who), "plain": plain, "view": View.as_view()}


@pytest.mark.parametrize("kind", GUARDED)
def test_a_route_that_requires_a_certificate_refuses_who_has_none(backend, pki, tls, kind):
    app = application(ClientCertStrategy(by_name), GUARDED[kind], required=False)
    with serving(app, tls) as port:
        status, _, body = ask(port, "/", pki.context())
        assert (status, REQUIRED in body) == (401, True)
        assert ask(port, "/", pki.context(pki.alice))[::2] == (200, '["alice","alice"]')


def test_a_route_that_requires_a_certificate_answers_nobody_where_nothing_authenticates(backend):
    app = Sanic("tested")
    app.add_route(client_cert_required(who), "/")
    assert exchange(app)[0] == 500


# What is read from a request


def seen_by(app, lines):
    """What Sanic's server answers to these lines of a request, byte for byte."""
    with serving(app) as port, socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(b"\r\n".join([b"GET / HTTP/1.1", b"Host: a", b"Connection: close", *lines, b"", b""]))
        return b"".join(iter(lambda: client.recv(65536), b"")).decode()


def test_header_lines_are_all_lines_as_they_came(backend):
    seen = []

    async def handler(request):
        seen.extend(SanicRequest(request).header_lines({b"x-a"}))
        return text("")

    app = Sanic("tested")
    app.add_route(handler, "/")
    seen_by(app, [b"X-A: 1", b"X_A:\t2 ", b"x-a: \xff\xc2\xa0", "X-\u212a: 3".encode()])
    assert seen[2:] == [(b"x-a", b"1"), (b"x_a", b"2"), (b"x-a", b"\xff\xc2\xa0"), ("x-\u212a".encode(), b"3")]


def test_a_client_that_is_gone_has_no_peer_and_may_have_had_a_certificate():
    gone = SanicRequest(SimpleNamespace(app=SimpleNamespace(asgi=False), version="1.1", transport=None))
    assert (gone.peer, gone.tls()) == (TransportPeer("unknown"), TLSConnection(authorized=False, rejected=True))


@pytest.mark.parametrize(("asgi", "version"), [(True, "1.1"), (False, "3")])
def test_another_server_than_that_of_sanic_is_refused(asgi, version):
    with pytest.raises(ConfigurationError, match="around the application"):
        SanicRequest(SimpleNamespace(app=SimpleNamespace(asgi=asgi), version=version))


def test_nobody_becomes_a_proxy_by_the_settings_for_proxies(backend, pki):
    app = application(behind_proxy(trusted_proxies=["10.0.0.5"]))
    app.config.REAL_IP_HEADER = "X-Real-IP"
    app.config.PROXIES_COUNT = 1
    value = encode_header(pki.alice.certificate, "rfc9440")
    headers = [("Client-Cert", value), ("X-Forwarded-For", "10.0.0.5"), ("X-Real-IP", "10.0.0.5")]
    status, body, _ = exchange(app, headers=headers)
    assert (status, STRANGER in body) == (401, True)


# The example, on a server


def test_the_example_knows_its_clients(backend, pki, tls):
    with serving(load_example("sanic").app, tls) as port:
        status, _, body = ask(port, "/account", pki.context(pki.acme))
        assert (status, '"CN":"alice"' in body, pki.acme.certificate["fingerprint256"] in body) == (200, True, True)
        status, _, body = ask(port, "/account", pki.context())
        assert (status, REQUIRED in body) == (401, True)
        assert ask(port, "/", pki.context(pki.acme))[::2] == (200, "Hello alice\n")
        assert ask(port, "/", pki.context())[::2] == (200, "Hello stranger\n")
        status, _, body = ask(port, "/", pki.context(pki.alice))
        assert (status, "The client certificate is not authorized." in body) == (401, True)
        for stranger in (pki.impostor, pki.expired):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                ask(port, "/", pki.context(stranger))


def test_the_example_behind_a_proxy_believes_the_proxy_alone(backend, pki):
    value = encode_header(pki.acme.certificate, "url-pem")
    proxied = [("X-SSL-Client-Cert", value), ("X-SSL-Client-Verify", "SUCCESS")]
    with serving(load_example("sanic", certificate_source="nginx", trusted_proxies=["127.0.0.1"]).app) as port:
        assert ask(port, "/", headers=proxied)[::2] == (200, "Hello alice\n")
        assert ask(port, "/account", headers=proxied)[0] == 200
        assert ask(port, "/")[::2] == (200, "Hello stranger\n")
        assert ask(port, "/account")[0] == 401
        for name in ("X-SSL-Client-Cert", "X_SSL_Client_Cert"):
            status, _, body = ask(port, "/", headers=[*proxied, (name, value)])
            assert (status, AMBIGUOUS in body) == (401, True)
    with serving(load_example("sanic", certificate_source="nginx", trusted_proxies=["10.0.0.5"]).app) as port:
        for headers in (proxied, [*proxied, ("X-Forwarded-For", "10.0.0.5")]):
            status, _, body = ask(port, "/", headers=headers)
            assert (status, STRANGER in body) == (401, True)


def test_requests_at_the_same_time_never_mix_up_their_clients(backend, pki, tls):
    names = [f"client {number}" if number % 4 else None for number in range(20)]
    contexts = [
        pki.context(pki.issuer.issue(subject=[("O", "Acme, Inc."), ("CN", name)]) if name else None) for name in names
    ]
    with serving(load_example("sanic").app, tls) as port, ThreadPoolExecutor(len(names)) as threads:
        answers = list(threads.map(lambda context: [ask(port, "/", context)[2] for _ in range(5)], contexts))
    assert answers == [[f"Hello {name or 'stranger'}\n"] * 5 for name in names]
