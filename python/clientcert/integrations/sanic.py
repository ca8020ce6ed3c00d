"""Sanic: a request middleware, and what reads the certificate where Sanic has it, from the transport.

::

    app = Sanic("Acme")
    setup(app, ClientCertStrategy(allow_cn(["alice"])))

Handlers find what is known of the client in the context of the request: ``request.ctx.client_certificate``,
``request.ctx.client_user``, and ``request.ctx.client_identity`` for an identity that was forwarded without a
certificate. Each is None where there is none.

It is for Sanic's own server with HTTP/1.1. Where an ASGI server runs the application, its shim is that of
`clientcert.asgi`. The transport peer is that of the socket: ``request.remote_addr`` and the settings behind it
(``PROXIES_COUNT``, ``REAL_IP_HEADER``, ``FORWARDED_SECRET``) change nothing here.
"""

from __future__ import annotations

from functools import wraps
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, ParamSpec

from sanic.exceptions import Forbidden, HTTPException, SanicException, Unauthorized
from sanic.request import Request

from clientcert.errors import ConfigurationError
from clientcert.hooks import drain_async
from clientcert.outcome import Success
from clientcert.refusal import refusal
from clientcert.strategy import check_strategy
from clientcert.tls import from_transport, peer_of_transport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable

    from sanic import Sanic

    from clientcert.certificate import PeerCertificate
    from clientcert.forwarded_identity import ForwardedIdentity
    from clientcert.outcome import Failure
    from clientcert.request import TLSConnection, TransportPeer
    from clientcert.strategy import ClientCertStrategy

    P = ParamSpec("P")

__all__ = ["SanicRequest", "client_cert_required", "setup"]

# In the context of a request: how to refuse who has no certificate; None for one that is accepted.
_REFUSAL = "_clientcert_refusal"

# Whatever an application's own middleware does, it does after this: Sanic runs the highest first.
_FIRST = 1_000_000

_EXCEPTIONS: dict[int, type[HTTPException]] = {401: Unauthorized, 403: Forbidden}
"""Those that applications catch by name. Others have a status that `clientcert.Reject` brings."""


class SanicRequest:
    """A `sanic.request.Request` as the strategy sees it. Callbacks and hooks get that itself."""

    __slots__ = ("native",)

    preserves_names = True

    def __init__(self, request: Request) -> None:
        if request.app.asgi or request.version not in {"1.0", "1.1"}:
            raise ConfigurationError(
                "clientcert.integrations.sanic is for Sanic's own server with HTTP/1.1: under an ASGI server, put"
                " clientcert.asgi.ClientCertMiddleware around the application"
            )
        self.native: Request = request

    @property
    def peer(self) -> TransportPeer:
        """The transport peer, from the socket: unknown where the client is gone."""
        return peer_of_transport(self.native.transport)

    def header_lines(self, names: Collection[bytes]) -> Iterable[tuple[bytes, bytes]]:  # noqa: ARG002 - all of them
        """Return every header line, as it came.

        ``request.headers`` has them as text, of which it has made names in lower case: there, the Kelvin sign is a "k".
        Sanic refuses trailer fields.
        """
        _request_line, *lines = bytes(self.native.head).split(b"\r\n")
        parted = (line.partition(b":") for line in lines)
        return [(name.lower(), value.strip(b" \t")) for name, _, value in parted]

    def tls(self) -> TLSConnection | None:
        """Return what the TLS layer says of the client."""
        return from_transport(self.native.transport)

    def attach(self, certificate: PeerCertificate) -> None:
        """Put the certificate into ``request.ctx.client_certificate``."""
        self.native.ctx.client_certificate = certificate

    def attach_identity(self, identity: ForwardedIdentity) -> None:
        """Put the identity into ``request.ctx.client_identity``."""
        self.native.ctx.client_identity = identity


def setup(app: Sanic[Any, Any], strategy: ClientCertStrategy, *, required: bool = True) -> None:
    """Authenticate every request to ``app`` and to its blueprints, and run waiting hooks when it shuts down.

    A request that is refused raises `sanic.exceptions.Unauthorized`, `sanic.exceptions.Forbidden`, or a
    `sanic.exceptions.SanicException` with the status of a `Reject`; a websocket's handshake is a request like others.
    What ``verify`` raises propagates: a 500.

    With ``required=False``, a request that presents no certificate at all goes on without; one that presents a
    certificate which is rejected, for whatever reason, is refused all the same.
    """
    check_strategy(strategy)

    async def authenticate(request: Request) -> None:
        context = request.ctx
        context.client_certificate = context.client_identity = context.client_user = None
        context.__dict__.pop(_REFUSAL, None)  # if `verify` raises, nobody has been authenticated
        outcome = await strategy.authenticate_async(SanicRequest(request))
        if isinstance(outcome, Success):
            context.client_user = outcome.user
            setattr(context, _REFUSAL, None)
            return
        setattr(context, _REFUSAL, outcome)
        if required or outcome.presented:
            raise _failure(outcome)

    app.on_request(authenticate, priority=_FIRST)  # pyright: ignore[reportUnknownMemberType]  # sanic's own
    # After the last request, and before the application closes what hooks may need: at the end, the lowest comes first.
    app.register_listener(_drain, "after_server_stop", priority=-_FIRST)


def client_cert_required(handler: Callable[P, Any]) -> Callable[P, Awaitable[Any]]:
    """Return ``handler`` for clients with a certificate, where the application lets others in (``required=False``).

    It decorates a handler, plain or async, or a method of a `sanic.views.HTTPMethodView`. Without `setup` it raises
    `ConfigurationError` for every request.
    """

    @wraps(handler)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        request: Any = next((argument for argument in args if isinstance(argument, Request)), None)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        if request is None or not hasattr(request.ctx, _REFUSAL):
            raise ConfigurationError("client_cert_required is for an application with clientcert: call setup(app, ...)")
        failure: Failure | None = getattr(request.ctx, _REFUSAL)
        if failure is not None:
            raise _failure(failure)
        answer = handler(*args, **kwargs)
        return await answer if isawaitable(answer) else answer

    return guarded


def _failure(failure: Failure) -> SanicException:
    answer = refusal(failure)
    exception = _EXCEPTIONS.get(answer.status)
    if exception is not None:
        return exception(failure.message, quiet=True, headers=answer.fields)
    return SanicException(failure.message, answer.status, quiet=True, headers=answer.fields)


async def _drain(app: Sanic[Any, Any]) -> None:  # noqa: ARG001 - the signature of a listener
    await drain_async()
