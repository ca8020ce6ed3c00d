"""gRPC: interceptors for `grpc.server` and `grpc.aio.server`, which authenticate each call before its handler runs.

::

    strategy = ClientCertStrategy(allow_spiffe_id(["spiffe://example.org/billing"]))
    server = grpc.server(ThreadPoolExecutor(), interceptors=[ClientCertInterceptor(strategy)])

    class Billing(BillingServicer):
        def Total(self, request, context):
            name = client_certificate(context).spiffe_id

The certificate is that of the connection, from ``context.auth_context()``, or that in the metadata which a proxy sets.
gRPC has a connection's certificate only with ``ssl_server_credentials(..., require_client_auth=True)``: without, it
asks for none. The peer is what ``context.peer()`` says, which is the socket's.

A call is authenticated once, when it begins: a stream may outlive its certificate. What ``verify`` raises fails the
call, with the status UNKNOWN and, in gRPC, with the text of the exception, which the client reads. A method that the
server does not have is UNIMPLEMENTED for everybody.
"""

from __future__ import annotations

from contextlib import aclosing
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import grpc
import grpc.aio

from clientcert.errors import ConfigurationError
from clientcert.outcome import Success
from clientcert.request import TransportPeer
from clientcert.strategy import check_strategy
from clientcert.tls import from_auth_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator

    from clientcert.certificate import PeerCertificate
    from clientcert.forwarded_identity import ForwardedIdentity
    from clientcert.outcome import Failure
    from clientcert.request import TLSConnection
    from clientcert.strategy import ClientCertStrategy

    Handler = grpc.RpcMethodHandler[Any, Any]
    Context = grpc.ServicerContext | grpc.aio.ServicerContext[Any, Any]

__all__ = [
    "AsyncClientCertInterceptor",
    "ClientCertInterceptor",
    "GRPCRequest",
    "client_certificate",
    "client_identity",
    "client_user",
]

_STATUS_CODES = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
"""What google.rpc.Code has for the statuses of HTTP that a `Reject` may bring; any other is one of two."""

_SERVER_ERROR = 500


def client_certificate(context: Context) -> PeerCertificate | None:
    """Return the certificate of the client that calls; `ConfigurationError` where no interceptor has authenticated."""
    return _known(context).certificate


def client_identity(context: Context) -> ForwardedIdentity | None:
    """Return the identity of the client that calls, where a proxy sends that without a certificate."""
    return _known(context).identity


def client_user(context: Context) -> Any:
    """Return what ``verify`` returned for the client that calls, or None."""
    return _known(context).user


class GRPCRequest:
    """A call as the strategy sees it, by its servicer context. Callbacks and hooks get the context.

    There, ``context.method`` is the name of the method that is called, such as ``"/package.Service/Method"``.
    """

    __slots__ = ("native",)

    # Names are in lower case (gRPC over HTTP/2), and each value is an entry of its own.
    preserves_names = True

    def __init__(self, context: Any) -> None:
        self.native: Any = context

    @property
    def peer(self) -> TransportPeer:
        """The transport peer: ``ipv4:``, ``ipv6:`` and ``unix:`` of the gRPC name syntax, else unknown."""
        scheme, _, address = self.native.peer().partition(":")
        if scheme == "unix":
            return TransportPeer("unix", authoritative=True)
        if scheme not in {"ipv4", "ipv6"}:
            return TransportPeer("unknown", authoritative=True)
        # ipv4:192.0.2.1:49152, ipv6:%5B2001:db8::1%5D:49152; a zone is the kernel's, and no other source has it.
        host = unquote(address).rpartition(":")[0].removeprefix("[").removesuffix("]").partition("%")[0]
        return TransportPeer("ip", host, authoritative=True)

    def header_lines(self, names: Collection[bytes]) -> Iterable[tuple[bytes, bytes]]:  # noqa: ARG002 - all of them
        """Return every entry of the metadata: text as it came, and what a name with ``-bin`` has, as bytes."""
        for name, value in self.native.invocation_metadata():
            yield name.encode(), value if isinstance(value, bytes) else value.encode()

    def tls(self) -> TLSConnection | None:
        """Return what the credentials of the port say of the client."""
        return from_auth_context(self.native.auth_context())

    def attach(self, certificate: PeerCertificate) -> None:
        """Put the certificate where `client_certificate` finds it."""
        _known(self.native).certificate = certificate

    def attach_identity(self, identity: ForwardedIdentity) -> None:
        """Put the identity where `client_identity` finds it."""
        _known(self.native).identity = identity


