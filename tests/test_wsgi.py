"""The WSGI shim: what it reads from an environ, and what the middleware does with it."""

from __future__ import annotations

import socket
import ssl
from wsgiref.validate import validator

import pytest

from clientcert import ClientCertStrategy, ConfigurationError, Reject, allow_cn, encode_header
from clientcert.request import TLSConnection, TransportPeer
from clientcert.testing import CertificateAuthority, wsgi_environ
from clientcert.wsgi import ClientCertMiddleware, WSGIRequest, client_cert_required

CLIENT = CertificateAuthority().issue("alice")


def header_strategy(verify=lambda _: True, **options):
    return ClientCertStrategy(
        verify, certificate_header="Client-Cert", header_encoding="rfc9440", trusted_proxies=["10.0.0.1"], **options
    )


def environ(**changes):
    headers = {"Client-Cert": encode_header(CLIENT.certificate, "rfc9440")}
    made = wsgi_environ(headers=headers, peer="10.0.0.1") | changes
    return {name: value for name, value in made.items() if value is not None}


class App:
    """An application that keeps the environs it is called with."""

    def __init__(self):
        self.environs = []

    def __call__(self, environ, start_response):
        self.environs.append(environ)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello"]


def serve(middleware, environ):
    """Status line, headers and body of the response, which wsgiref has checked."""
    started = []

    def start_response(status, headers, exc_info=None):
        started.append((status, headers))

    result = validator(middleware)(environ, start_response)
    try:
        body = b"".join(result)
    finally:
        result.close()
    ((status, headers),) = started
    return status, headers, body


# What is read from an environ


@pytest.mark.parametrize("key", ["gunicorn.socket", "werkzeug.socket"])
def test_the_peer_is_that_of_the_socket_where_the_server_shows_it(key):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert WSGIRequest(environ(**{key: ours})).peer == TransportPeer("unix", authoritative=True)


def test_the_peer_of_a_tcp_socket_goes_before_remote_addr():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        request = WSGIRequest(environ(REMOTE_ADDR="10.0.0.1", **{"gunicorn.socket": accepted}))
        assert request.peer == TransportPeer("ip", "127.0.0.1", authoritative=True)


@pytest.mark.parametrize("leaked", ["<socket.socket fd=5>", "", b"", object()])
def test_what_is_no_socket_is_not_taken_for_one(leaked):
    request = WSGIRequest(environ(**{"gunicorn.socket": leaked, "werkzeug.socket": leaked}))
    assert request.peer == TransportPeer("ip", "10.0.0.1")
    assert request.tls() is None


def test_the_peer_is_what_proxy_fix_has_replaced():
    replaced = {"REMOTE_ADDR": "10.0.0.1", "HTTP_HOST": "localhost"}
    request = WSGIRequest(environ(REMOTE_ADDR="203.0.113.9", **{"werkzeug.proxy_fix.orig": replaced}))
    assert request.peer == TransportPeer("ip", "10.0.0.1")


def test_proxy_fix_leaves_no_text():
    request = WSGIRequest(
        environ(REMOTE_ADDR="203.0.113.9", **{"werkzeug.proxy_fix.orig": "{'REMOTE_ADDR': '10.0.0.1'}"})
    )
    assert request.peer == TransportPeer("ip", "203.0.113.9")


@pytest.mark.parametrize("address", ["", None])
def test_a_missing_address_is_no_unix_socket(address):
    assert WSGIRequest({"REMOTE_ADDR": address}).peer == TransportPeer("unknown")
    assert WSGIRequest({}).peer == TransportPeer("unknown")


def test_header_lines_are_those_asked_for_in_the_bytes_that_were_sent():
    request = WSGIRequest(environ(HTTP_X_NAME="caf\xe9", HTTP_OTHER="1", HTTP_CLIENT_CERT=None))
    assert list(request.header_lines([b"x-name", b"client-cert", b"connection"])) == [(b"x-name", b"caf\xe9")]
    assert not request.preserves_names


def test_the_variables_of_mod_ssl_are_read_only_where_they_are_named(backend):
    variables = environ(SSL_CLIENT_VERIFY="SUCCESS", SSL_CLIENT_CERT=CLIENT.pem)
    assert WSGIRequest(variables).tls() is None
    assert WSGIRequest(variables, "uwsgi").tls() == TLSConnection(authorized=False)
    assert WSGIRequest(variables, "mod_ssl").tls() == TLSConnection(authorized=True, certificates=(CLIENT.der,))


