"""aiohttp: its own test client over TLS, and the example on a server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from clientcert import ClientCertStrategy, ConfigurationError, Reject, encode_header
from clientcert.integrations.aiohttp import (
    AiohttpRequest,
    client_cert_middleware,
    client_cert_required,
    client_certificate,
    client_identity,
    client_user,
    setup,
)
from clientcert.request import TLSConnection, TransportPeer
from clientcert.tls import server_context
from integrations.examples import ask, load_example
from servers.conftest import PATIENCE

REQUIRED = "A client certificate is required.\n"


async def who(request):
    certificate, user = request[client_certificate], request[client_user]
    return web.json_response([certificate and certificate["subject"]["CN"], user and str(user)])


def application(strategy, handler=who, **options):
    app = web.Application()
    setup(app, strategy, **options)
    app.router.add_get("/", handler)
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


def exchange(app, tls=None, client=None, headers=(), path="/"):
    """The status, the text and the headers of what aiohttp's own client is answered, over TLS or without."""

    async def request():
        server = TestServer(app, scheme="https" if tls else "http")
        await server.start_server(ssl=tls)
        async with (
            TestClient(server) as tester,
            tester.get(
                path, ssl=client or True, server_hostname="localhost" if tls else None, headers=headers
            ) as answer,
        ):
            return answer.status, await answer.text(), answer.headers

    return asyncio.run(request())


@pytest.fixture
def tls(pki):
    return server_context(pki.server_certificate, pki.server_key, ca_certs=pki.ca_certs, required=False)


# The middleware


def test_a_handler_finds_the_certificate_of_the_connection_and_the_user(backend, pki, tls):
    status, text, _ = exchange(application(ClientCertStrategy(by_name)), tls, pki.context(pki.alice))
    assert (status, text) == (200, '["alice", "alice"]')


def test_a_client_without_a_certificate_is_refused_as_aiohttp_refuses(backend, pki, tls):
    seen = []

    @web.middleware
    async def outer(request, handler):
        try:
            return await handler(request)
        except web.HTTPUnauthorized as error:
            seen.append(error.status)
            raise

    app = web.Application(middlewares=[outer])
    setup(app, ClientCertStrategy(by_name))
    app.router.add_get("/", who)
    status, text, headers = exchange(app, tls, pki.context())
    assert (status, text, seen) == (401, REQUIRED, [401])
    assert (headers["WWW-Authenticate"], headers["Cache-Control"]) == ("ClientCertificate", "no-store")
    assert headers.getall("Content-Type") == ["text/plain; charset=utf-8"]


def test_a_route_that_is_not_there_is_not_told_to_strangers(backend, pki, tls):
    assert exchange(application(ClientCertStrategy(by_name)), tls, pki.context(), path="/none")[0] == 401
    assert exchange(application(ClientCertStrategy(by_name)), tls, pki.context(pki.alice), path="/none")[0] == 404


@pytest.mark.parametrize("status", [401, 403, 418, 503])
def test_a_rejection_is_answered_with_its_status(backend, pki, tls, status):
    strategy = ClientCertStrategy(lambda _: Reject("secret", status))
    answered, text, headers = exchange(application(strategy, required=False), tls, pki.context(pki.alice))
    assert (answered, text) == (status, "The client certificate is not authorized.\n")
    assert ("WWW-Authenticate" in headers) is (status == 401)


def test_where_it_is_optional_a_request_without_a_certificate_goes_on_without_a_user(backend, pki, tls):
    app = application(ClientCertStrategy(by_name), required=False)
    assert exchange(app, tls, pki.context())[:2] == (200, "[null, null]")


def test_an_async_verify_is_awaited_and_the_certificate_is_there_before_it_runs(backend, pki, tls):
    async def verify(request, certificate):
        await asyncio.sleep(0)
        assert request[client_certificate] is certificate
        return f"{request.path} {by_name(certificate)}"

    strategy = ClientCertStrategy(verify, pass_request=True)
    assert exchange(application(strategy), tls, pki.context(pki.alice))[1] == '["alice", "/ alice"]'


def test_nothing_of_an_outer_layer_survives(backend, pki, tls):
    @web.middleware
    async def outer(request, handler):
        request[client_certificate] = request[client_user] = request[client_identity] = {"subject": {"CN": "admin"}}
        return await handler(request)

    async def everything(request):
        return web.json_response([request[key] for key in (client_certificate, client_user, client_identity)])

    app = web.Application(middlewares=[outer, client_cert_middleware(ClientCertStrategy(by_name), required=False)])
    app.router.add_get("/", everything)
    assert exchange(app, tls, pki.context())[1] == "[null, null, null]"