class _Known:
    """What is known of the client of one call."""

    __slots__ = ("certificate", "identity", "user")

    def __init__(self) -> None:
        self.certificate: PeerCertificate | None = None
        self.identity: ForwardedIdentity | None = None
        self.user: Any = None


class _Context:
    """A servicer context, and what is known of the client: those of `grpc.aio` take no attributes."""

    def __init__(self, context: Context, method: str) -> None:
        self._context = context
        self.method = method
        self.clientcert = _Known()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


grpc.ServicerContext.register(_Context)
grpc.aio.ServicerContext.register(_Context)


class _Interceptor:
    """What the interceptors have in common: whom they let in."""

    def __init__(
        self, strategy: ClientCertStrategy, *, required: bool = True, optional_methods: Collection[str] = ()
    ) -> None:
        check_strategy(strategy)
        if isinstance(optional_methods, str) or not all(name.startswith("/") for name in optional_methods):
            raise ConfigurationError('optional_methods is a list of full names: ["/grpc.health.v1.Health/Check"]')
        self._strategy = strategy
        self._required = required
        self._optional_methods = frozenset(optional_methods)

    def _refusal(self, context: _Context, outcome: Success | Failure) -> Failure | None:
        if isinstance(outcome, Success):
            context.clientcert.user = outcome.user
            return None
        required = self._required and context.method not in self._optional_methods
        return outcome if required or outcome.presented else None

    def _checked_in_thread(self, behavior: Callable[..., Any], method: str) -> Callable[..., Any]:
        """Return a plain handler that runs for clients who are let in."""
        if self._strategy.is_async:
            raise ConfigurationError("a plain handler cannot await: give the strategy a plain verify")

        @wraps(behavior)  # with the attributes by which gRPC finds a thread pool of the handler's own
        def checked(request: Any, native: grpc.ServicerContext, *callback: Any) -> Any:
            context = _Context(native, method)
            refusal = self._refusal(context, self._strategy.authenticate(GRPCRequest(context)))
            if refusal is not None:
                native.abort(_status_code(refusal), refusal.message)
                # Not in every version of `grpc.aio` does `abort` raise in a plain handler: it may return, and the call
                # ends as soon as the handler does.
                return ()
            return behavior(request, context, *callback)

        return checked


class ClientCertInterceptor(_Interceptor, grpc.ServerInterceptor):
    """Authenticate each call to a `grpc.server`, or end it in place of its handler.

    Its status is UNAUTHENTICATED, or what comes nearest to the status of a `Reject` (403: PERMISSION_DENIED), with a
    constant text. With ``required=False`` for all, or for ``optional_methods`` alone, a call that presents no
    certificate at all goes on; one that presents a certificate which is rejected is refused all the same.

    Put it in front of the interceptors that are for authenticated clients only. A strategy with an ``async`` verify
    raises `ConfigurationError`. `clientcert.hooks.drain`, after `grpc.Server.stop`, waits for the hooks.
    """

    def __init__(
        self, strategy: ClientCertStrategy, *, required: bool = True, optional_methods: Collection[str] = ()
    ) -> None:
        super().__init__(strategy, required=required, optional_methods=optional_methods)
        if strategy.is_async:
            raise ConfigurationError("grpc.server cannot await: give the strategy a plain verify, or use grpc.aio")

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Handler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Return the method's handler behind the check."""
        handler = continuation(handler_call_details)
        method = handler_call_details.method
        return None if handler is None else _replaced(handler, self._checked_in_thread(_behavior(handler), method))


