"""aiohttp: a middleware for `aiohttp.web`, and what reads the certificate where aiohttp has it, from the transport.

::

    app = web.Application()
    setup(app, ClientCertStrategy(allow_cn(["alice"])))

Handlers find what is known of the client under typed keys (`aiohttp.web.RequestKey`, aiohttp 3.14):
``request[client_certificate]``, ``request[client_user]``, and ``request[client_identity]`` for an identity that was
forwarded without a certificate. Each is None where there is none.

The transport peer is that of the socket: middleware that replaces ``request.remote`` by what ``X-Forwarded-For`` says
changes nothing here.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

from aiohttp import web

from clientcert.errors import ConfigurationError
from clientcert.hooks import drain_async
from clientcert.outcome import Success
from clientcert.refusal import refusal
from clientcert.strategy import check_strategy
from clientcert.tls import from_transport, peer_of_transport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable

    from aiohttp.typedefs import Handler, Middleware

    from clientcert.certificate import PeerCertificate
    from clientcert.forwarded_identity import ForwardedIdentity
    from clientcert.outcome import Failure
    from clientcert.request import TLSConnection, TransportPeer
    from clientcert.strategy import ClientCertStrategy

    P = ParamSpec("P")

__all__ = [
    "AiohttpRequest",
    "client_cert_middleware",
    "client_cert_required",
    "client_certificate",
    "client_identity",
    "client_user",
    "setup",
]

client_certificate: web.RequestKey[PeerCertificate | None] = web.RequestKey("client_certificate")
client_identity: web.RequestKey[ForwardedIdentity | None] = web.RequestKey("client_identity")
client_user: web.RequestKey[Any] = web.RequestKey("client_user")

# How to refuse who has no certificate; None for one that is accepted.
_refusal: web.RequestKey[Failure | None] = web.RequestKey("refusal")

_EXCEPTIONS: dict[int, type[web.HTTPError]] = {
    exception.status_code: exception for exception in (web.HTTPUnauthorized, web.HTTPForbidden)
}
"""Those that applications catch by name. Others have a status that `clientcert.Reject` brings."""


class AiohttpRequest:
    """An `aiohttp.web.BaseRequest` as the strategy sees it. Callbacks and hooks get that itself."""

    __slots__ = ("native",)

    preserves_names = True

    def __init__(self, request: web.BaseRequest) -> None:
        self.native: web.BaseRequest = request

    @property
    def peer(self) -> TransportPeer:
        """The transport peer, from the socket: unknown where the client is gone, or a test has no socket."""
        return peer_of_transport(self.native.transport)

    def header_lines(self, names: Collection[bytes]) -> Iterable[tuple[bytes, bytes]]:  # noqa: ARG002 - all of them
        """Return every header line. aiohttp keeps trailer fields apart."""
        return [(name.lower(), value) for name, value in self.native.raw_headers]

    def tls(self) -> TLSConnection | None:
        """Return what the TLS layer says of the client."""
        return from_transport(self.native.transport)

    def attach(self, certificate: PeerCertificate) -> None:
        """Put the certificate into ``request[client_certificate]``."""
        self.native[client_certificate] = certificate

    def attach_identity(self, identity: ForwardedIdentity) -> None:
        """Put the identity into ``request[client_identity]``."""
        self.native[client_identity] = identity


def setup(app: web.Application, strategy: ClientCertStrategy, *, required: bool = True) -> None:
    """Authenticate every request to ``app`` and to its subapplications, and run waiting hooks when it shuts down.

    The middleware comes last in ``app.middlewares``: those before it see the refusals, and run for strangers, too.
    """
    app.middlewares.append(client_cert_middleware(strategy, required=required))
    # First: after the last request, and before the application closes what hooks may need.
    app.on_cleanup.insert(0, _drain)


def client_cert_middleware(strategy: ClientCertStrategy, *, required: bool = True) -> Middleware:
    """Return a middleware that authenticates each request, and raises `aiohttp.web.HTTPError` for one it refuses.

    That is `aiohttp.web.HTTPUnauthorized`, or one with the status of a `Reject`; a websocket's handshake is a request
    like others. What ``verify`` raises propagates: a 500.

    With ``required=False``, a request that presents no certificate at all goes on without; one that presents a
    certificate which is rejected, for whatever reason, is refused all the same. `setup` does the rest, too.
    """
    check_strategy(strategy)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[client_certificate] = request[client_identity] = request[client_user] = None
        request.pop(_refusal, None)  # if `verify` raises, nobody has been authenticated
        outcome = await strategy.authenticate_async(AiohttpRequest(request))
        if isinstance(outcome, Success):
            request[client_user], request[_refusal] = outcome.user, None
            return await handler(request)
        request[_refusal] = outcome
        if required or outcome.presented:
            raise _failure(outcome)
        return await handler(request)

    return middleware


def client_cert_required(
    handler: Callable[P, Awaitable[web.StreamResponse]],
) -> Callable[P, Awaitable[web.StreamResponse]]:
    """Return ``handler`` for clients with a certificate, where the application lets others in (``required=False``).

    It decorates a handler, a method of one, or a method of an `aiohttp.web.View`. Without `setup` it raises
    `ConfigurationError` for every request.
    """

    @wraps(handler)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> web.StreamResponse:
        subject = args[-1]
        request = subject.request if isinstance(subject, web.View) else subject
        if not isinstance(request, web.Request) or _refusal not in request:
            raise ConfigurationError("client_cert_required is for an application with clientcert: call setup(app, ...)")
        absent = request[_refusal]
        if absent is not None:
            raise _failure(absent)
        return await handler(*args, **kwargs)

    return guarded


def _failure(failure: Failure) -> web.HTTPError:
    status, headers, body = refusal(failure)
    exception: type[web.HTTPError] = _EXCEPTIONS.get(status) or type(
        "HTTPError", (web.HTTPError,), {"status_code": status}
    )
    return exception(headers=headers, text=body.decode())


async def _drain(app: web.Application) -> None:  # noqa: ARG001 - the signature of a signal's receiver
    await drain_async()