def test_the_variable_of_uwsgi_is_read_only_where_it_is_named():
    variables = environ(HTTPS_CLIENT_CERTIFICATE=CLIENT.der.decode("latin-1"))
    assert WSGIRequest(variables).tls() is None
    assert WSGIRequest(variables, "uwsgi").tls() == TLSConnection(authorized=True, certificates=(CLIENT.der,))


def test_a_plain_socket_is_not_known_to_be_tls():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert WSGIRequest(environ(**{"gunicorn.socket": ours})).tls() is None


def test_a_tls_socket_is_asked_for_its_certificate():
    ours, theirs = socket.socketpair()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with theirs, context.wrap_socket(ours, server_side=True, do_handshake_on_connect=False) as connection:
        assert WSGIRequest(environ(**{"gunicorn.socket": connection})).tls() == TLSConnection(authorized=False)


# What the middleware does


def test_the_application_finds_certificate_and_user_in_the_environ(backend):
    app = App()
    middleware = ClientCertMiddleware(app, header_strategy(lambda certificate: certificate["subject"]["CN"]))
    assert serve(middleware, environ()) == ("200 OK", [("Content-Type", "text/plain")], b"hello")
    (seen,) = app.environs
    assert seen["clientcert.certificate"]["raw"] == CLIENT.der
    assert seen["clientcert.user"] == "alice"
    assert "REMOTE_USER" not in seen


def test_remote_user_is_what_it_is_told_to_be(backend):
    app = App()
    strategy = header_strategy(lambda certificate: {"name": certificate["subject"]["CN"]})
    middleware = ClientCertMiddleware(app, strategy, remote_user=lambda user: user["name"])
    serve(middleware, environ(REMOTE_USER="admin"))
    assert app.environs[0]["REMOTE_USER"] == "alice"


def test_the_certificate_is_in_the_environ_before_verify_runs(backend):
    def verify(native, certificate):
        assert native["clientcert.certificate"] is certificate
        return "alice"

    app = App()
    serve(ClientCertMiddleware(app, header_strategy(verify, pass_request=True)), environ())
    assert app.environs[0]["clientcert.user"] == "alice"


def test_a_named_tls_source_authenticates(backend):
    app = App()
    middleware = ClientCertMiddleware(app, ClientCertStrategy(lambda _: True), tls_source="mod_ssl")
    assert serve(middleware, environ(SSL_CLIENT_VERIFY="SUCCESS", SSL_CLIENT_CERT=CLIENT.pem))[0] == "200 OK"
    assert serve(middleware, environ(SSL_CLIENT_VERIFY="FAILED:expired", SSL_CLIENT_CERT=CLIENT.pem))[0][:3] == "401"


def test_a_rejection_is_answered_in_place_of_the_application(backend):
    app = App()
    assert serve(ClientCertMiddleware(app, header_strategy(lambda _: False)), environ()) == (
        "401 Unauthorized",
        [
            ("content-type", "text/plain; charset=utf-8"),
            ("content-length", "42"),
            ("cache-control", "no-store"),
            ("www-authenticate", "ClientCertificate"),
        ],
        b"The client certificate is not authorized.\n",
    )
    assert app.environs == []


def test_a_head_request_is_answered_without_the_body(backend):
    status, headers, body = serve(
        ClientCertMiddleware(App(), header_strategy(lambda _: False)), environ(REQUEST_METHOD="HEAD")
    )
    assert (status, dict(headers)["content-length"], body) == ("401 Unauthorized", "42", b"")


@pytest.mark.parametrize(("status", "line"), [(403, "403 Forbidden"), (499, "499 Refused")])
def test_a_rejection_with_a_status_of_its_own_has_no_challenge(backend, status, line):
    middleware = ClientCertMiddleware(App(), header_strategy(lambda _: Reject("no", status)))
    answered, headers, _ = serve(middleware, environ())
    assert answered == line
    assert "www-authenticate" not in dict(headers)


def test_what_verify_raises_propagates(backend):
    def verify(certificate):
        raise LookupError("the directory is down")

    app = App()
    with pytest.raises(LookupError, match="the directory is down"):
        serve(ClientCertMiddleware(app, header_strategy(verify)), environ())
    assert app.environs == []