class AsyncClientCertInterceptor(_Interceptor, grpc.aio.ServerInterceptor):
    """Authenticate each call to a `grpc.aio.server`: as `ClientCertInterceptor`, and ``verify`` may be async.

    Plain handlers, which `grpc.aio` runs in threads, need a plain verify. `clientcert.hooks.drain_async`, after
    `grpc.aio.Server.stop`, waits for the hooks.
    """

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Return the method's handler behind the check."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        behavior, method = _behavior(handler), handler_call_details.method
        if isasyncgenfunction(behavior):
            return _replaced(handler, self._checked_generator(behavior, method))
        if iscoroutinefunction(behavior):
            return _replaced(handler, self._checked_coroutine(behavior, method))
        checked = self._checked_in_thread(behavior, method)
        return _replaced(handler, _generator(checked) if handler.response_streaming else checked)

    def _checked_coroutine(self, behavior: Callable[..., Awaitable[Any]], method: str) -> Callable[..., Any]:
        async def checked(request: Any, native: grpc.aio.ServicerContext[Any, Any]) -> Any:
            return await behavior(request, await self._let_in(native, method))

        return checked

    def _checked_generator(self, behavior: Callable[..., Any], method: str) -> Callable[..., Any]:
        async def checked(request: Any, native: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            async with aclosing(behavior(request, await self._let_in(native, method))) as responses:
                async for response in responses:
                    yield response

        return checked

    async def _let_in(self, native: grpc.aio.ServicerContext[Any, Any], method: str) -> _Context:
        context = _Context(native, method)
        refusal = self._refusal(context, await self._strategy.authenticate_async(GRPCRequest(context)))
        if refusal is not None:
            await native.abort(_status_code(refusal), refusal.message)
        return context


def _generator(checked: Callable[..., Iterable[Any]]) -> Callable[..., Iterator[Any]]:
    """Return a generator function: `grpc.aio` calls it on its loop, and runs it in a thread, where `abort` may wait."""

    def generator(request: Any, native: grpc.ServicerContext) -> Iterator[Any]:
        yield from checked(request, native)

    return generator


def _known(context: Any) -> _Known:
    # By attribute, not by type: an interceptor behind ours may have wrapped the context again.
    known = getattr(context, "clientcert", None)
    if not isinstance(known, _Known):
        raise ConfigurationError("no interceptor has authenticated this call: give one to the server")
    return known


def _status_code(failure: Failure) -> grpc.StatusCode:
    other = grpc.StatusCode.INTERNAL if failure.status >= _SERVER_ERROR else grpc.StatusCode.PERMISSION_DENIED
    return _STATUS_CODES.get(failure.status, other)


_KINDS = {
    (False, False): ("unary_unary", grpc.unary_unary_rpc_method_handler),
    (False, True): ("unary_stream", grpc.unary_stream_rpc_method_handler),
    (True, False): ("stream_unary", grpc.stream_unary_rpc_method_handler),
    (True, True): ("stream_stream", grpc.stream_stream_rpc_method_handler),
}
"""By whether requests and responses are streams: where a handler has its function, and what makes another."""


def _behavior(handler: Handler) -> Callable[..., Any]:
    behavior: Callable[..., Any] = getattr(handler, _KINDS[handler.request_streaming, handler.response_streaming][0])
    return behavior


def _replaced(handler: Handler, behavior: Callable[..., Any]) -> Handler:
    make = _KINDS[handler.request_streaming, handler.response_streaming][1]
    replaced: Handler = make(behavior, handler.request_deserializer, handler.response_serializer)
    return replaced
