"""The requests of the test kit are what servers hand over, and applications see in them what they would see there."""

from __future__ import annotations

import asyncio
import ssl
from io import BytesIO
from wsgiref.validate import validator

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from clientcert import PRESETS, ClientCertStrategy, parse_pem
from clientcert.asgi import ASGIRequest, ClientCertMiddleware
from clientcert.request import TLSConnection, TransportPeer
from clientcert.testing import (
    asgi_scope,
    on_connection,
    proxy_headers,
    wsgi_connection,
    wsgi_environ,
)
from clientcert.tls import from_extension, from_ssl_object, server_context
from clientcert.wsgi import WSGIRequest
from handshake import shake_hands

PEER = "10.0.0.5"


@pytest.fixture(scope="module")
def alice(client_cert_authority):
    """A client below an intermediate."""
    return client_cert_authority.intermediate().issue("alice")


def through(preset):
    return ClientCertStrategy(lambda _: True, certificate_source=preset, trusted_proxies=[PEER])


def test_a_tls_connection_is_read_as_one_of_pythons(backend, client_cert_authority, alice, tmp_path):
    (tmp_path / "ca.pem").write_text(client_cert_authority.pem)
    server = client_cert_authority.issue("localhost", sans=["dns:localhost"], server_auth=True)
    context = server_context(*server.write(tmp_path), ca_certs=tmp_path / "ca.pem")
    client = ssl.create_default_context(cadata=client_cert_authority.pem)
    client.load_cert_chain(*alice.write(tmp_path))
    real, _ = shake_hands(context, client)
    made = wsgi_connection(tls=alice)["gunicorn.socket"]
    assert isinstance(made, ssl.SSLSocket)
    assert made.version() == real.version()
    with pytest.raises(NotImplementedError, match="as DER"):
        made.getpeercert()
    # The real one has the root, too.
    shown = (*from_ssl_object(made).certificates, client_cert_authority.der)
    assert from_ssl_object(real) == TLSConnection(authorized=True, certificates=shown)


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_scope_over_tls_has_the_certificate_and_the_peer_as_our_servers_do(backend, alice, kind):
    scope = asgi_scope(kind=kind, tls=alice, peer="203.0.113.9")
    expected = TLSConnection(authorized=True, certificates=(alice.der, *alice.intermediates))
    request = ASGIRequest(scope)
    assert request.tls() == expected
    assert request.peer == TransportPeer("ip", "203.0.113.9", authoritative=True)
    assert from_extension(scope["extensions"]["tls"]) == expected
    outcome = ClientCertStrategy(lambda _: True, include_chain=True).authenticate(request)
    assert outcome.certificate.chain == parse_pem(alice.chain_pem).chain


def test_an_environ_over_tls_has_the_certificate_and_the_peer_as_gunicorn_does(backend, alice):
    request = WSGIRequest(wsgi_environ(tls=alice, peer="203.0.113.9"))
    assert request.tls() == TLSConnection(authorized=True, certificates=(alice.der, *alice.intermediates))
    assert request.peer == TransportPeer("ip", "203.0.113.9", authoritative=True)
    assert ClientCertStrategy(lambda _: True).authenticate(request).certificate == alice.certificate


def test_without_tls_there_is_no_certificate_of_the_connection():
    for request in (ASGIRequest(asgi_scope()), WSGIRequest(wsgi_environ())):
        assert request.tls() is None
        assert request.peer == TransportPeer("ip", "192.0.2.1")


def test_a_scope_has_what_a_server_makes_of_the_request():
    scope = asgi_scope("/a b/é?q=1", method="POST", headers=[("X-Name", "ü"), ("X-Name", "2")])
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a b/é", b"/a%20b/%C3%A9", b"q=1")
    assert scope["headers"] == [(b"host", b"testserver"), (b"x-name", b"\xfc"), (b"x-name", b"2")]
    assert (scope["method"], scope["scheme"], scope["server"]) == ("POST", "http", ("testserver", 80))


def test_a_scope_of_a_websocket_is_one_for_starlette(alice):
    scope = asgi_scope("/chat", kind="websocket", tls=alice)
    assert WebSocket(scope, None, None).url == "wss://testserver/chat"
    assert "method" not in scope


def test_an_environ_has_what_a_server_makes_of_the_request(alice):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["PATH_INFO"].encode("latin-1")]

    headers = [("X-Name", "1"), ("x-name", "2"), ("Content-Type", "text/plain"), ("Content-Length", "3")]
    environ = wsgi_environ("/é?q=1", method="POST", headers=headers, tls=alice)
    environ["wsgi.input"] = BytesIO(b"abc")
    assert (environ["HTTP_X_NAME"], environ["QUERY_STRING"], environ["wsgi.url_scheme"]) == ("1,2", "q=1", "https")
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"], environ["REQUEST_METHOD"]) == (
        "text/plain",
        "3",
        "POST",
    )
    answer = validator(app)(environ, lambda *_: None)
    assert list(answer) == ["/é".encode()]
    answer.close()


def test_headers_from_another_address_than_the_proxys_are_refused(backend, alice):
    headers = proxy_headers(PRESETS["nginx"], alice.certificate)
    for strategy_sees in (ASGIRequest(asgi_scope(headers=headers)), WSGIRequest(wsgi_environ(headers=headers))):
        assert through("nginx").authenticate(strategy_sees).reason == "untrusted_peer"


async def who(scope, receive, send):
    body = scope["client_certificate"]["subject"]["CN"].encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def test_a_test_client_without_tls_gets_the_connection_of_a_client(backend, alice):
    app = ClientCertMiddleware(who, ClientCertStrategy(lambda _: True))
    assert TestClient(on_connection(app, tls=alice)).get("/").text == "alice"
    assert TestClient(on_connection(app)).get("/").status_code == 401


def test_a_test_client_without_an_address_gets_that_of_the_proxy(backend, alice):
    app = ClientCertMiddleware(who, through("nginx"))
    headers = proxy_headers(PRESETS["nginx"], alice.certificate)
    assert TestClient(on_connection(app, PEER)).get("/", headers=headers).text == "alice"
    assert TestClient(on_connection(app, "10.0.0.6")).get("/", headers=headers).status_code == 401


def test_what_the_test_client_has_in_the_extensions_stays(alice):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    asyncio.run(on_connection(app, tls=alice)({"type": "http", "extensions": {"http.response.debug": {}}}, None, None))
    asyncio.run(on_connection(app, tls=alice)({"type": "lifespan"}, None, None))
    assert seen[0]["extensions"].keys() == {"http.response.debug", "clientcert", "tls"}
    assert seen[1] == {"type": "lifespan"}
