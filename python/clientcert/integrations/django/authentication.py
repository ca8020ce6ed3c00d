"""A request of Django to the strategy's outcome and to a user: what middleware, decorator and REST framework share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib import auth
from django.core.handlers.asgi import ASGIRequest as DjangoASGIRequest

from clientcert.asgi import ASGIRequest
from clientcert.integrations.django.configuration import configuration
from clientcert.outcome import failure
from clientcert.rejection import RejectionReason
from clientcert.wsgi import WSGIRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from clientcert.certificate import PeerCertificate
    from clientcert.forwarded_identity import ForwardedIdentity
    from clientcert.integrations.django.configuration import Configuration
    from clientcert.outcome import Failure, Success
    from clientcert.request import TLSConnection, TransportPeer
    from clientcert.wsgi import TLSSource

__all__ = ["DjangoRequest", "aauthenticate", "arefuse", "authenticate", "known_outcome", "refuse"]


_OUTCOME = "_client_cert_outcome"


class DjangoRequest:
    """A `django.http.HttpRequest` as the strategy sees it. Callbacks and hooks get that itself.

    Under ASGI, the headers are those of the scope: ``META`` there has the lines of a header joined.
    """

    __slots__ = ("_shim", "native")

    def __init__(self, request: HttpRequest, tls_source: TLSSource) -> None:
        self.native: Any = request
        if isinstance(request, DjangoASGIRequest):
            scope: Any = request.scope
            self._shim: ASGIRequest | WSGIRequest = ASGIRequest(scope)
        else:
            self._shim = WSGIRequest(request.META, tls_source)

    @property
    def preserves_names(self) -> bool:
        """True under ASGI, False under WSGI."""
        return self._shim.preserves_names

    @property
    def peer(self) -> TransportPeer:
        """The transport peer: no middleware that changes ``REMOTE_ADDR`` under ASGI changes it."""
        return self._shim.peer

    def header_lines(self, names: Collection[bytes]) -> Iterable[tuple[bytes, bytes]]:
        """Return the header lines, of the scope or of the environ."""
        return self._shim.header_lines(names)

    def tls(self) -> TLSConnection | None:
        """Return what the server says of the client's TLS certificate."""
        return self._shim.tls()

    def attach(self, certificate: PeerCertificate) -> None:
        """Put the certificate into ``request.client_certificate``."""
        self.native.client_certificate = certificate

    def attach_identity(self, identity: ForwardedIdentity) -> None:
        """Put the identity into ``request.client_identity``."""
        self.native.client_identity = identity


def authenticate(request: HttpRequest) -> Success | Failure:
    """Return who the client is, or how to refuse it: also where no certificate is required.

    Where there is a `ClientCertBackend`, the user is the one that it finds, and ``request.user``.
    """
    settings = configuration()
    _reset(request)
    strategy = settings.strategy
    ask = async_to_sync(strategy.authenticate_async) if strategy.is_async else strategy.authenticate
    outcome = ask(DjangoRequest(request, settings.tls_source))
    if outcome and settings.maps_users:
        outcome = _of_user(outcome, auth.authenticate(request, client_cert=outcome))
    return _remembered(request, outcome, settings)


async def aauthenticate(request: HttpRequest) -> Success | Failure:
    """Return what `authenticate` does, without blocking the event loop."""
    settings = configuration()
    _reset(request)
    outcome = await settings.strategy.authenticate_async(DjangoRequest(request, settings.tls_source))
    if outcome and settings.maps_users:
        outcome = _of_user(outcome, await auth.aauthenticate(request, client_cert=outcome))
    return _remembered(request, outcome, settings)


def known_outcome(request: HttpRequest) -> Success | Failure | None:
    """Return what `authenticate` has found out of ``request``, or None where nobody has asked it."""
    outcome: Success | Failure | None = getattr(request, _OUTCOME, None)
    return outcome


def refuse(request: HttpRequest, failure: Failure) -> HttpResponseBase:
    """Return the answer of ``CLIENT_CERT_FAILURE_VIEW``, for which nobody is logged in."""
    _be_nobody(request)
    return configuration().failure_view(request, failure)


async def arefuse(request: HttpRequest, failure: Failure) -> HttpResponseBase:
    """Return what `refuse` does; the view may be plain, and ask the database."""
    return await sync_to_async(refuse)(request, failure)


def _reset(request: Any) -> None:
    request.client_certificate = request.client_identity = None
    setattr(request, _OUTCOME, None)


def _of_user(outcome: Success, user: Any) -> Success | Failure:
    if user is None:
        return failure(RejectionReason.CALLBACK_RETURNED_FALSE, "no backend has a user for the certificate")
    return replace(outcome, user=user)


def _remembered(request: HttpRequest, outcome: Success | Failure, settings: Configuration) -> Success | Failure:
    setattr(request, _OUTCOME, outcome)
    if outcome and settings.maps_users:
        _be(request, outcome.user)
    return outcome


def _be(request: Any, user: Any) -> None:
    async def auser() -> Any:
        return user

    request.user, request.auser = user, auser


def _be_nobody(request: HttpRequest) -> None:
    if hasattr(request, "user"):
        # Its models must be there first, and not when a settings file is read.
        from django.contrib.auth.models import AnonymousUser  # noqa: PLC0415 - as above

        _be(request, AnonymousUser())