def test_a_name_that_istio_forwards_is_there_beside_the_certificate(backend):
    strategy = ClientCertStrategy(
        lambda identity: identity.spiffe_id,
        certificate_source="istio",
        accept_forwarded_identity=True,
        trusted_proxies=["127.0.0.1"],
    )

    async def handler(request):
        assert request[client_certificate] is None
        return web.json_response([request[client_identity].spiffe_id, request[client_user]])

    name = "spiffe://cluster.local/ns/prod/sa/web"
    xfcc = f'By=spiffe://cluster.local/ns/prod/sa/api;Hash={"9c" * 32};Subject="";URI={name}'
    status, text, _ = exchange(application(strategy, handler), headers={"X-Forwarded-Client-Cert": xfcc})
    assert (status, text) == (200, f'["{name}", "{name}"]')


def test_a_websocket_is_refused_before_it_is_accepted(backend, pki, tls):
    async def greet(request):
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        await websocket.send_str(request[client_user])
        await websocket.close()
        return websocket

    async def connect(context):
        server = TestServer(application(ClientCertStrategy(by_name), greet), scheme="https")
        await server.start_server(ssl=tls)
        async with (
            TestClient(server) as tester,
            tester.ws_connect("/", ssl=context, server_hostname="localhost") as websocket,
        ):
            return await websocket.receive_str()

    assert asyncio.run(connect(pki.context(pki.alice))) == "alice"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        asyncio.run(connect(pki.context()))
    assert refused.value.status == 401


def test_hooks_have_run_before_the_application_closes_what_they_need(backend, pki, tls):
    events = []
    ending = asyncio.Event()

    async def on_rejected(certificate, request, reason):
        await ending.wait()
        for _ in range(1000):  # turns of the loop: more than the end of a server takes
            await asyncio.sleep(0)
        events.append((reason, request.path))

    async def end(app):
        ending.set()

    async def database(app):
        yield
        events.append("closed")

    app = application(ClientCertStrategy(by_name, on_rejected=on_rejected))
    app.on_shutdown.append(end)
    app.cleanup_ctx.append(database)
    exchange(app, tls, pki.context())
    assert events == [("socket_not_authorized", "/"), "closed"]


def test_what_verify_raises_is_a_server_error(backend, pki, tls):
    def verify(certificate):
        raise LookupError("the directory is down")

    assert exchange(application(ClientCertStrategy(verify)), tls, pki.context(pki.alice))[0] == 500


def test_a_middleware_takes_a_strategy():
    with pytest.raises(ConfigurationError, match="takes a strategy, not function"):
        setup(web.Application(), by_name)


# Optional, and required for some


class View(web.View):
    @client_cert_required
    async def get(self):
        return await who(self.request)


class Methods:
    @client_cert_required
    async def handler(self, request):
        return await who(request)


GUARDED = {"function": client_cert_required(who), "view": View, "method": Methods().handler}


@pytest.mark.parametrize("kind", GUARDED)
def test_a_route_that_requires_a_certificate_refuses_who_has_none(backend, pki, tls, kind):
    app = application(ClientCertStrategy(by_name), GUARDED[kind], required=False)
    assert exchange(app, tls, pki.context())[:2] == (401, REQUIRED)
    app = application(ClientCertStrategy(by_name), GUARDED[kind], required=False)
    assert exchange(app, tls, pki.context(pki.alice))[:2] == (200, '["alice", "alice"]')


def test_a_route_that_requires_a_certificate_answers_nobody_where_nothing_authenticates(backend):
    app = web.Application()
    app.router.add_get("/", client_cert_required(who))
    assert exchange(app)[0] == 500
    with pytest.raises(ConfigurationError, match=r"call setup\(app"):
        asyncio.run(client_cert_required(who)(make_mocked_request("GET", "/")))


# What is read from a request


def test_without_a_connection_the_peer_is_unknown_and_a_certificate_cannot_be_ruled_out():
    gone = make_mocked_request("GET", "/")
    assert AiohttpRequest(gone).peer == TransportPeer("unknown")
    assert AiohttpRequest(gone).tls() is None
    gone.protocol.transport = None
    assert AiohttpRequest(gone).peer == TransportPeer("unknown")
    assert AiohttpRequest(gone).tls() == TLSConnection(authorized=False, rejected=True)


def test_header_lines_are_all_lines_in_order():
    request = make_mocked_request("GET", "/", headers=[("X-A", "1"), ("X_A", "2"), ("x-a", "3")])
    assert AiohttpRequest(request).header_lines({b"x-a"}) == [(b"x-a", b"1"), (b"x_a", b"2"), (b"x-a", b"3")]
    assert AiohttpRequest(request).preserves_names


