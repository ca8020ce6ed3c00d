"""Hypercorn's servers, made to tell the application who is at the other end of the connection.

::

    from clientcert.servers.hypercorn import show_clients

    show_clients()
    app = ...

in the module of the application, and ``hypercorn --ca-certs clients-ca.pem --verify-mode CERT_OPTIONAL …`` as before:
each worker imports that module, whatever their number and class (``asyncio``, ``uvloop``, ``trio``). A program that
calls `hypercorn.asyncio.serve` or `hypercorn.trio.serve` calls `show_clients` before it. Every scope, over HTTP/1.1,
HTTP/2 and websockets, then has what `clientcert.servers.uvicorn` says. Without ``--verify-mode``, Hypercorn asks for no
certificate, whatever ``--ca-certs`` says.

Hypercorn has no place to name a class for connections, so that `show_clients` replaces the one in Hypercorn's module.
HTTP/3 is not covered: a request over QUIC shows no certificate.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from clientcert.errors import ConfigurationError
from clientcert.servers.connection import KnownConnection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from clientcert.asgi import Scope

__all__ = ["show_clients"]


def show_clients() -> None:
    """Make the servers of Hypercorn in this process show the client of each connection; a second time changes nothing.

    `ConfigurationError` is raised where this version of Hypercorn has no such class to replace.
    """
    _replace("hypercorn.asyncio.run", _WithAsyncioConnection)
    if find_spec("trio"):
        _replace("hypercorn.trio.run", _WithTrioConnection)


class _ConnectionApp:
    """The application of one connection, as Hypercorn wraps it: hands each scope what is known of the connection."""

    def __init__(self, app: Callable[..., Awaitable[None]], read: Callable[[], KnownConnection]) -> None:
        self._app = app
        self._read = read
        self._known: KnownConnection | None = None

    def __call__(self, scope: Scope, *arguments: Any) -> Awaitable[None]:
        # Not before the first request: under trio, a connection is made before its handshake.
        if self._known is None:
            self._known = self._read()
        self._known.add_to(scope)
        return self._app(scope, *arguments)


class _WithConnection:
    """Mixed into Hypercorn's server of one connection."""

    app: Callable[..., Awaitable[None]]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.app = _ConnectionApp(self.app, self._read_connection)

    def _read_connection(self) -> KnownConnection:
        raise NotImplementedError


class _WithAsyncioConnection(_WithConnection):
    """With its asyncio stream."""

    writer: Any

    def _read_connection(self) -> KnownConnection:
        return KnownConnection(self.writer.get_extra_info("socket"), self.writer.get_extra_info("ssl_object"))


class _WithTrioConnection(_WithConnection):
    """With its trio stream."""

    stream: Any

    def _read_connection(self) -> KnownConnection:
        transport_stream = getattr(self.stream, "transport_stream", None)
        if transport_stream is None:
            return KnownConnection(self.stream.socket, None)
        # What is public of a `trio.SSLStream` has no chain.
        return KnownConnection(transport_stream.socket, self.stream._ssl_object)  # noqa: SLF001 - as above


def _replace(module_name: str, mixin: type) -> None:
    try:
        module: Any = import_module(module_name)
        server = module.TCPServer
    except (AttributeError, ModuleNotFoundError) as error:
        raise ConfigurationError("show_clients replaces hypercorn's TCPServer, and finds none") from error
    if not issubclass(server, mixin):
        module.TCPServer = type(server.__name__, (mixin, server), {"__module__": __name__})
