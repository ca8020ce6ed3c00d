"""WSGI shim: the request contract over an environ, and a middleware for any WSGI application.

The certificate of a direct TLS connection comes from the live socket where the server puts it into the environ
(gunicorn's sync, gthread and gevent workers, werkzeug); other servers write text variables, and those are read only
where ``tls_source`` names them: wsgiref and granian copy the variables of the process into every environ.

WSGI cannot tell ``X_Name`` from ``X-Name``, and joins repeated header lines. ``docs/trust.md`` says which servers let a
client forge a header that way. Behind what makes WSGI of ASGI, put a `clientcert.asgi.HeaderGuard` in front of that.
"""

from __future__ import annotations

import socket
import ssl
from functools import lru_cache
from http.client import responses
from typing import TYPE_CHECKING, Any, Literal, get_args

from clientcert.errors import ConfigurationError
from clientcert.outcome import Failure, Success, User
from clientcert.refusal import refusal
from clientcert.request import TransportPeer, stated_peer
from clientcert.strategy import check_strategy
from clientcert.tls import from_mod_ssl, from_ssl_object, from_uwsgi, transport_peer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from clientcert.certificate import PeerCertificate
    from clientcert.forwarded_identity import ForwardedIdentity
    from clientcert.request import TLSConnection
    from clientcert.strategy import ClientCertStrategy

__all__ = ["ClientCertMiddleware", "TLSSource", "WSGIRequest", "client_cert_required"]

TLSSource = Literal["socket", "mod_ssl", "uwsgi"]
"""Where a server shows the certificate of a TLS connection: the live socket (``gunicorn.socket``, ``werkzeug.socket``),
the variables of Apache's mod_ssl (mod_wsgi, cheroot), or those of uWSGI's ``https`` router."""

_SOCKETS = ("gunicorn.socket", "werkzeug.socket")


class WSGIRequest:
    """An environ as the strategy sees it. Callbacks and hooks get the environ itself."""

    __slots__ = ("_tls_source", "native")

    preserves_names = False

    def __init__(self, environ: WSGIEnvironment, tls_source: TLSSource = "socket") -> None:
        self.native: WSGIEnvironment = environ
        self._tls_source = tls_source

    @property
    def peer(self) -> TransportPeer:
        """The transport peer, from the socket where the server shows it, else as far as ``REMOTE_ADDR`` goes.

        Over a Unix socket ``REMOTE_ADDR`` is empty, ``localhost`` or missing, depending on the server; middleware that
        applies ``X-Forwarded-For`` can leave the same. So only a socket shows a Unix socket.
        """
        connection = _socket(self.native)
        if connection is not None:
            return transport_peer(connection)
        # What werkzeug's ProxyFix replaced is the address that the server saw.
        replaced: WSGIEnvironment | None = self.native.get("werkzeug.proxy_fix.orig")
        address = (replaced if isinstance(replaced, dict) else self.native).get("REMOTE_ADDR")
        return stated_peer(address) if address else TransportPeer("unknown")

    def header_lines(self, names: Collection[bytes]) -> Iterable[tuple[bytes, bytes]]:
        """Return one line for each of ``names`` that is there: repeated lines have been joined by the server."""
        environ = self.native
        # Text of the environ is latin-1 (PEP 3333). An error is a server that breaks the rule: a 500.
        return [
            (name, value.encode("latin-1"))
            for name, variable in _variables(frozenset(names))
            if (value := environ.get(variable)) is not None
        ]

    def tls(self) -> TLSConnection | None:
        """Return what ``tls_source`` says of the client's TLS certificate."""
        if self._tls_source == "mod_ssl":
            return from_mod_ssl(self.native)
        if self._tls_source == "uwsgi":
            return from_uwsgi(self.native)
        connection = _socket(self.native)
        return from_ssl_object(connection) if isinstance(connection, ssl.SSLSocket) else None

    def attach(self, certificate: PeerCertificate) -> None:
        """Put the certificate into ``environ["clientcert.certificate"]``."""
        self.native["clientcert.certificate"] = certificate

    def attach_identity(self, identity: ForwardedIdentity) -> None:
        """Put the identity into ``environ["clientcert.identity"]``."""
        self.native["clientcert.identity"] = identity