def test_nobody_becomes_a_proxy_by_a_middleware_that_replaces_the_address(backend, pki):
    @web.middleware
    async def x_forwarded_for(request, handler):
        return await handler(request.clone(remote=request.headers["X-Forwarded-For"]))

    app = web.Application(middlewares=[x_forwarded_for])
    setup(app, behind_proxy(trusted_proxies=["10.0.0.5"]))
    app.router.add_get("/", who)
    headers = {"Client-Cert": encode_header(pki.alice.certificate, "rfc9440"), "X-Forwarded-For": "10.0.0.5"}
    assert exchange(app, headers=headers)[:2] == (401, "The request did not come through a trusted proxy.\n")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="Unix sockets")
def test_a_proxy_on_a_unix_socket_is_known_as_one(backend, pki, tmp_path):
    async def request():
        runner = web.AppRunner(application(behind_proxy(trusted_proxies=["unix"])))
        await runner.setup()
        path = str(tmp_path / "app.socket")
        await web.UnixSite(runner, path).start()
        headers = {"Client-Cert": encode_header(pki.alice.certificate, "rfc9440")}
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as client,
            client.get("http://localhost/", headers=headers) as answer,
        ):
            text = await answer.text()
        await runner.cleanup()
        return text

    assert asyncio.run(request()) == '["alice", "alice"]'


# The example, on a server


@contextlib.contextmanager
def serving(app, tls=None):
    """The port at which ``app`` is served, on a loop of a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    started = threading.Event()

    async def serve():
        runner = web.AppRunner(app)
        await runner.setup()
        await web.SockSite(runner, listener, ssl_context=tls).start()
        started.set()
        await stop.wait()
        await runner.cleanup()

    def run():
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    with ThreadPoolExecutor(1) as thread:
        served = thread.submit(run)
        try:
            assert started.wait(PATIENCE)
            yield listener.getsockname()[1]
        finally:
            loop.call_soon_threadsafe(stop.set)
            served.result(PATIENCE)


def test_the_example_knows_its_clients(backend, pki, tls):
    with serving(load_example("aiohttp").app, tls) as port:
        status, _, text = ask(port, "/account", pki.context(pki.acme))
        assert (status, '"CN": "alice"' in text, pki.acme.certificate["fingerprint256"] in text) == (200, True, True)
        assert ask(port, "/account", pki.context())[::2] == (401, REQUIRED)
        assert ask(port, "/", pki.context(pki.acme))[::2] == (200, "Hello alice\n")
        assert ask(port, "/", pki.context())[::2] == (200, "Hello stranger\n")
        assert ask(port, "/", pki.context(pki.alice))[::2] == (401, "The client certificate is not authorized.\n")
        for stranger in (pki.impostor, pki.expired):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                ask(port, "/", pki.context(stranger))


def test_the_example_behind_a_proxy_believes_the_proxy_alone(backend, pki):
    value = encode_header(pki.acme.certificate, "url-pem")
    proxied = [("X-SSL-Client-Cert", value), ("X-SSL-Client-Verify", "SUCCESS")]
    with serving(load_example("aiohttp", certificate_source="nginx", trusted_proxies=["127.0.0.1"]).app) as port:
        assert ask(port, "/", headers=proxied)[::2] == (200, "Hello alice\n")
        assert ask(port, "/account", headers=proxied)[0] == 200
        assert ask(port, "/")[::2] == (200, "Hello stranger\n")
        assert ask(port, "/account")[::2] == (401, REQUIRED)
        forged = [*proxied, ("X-SSL-Client-Cert", value)]
        assert ask(port, "/", headers=forged)[::2] == (401, "The request has ambiguous headers.\n")
        forged = [*proxied, ("X_SSL_Client_Cert", value)]
        assert ask(port, "/", headers=forged)[::2] == (401, "The request has ambiguous headers.\n")
    with serving(load_example("aiohttp", certificate_source="nginx", trusted_proxies=["10.0.0.5"]).app) as port:
        refused = (401, "The request did not come through a trusted proxy.\n")
        assert ask(port, "/", headers=proxied)[::2] == refused
        assert ask(port, "/", headers=[*proxied, ("X-Forwarded-For", "10.0.0.5")])[::2] == refused


def test_requests_at_the_same_time_never_mix_up_their_clients(backend, pki, tls):
    names = [f"client {number}" if number % 4 else None for number in range(20)]
    contexts = [
        pki.context(pki.issuer.issue(subject=[("O", "Acme, Inc."), ("CN", name)]) if name else None) for name in names
    ]
    with serving(load_example("aiohttp").app, tls) as port, ThreadPoolExecutor(len(names)) as threads:
        answers = list(threads.map(lambda context: [ask(port, "/", context)[2] for _ in range(5)], contexts))
    assert answers == [[f"Hello {name or 'stranger'}\n"] * 5 for name in names]