@pytest.mark.parametrize("value", [None, "", "(null)"])
def test_where_it_is_optional_a_request_without_a_certificate_goes_on_without_a_user(backend, value):
    app = App()
    middleware = ClientCertMiddleware(app, header_strategy(), required=False, remote_user=str)
    leaked = {"clientcert.user": "admin", "clientcert.certificate": "forged", "REMOTE_USER": "admin"}
    assert serve(middleware, environ(HTTP_CLIENT_CERT=value, **leaked))[0] == "200 OK"
    (seen,) = app.environs
    assert (seen["clientcert.certificate"], seen["clientcert.user"]) == (None, None)
    assert "REMOTE_USER" not in seen


@pytest.mark.parametrize(
    "changes",
    [
        {"HTTP_CLIENT_CERT": ":QQ==:"},
        {"REMOTE_ADDR": "10.0.0.9"},
        {"REMOTE_ADDR": ""},
        {"HTTP_CONNECTION": "client-cert"},
    ],
)
def test_where_it_is_optional_a_certificate_that_is_rejected_is_refused_all_the_same(backend, changes):
    app = App()
    status, _, _ = serve(ClientCertMiddleware(app, header_strategy(), required=False), environ(**changes))
    assert (app.environs, status) == ([], "401 Unauthorized")


# Routes that require a certificate


def test_a_route_may_require_the_certificate_that_the_application_does_not(backend):
    app = App()
    middleware = ClientCertMiddleware(client_cert_required(app), header_strategy(), required=False)
    without = environ(HTTP_CLIENT_CERT=None)
    assert serve(middleware, without) == serve(ClientCertMiddleware(app, header_strategy()), dict(without))
    assert app.environs == []
    assert serve(middleware, environ())[0] == "200 OK"
    assert serve(middleware, environ(HTTP_CLIENT_CERT=None, REQUEST_METHOD="HEAD"))[2] == b""


@pytest.mark.parametrize("leaked", [{}, {"clientcert.refusal": ""}, {"clientcert.refusal": "None"}])
def test_a_route_that_requires_a_certificate_wants_the_middleware_around_it(leaked):
    app = App()
    with pytest.raises(ConfigurationError, match=r"put ClientCertMiddleware\(app, strategy, required=False\) around"):
        serve(client_cert_required(app), environ(**leaked))
    assert app.environs == []


def test_a_route_that_requires_a_certificate_lets_nobody_in_after_verify_has_raised_or_rejected(backend):
    def raises(certificate):
        raise LookupError

    app, outer = App(), environ()
    serve(ClientCertMiddleware(App(), header_strategy()), outer)  # an outer layer that let him in
    with pytest.raises(LookupError):
        serve(ClientCertMiddleware(app, header_strategy(raises)), outer)
    with pytest.raises(ConfigurationError):
        serve(client_cert_required(app), outer)
    serve(ClientCertMiddleware(app, header_strategy(lambda _: False)), outer)
    assert serve(client_cert_required(app), outer)[0] == "401 Unauthorized"
    assert app.environs == []


def test_text_that_no_server_may_put_into_an_environ_is_a_server_error():
    app = App()
    with pytest.raises(UnicodeEncodeError):
        serve(ClientCertMiddleware(app, header_strategy()), environ(HTTP_CLIENT_CERT="\u20ac"))
    assert app.environs == []


def test_an_async_verify_is_refused_at_construction():
    async def verify(certificate):
        return True

    with pytest.raises(ConfigurationError, match="WSGI cannot await"):
        ClientCertMiddleware(App(), header_strategy(verify))


def test_an_unknown_tls_source_is_refused_at_construction():
    with pytest.raises(ConfigurationError, match="'socket', 'mod_ssl', 'uwsgi'"):
        ClientCertMiddleware(App(), header_strategy(), tls_source="auto")


@pytest.mark.parametrize("mistake", [lambda certificate: True, allow_cn(["alice"]), ClientCertStrategy, None])
def test_what_is_no_strategy_is_refused_at_construction(mistake):
    with pytest.raises(ConfigurationError, match=r"write ClientCertMiddleware\(app, ClientCertStrategy\(verify\)\)"):
        ClientCertMiddleware(App(), mistake)
