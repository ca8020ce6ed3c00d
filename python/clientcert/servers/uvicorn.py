"""Uvicorn protocols that tell the application who is at the other end of the connection.

::

    uvicorn.run(
        app,
        ssl_certfile="server.pem",
        ssl_keyfile="server.key",
        **client_certificates("clients-ca.pem", required=False),
    )

Each protocol is Uvicorn's own, with one addition: for the life of a connection it hands every scope its
`clientcert.tls.Connection` in ``scope["extensions"]["clientcert"]`` and, over TLS, the ASGI ``tls`` extension, also to
the streams of HTTP/2 and to websockets.

``proxy_headers``, on by default in Uvicorn, replaces ``scope["client"]``; the transport peer here stays what it was.
Trailer fields stay out of ``scope["headers"]``, among which Uvicorn with httptools puts those of a chunked request.

``clientcert serve`` is Uvicorn's command line with these protocols. Uvicorn's own takes them by their import strings:
``--http clientcert.servers.uvicorn:AutoHTTPProtocol``. Both need Uvicorn 0.36.
"""

from __future__ import annotations

import copy
import ssl
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from clientcert.errors import ConfigurationError
from clientcert.servers.connection import ConnectionApp, WithConnection

if TYPE_CHECKING:
    import asyncio
    import os

    from clientcert.asgi import Scope

__all__ = [
    "AutoHTTPProtocol",
    "AutoWebSocketsProtocol",
    "AutoZttpProtocol",
    "H11Protocol",
    "HttpToolsProtocol",
    "UvicornOptions",
    "WSProtocol",
    "WebSocketProtocol",
    "WebSocketsSansIOProtocol",
    "ZttpProtocol",
    "client_certificates",
]

# Found by `__getattr__`, so that a parser which is not installed is missed only by who names it.
AutoHTTPProtocol: type[asyncio.Protocol]
AutoWebSocketsProtocol: type[asyncio.Protocol]
AutoZttpProtocol: type[asyncio.Protocol]
H11Protocol: type[asyncio.Protocol]
HttpToolsProtocol: type[asyncio.Protocol]
WSProtocol: type[asyncio.Protocol]
WebSocketProtocol: type[asyncio.Protocol]
WebSocketsSansIOProtocol: type[asyncio.Protocol]
ZttpProtocol: type[asyncio.Protocol]

_PROTOCOLS = {
    "AutoHTTPProtocol": "uvicorn.protocols.http.auto",
    "AutoWebSocketsProtocol": "uvicorn.protocols.websockets.auto",
    "AutoZttpProtocol": "uvicorn.protocols.http.auto_zttp_impl",
    "H11Protocol": "uvicorn.protocols.http.h11_impl",
    "HttpToolsProtocol": "uvicorn.protocols.http.httptools_impl",
    "WSProtocol": "uvicorn.protocols.websockets.wsproto_impl",
    "WebSocketProtocol": "uvicorn.protocols.websockets.websockets_impl",
    "WebSocketsSansIOProtocol": "uvicorn.protocols.websockets.websockets_sansio_impl",
    "ZttpProtocol": "uvicorn.protocols.http.zttp_impl",
}
"""Uvicorn's names for its protocols, and where it has them."""

HTTPProtocolName = Literal["auto", "h11", "httptools", "zttp"]
WSProtocolName = Literal["auto", "none", "websockets", "websockets-sansio", "wsproto"]

_HTTP = {"auto": "AutoHTTPProtocol", "h11": "H11Protocol", "httptools": "HttpToolsProtocol", "zttp": "ZttpProtocol"}
_WS = {
    "auto": "AutoWebSocketsProtocol",
    "websockets": "WebSocketProtocol",
    "websockets-sansio": "WebSocketsSansIOProtocol",
    "wsproto": "WSProtocol",
}
"""What Uvicorn calls the same protocols on its command line."""


class UvicornOptions(TypedDict):
    """Keyword arguments of `uvicorn.run` and `uvicorn.Config`."""

    http: str
    ws: str
    ssl_cert_reqs: int
    ssl_ca_certs: str | os.PathLike[str]


def client_certificates(
    ca_certs: str | os.PathLike[str],
    *,
    required: bool = True,
    http: HTTPProtocolName = "auto",
    ws: WSProtocolName = "auto",
    http2: bool = False,
) -> UvicornOptions:
    """Return the options with which Uvicorn asks for client certificates that ``ca_certs`` certifies, and shows them.

    With ``required=False`` a client without a certificate may connect; one with a certificate that does not verify
    may not. ``http`` and ``ws`` are Uvicorn's names of its protocols. ``http2`` takes the place of Uvicorn's option of
    that name, which must stay out: HTTP/2 is spoken with who asks for it by ALPN, with ``http="zttp"`` only.
    """
    if http not in _HTTP:
        raise ConfigurationError(f"http must be one of {', '.join(map(repr, _HTTP))}")
    if ws not in _WS and ws != "none":
        raise ConfigurationError(f"ws must be one of 'none', {', '.join(map(repr, _WS))}")
    if http2 and http != "zttp":
        raise ConfigurationError("uvicorn speaks HTTP/2 by http='zttp' only, which needs the package zttp")
    return {
        "http": f"{__name__}:{'AutoZttpProtocol' if http2 else _HTTP[http]}",
        "ws": "none" if ws == "none" else f"{__name__}:{_WS[ws]}",
        "ssl_cert_reqs": ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL,
        "ssl_ca_certs": ca_certs,
    }


class _WithoutTrailers:
    """Mixed into a protocol of httptools, whose parser reports header lines and trailer fields by the same callback."""

    headers: list[tuple[bytes, bytes]]
    scope: Scope

    def on_headers_complete(self) -> None:
        # A proxy may remove a header and pass on the trailer of that name: RFC 9112, section 7.1.2, forbids to merge
        # them. The application runs later than this, and what comes later is appended to the other list.
        self.scope["headers"] = self.headers.copy()
        super().on_headers_complete()  # type: ignore[misc]  # the protocol's


class _WithConnectionConfig:
    """Mixed into a protocol that makes another for the connection, of which all it knows is in the configuration."""

    config: Any

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.config = copy.copy(self.config)
        self.config.loaded_app = ConnectionApp(self.config.loaded_app, transport)
        super().connection_made(transport)  # type: ignore[misc]  # the protocol's


def __getattr__(name: str) -> Any:
    if name not in _PROTOCOLS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    base = getattr(import_module(_PROTOCOLS[name]), name)
    mixins: tuple[type, ...] = (WithConnection,)
    if hasattr(base, "on_headers_complete"):
        mixins = (_WithoutTrailers, WithConnection)
    elif hasattr(base, "_switch"):
        mixins = (_WithConnectionConfig,)
    # Uvicorn has None where no websocket library is installed.
    protocol = None if base is None else type(name, (*mixins, base), {"__module__": __name__})
    globals()[name] = protocol
    return protocol
