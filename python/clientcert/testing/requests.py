"""Requests as a server hands them to an application: through a proxy, or over TLS from a client with a certificate.

What is here of a TLS connection is what a handshake leaves; there was none. That a server refuses a certificate which
it does not trust is for a test with a real server.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import quote
from wsgiref.util import setup_testing_defaults

from clientcert.servers.connection import KnownConnection

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import WSGIEnvironment

    from clientcert.asgi import ASGIApp, Receive, Scope, Send
    from clientcert.testing.authority import IssuedCertificate

__all__ = ["asgi_scope", "on_connection", "wsgi_connection", "wsgi_environ"]

_PORT = 50000  # not 0: that says that another address has taken the place of the peer's
_HOST = "testserver"

# What CGI, and so WSGI, has without HTTP_ (RFC 3875, sections 4.1.2 and 4.1.3).
_WITHOUT_PREFIX = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})


# ASGI.


def asgi_scope(
    path: str = "/",
    *,
    kind: Literal["http", "websocket"] = "http",
    method: str = "GET",
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    peer: str = "192.0.2.1",
    tls: IssuedCertificate | None = None,
) -> dict[str, Any]:
    """Return the scope of a request, or of a websocket handshake, on a connection from the address ``peer``.

    Over TLS, the client has shown the certificate ``tls`` and what is between it and the root, and the server says so,
    as `clientcert.servers` does. ``headers`` are what `proxy_headers` returns, or pairs, where a name may come twice.
    ``path`` is not percent-encoded, and may have a query.
    """
    path, _, query = path.partition("?")
    is_http = kind == "http"
    lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in _lines(headers)]
    scope: dict[str, Any] = {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": ("http" if is_http else "ws") + ("" if tls is None else "s"),
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", _HOST.encode()), *lines],
        "server": (_HOST, 80 if tls is None else 443),
        **({"method": method} if is_http else {"subprotocols": []}),
    }
    _connect(scope, peer, tls)
    return scope


def on_connection(app: ASGIApp, peer: str = "192.0.2.1", *, tls: IssuedCertificate | None = None) -> ASGIApp:
    """Return ``app`` for test clients without TLS, or without an address: each request is on a connection as given.

    ``peer`` and ``tls`` are as for `asgi_scope`. They take the place of what the test client has in the scope.
    """

    async def connected(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            _connect(scope, peer, tls)
        await app(scope, receive, send)

    return connected


def _connect(scope: Scope, peer: str, tls: IssuedCertificate | None) -> None:
    scope["client"] = (peer, _PORT)
    if tls is not None:
        socket = _TLSSocket(tls, peer)
        KnownConnection(socket, socket).add_to(scope)


# WSGI.


def wsgi_environ(
    path: str = "/",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    peer: str = "192.0.2.1",
    tls: IssuedCertificate | None = None,
) -> WSGIEnvironment:
    """Return the environ of a request on a connection as `wsgi_connection` has it.

    ``headers`` and ``path`` are as for `asgi_scope`. Lines with one name are joined, as servers do.
    """
    path, _, query = path.partition("?")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.encode().decode("latin-1"),  # PEP 3333: text of the environ is latin-1
        "QUERY_STRING": query,
        "SERVER_NAME": _HOST,
        "HTTP_HOST": _HOST,
        **wsgi_connection(peer, tls=tls),
    }
    for name, value in _lines(headers):
        variable = name.upper().replace("-", "_")
        if variable not in _WITHOUT_PREFIX:
            variable = f"HTTP_{variable}"
        environ[variable] = f"{environ[variable]},{value}" if variable in environ else value
    setup_testing_defaults(environ)
    return environ


def wsgi_connection(peer: str = "192.0.2.1", *, tls: IssuedCertificate | None = None) -> WSGIEnvironment:
    """Return what an environ has of a connection from the address ``peer``.

    Over TLS, the client has shown the certificate ``tls`` and what is between it and the root, and the server shows the
    socket, as gunicorn does. For test clients that take parts of the environ: Flask's ``environ_overrides``, Django's
    ``Client``.
    """
    connection: WSGIEnvironment = {"REMOTE_ADDR": peer, "REMOTE_PORT": str(_PORT)}
    if tls is not None:
        connection |= {"wsgi.url_scheme": "https", "HTTPS": "on", "gunicorn.socket": _TLSSocket(tls, peer)}
    return connection


def _lines(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    return cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers


# TLS.


class _TLSSocket(ssl.SSLSocket):
    """The server's end of a connection on which a client has shown its certificate, with nothing behind it.

    The shims read it as they read a socket of Python's.
    """

    def __init__(self, client: IssuedCertificate, peer: str) -> None:
        # Not that of the base class: there is no connection, and so no descriptor that somebody would have to close.
        self._client = client
        self._peer = peer
        chain = [_Certificate(der) for der in (client.der, *client.intermediates)]
        self._sslobj = SimpleNamespace(get_verified_chain=lambda: chain)  # where each version of Python has it
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.verify_mode = ssl.CERT_OPTIONAL

    def getpeercert(self, binary_form: bool = False) -> Any:  # noqa: FBT001, FBT002 - as in the base class
        if not binary_form:
            raise NotImplementedError(
                "the certificate of this connection is there as DER: getpeercert(binary_form=True)"
            )
        return self._client.der

    def version(self) -> str:
        return "TLSv1.3"

    def getsockname(self) -> tuple[str, int]:
        return _HOST, 443

    def getpeername(self) -> tuple[str, int]:
        return self._peer, _PORT


class _Certificate:
    """A certificate of a verified chain, as far as its DER."""

    def __init__(self, der: bytes) -> None:
        self._der = der

    def public_bytes(self, _: int) -> bytes:
        return self._der