class ClientCertMiddleware:
    """Authenticate each request, or answer in place of ``app``.

    ``app`` finds the certificate in ``environ["clientcert.certificate"]``, the user in ``environ["clientcert.user"]``.
    ``environ["clientcert.identity"]`` has an identity that was forwarded without a certificate.
    Where ``remote_user`` is given, ``REMOTE_USER`` is the text that it returns for the user, and nothing else.
    ``required`` is as for `clientcert.asgi.ClientCertMiddleware`. What ``verify`` raises propagates to the server.

    A strategy with an ``async`` verify raises `ConfigurationError`.
    """

    def __init__(
        self,
        app: WSGIApplication,
        strategy: ClientCertStrategy[User],
        *,
        required: bool = True,
        tls_source: TLSSource = "socket",
        remote_user: Callable[[User], str] | None = None,
    ) -> None:
        check_plain_strategy(strategy)
        check_tls_source(tls_source)
        self._app = app
        self._strategy: ClientCertStrategy = strategy
        self._required = required
        self._tls_source: TLSSource = tls_source
        self._remote_user: Callable[[Any], str] | None = remote_user

    def __call__(  # noqa: D102 - the class says it
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        if self._remote_user is not None:
            environ.pop("REMOTE_USER", None)  # from an outer middleware, or from the process's own variables
        outcome = authenticate(self._strategy, environ, self._tls_source, required=self._required)
        if isinstance(outcome, Failure):
            return _refuse(outcome, environ, start_response)
        if outcome is not None and self._remote_user is not None:
            environ["REMOTE_USER"] = self._remote_user(outcome.user)
        return self._app(environ, start_response)


def client_cert_required(app: WSGIApplication) -> WSGIApplication:
    """Return ``app`` for clients with a certificate: one route of an application that lets others in.

    Around that application is a `ClientCertMiddleware` with ``required=False``, which authenticates; without it, each
    request raises `ConfigurationError`. A request without a certificate is answered as the middleware would.
    """

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        absent = absence(environ, "ClientCertMiddleware(app, strategy, required=False)")
        return app(environ, start_response) if absent is None else _refuse(absent, environ, start_response)

    return guarded


_REFUSAL = "clientcert.refusal"
"""The key in an environ of how to refuse a request without a certificate that counts; None for one that has one."""


def authenticate(
    strategy: ClientCertStrategy[User], environ: WSGIEnvironment, tls_source: TLSSource, *, required: bool
) -> Success[User] | Failure | None:
    """Return who the client is, how to refuse it, or None for one without a certificate where that is allowed.

    It is what middleware and integrations have in common. The environ has certificate, identity and user afterwards,
    and nothing of what another layer has put there.
    """
    environ["clientcert.certificate"] = environ["clientcert.identity"] = environ["clientcert.user"] = None
    environ.pop(_REFUSAL, None)  # if `verify` raises, nobody has been authenticated
    outcome = strategy.authenticate(WSGIRequest(environ, tls_source))
    if isinstance(outcome, Success):
        environ["clientcert.user"], environ[_REFUSAL] = outcome.user, None
        return outcome
    environ[_REFUSAL] = outcome
    return outcome if required or outcome.presented else None


def absence(environ: WSGIEnvironment, needed: str) -> Failure | None:
    """Return how to refuse a request without a certificate, or None; `ConfigurationError` if nobody has looked."""
    absent = environ.get(_REFUSAL, ...)
    if not isinstance(absent, Failure | None):  # a process variable of the same name is text
        raise ConfigurationError(f"nobody has authenticated this request: put {needed} around the application")
    return absent


def check_plain_strategy(strategy: ClientCertStrategy) -> None:
    """Raise `ConfigurationError` for what is no strategy, or one that has to be awaited."""
    check_strategy(strategy)
    if strategy.is_async:
        raise ConfigurationError("WSGI cannot await: give the strategy a plain verify, or use clientcert.asgi")


def check_tls_source(tls_source: object) -> None:
    """Raise `ConfigurationError` for what is no `TLSSource`."""
    if tls_source not in get_args(TLSSource):
        raise ConfigurationError(f"tls_source must be one of {', '.join(map(repr, get_args(TLSSource)))}")


def _socket(environ: WSGIEnvironment) -> socket.socket | None:
    """Return the connection's own socket. A process variable of the same name is text."""
    for key in _SOCKETS:
        # The class is looked up in its module each time: gevent replaces it.
        if isinstance(found := environ.get(key), socket.socket):
            return found
    return None


@lru_cache(maxsize=256)  # as many configurations as anybody has
def _variables(names: frozenset[bytes]) -> tuple[tuple[bytes, str], ...]:
    return tuple((name, "HTTP_" + name.decode("latin-1").upper().replace("-", "_")) for name in names)


def _refuse(failure: Failure, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    status, headers, body = refusal(failure)
    start_response(f"{status} {responses.get(status, 'Refused')}", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
