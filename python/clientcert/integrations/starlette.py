"""Starlette: its ``AuthenticationMiddleware`` with client certificates.

::

    app = Starlette(routes, middleware=[Middleware(ClientCertAuthenticationMiddleware, strategy=strategy)])

``request.user`` is a `ClientCertUser`, or the user that ``verify`` returned where that is a
`starlette.authentication.BaseUser`; ``request.auth`` has the scope ``"authenticated"``, which
``@requires("authenticated", status_code=401)`` asks for. ``request.scope["client_certificate"]`` is the certificate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, BaseUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import Response

from clientcert.asgi import authenticate, send_after_hooks
from clientcert.outcome import Failure
from clientcert.refusal import refusal
from clientcert.strategy import check_strategy

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Receive, Scope, Send

    from clientcert.certificate import PeerCertificate
    from clientcert.forwarded_identity import ForwardedIdentity
    from clientcert.outcome import Success
    from clientcert.strategy import ClientCertStrategy

__all__ = [
    "ClientCertAuthenticationError",
    "ClientCertAuthenticationMiddleware",
    "ClientCertBackend",
    "ClientCertUser",
    "on_error",
]


class ClientCertUser(BaseUser):
    """Who the client is. ``user`` is what ``verify`` returned; a policy makes the certificate the user.

    ``certificate`` is None only where ``forwarded_identity`` is what the proxy said of the client instead.
    """

    def __init__(self, outcome: Success) -> None:
        self.user: Any = outcome.user
        self.certificate: PeerCertificate | None = outcome.certificate
        self.forwarded_identity: ForwardedIdentity | None = outcome.identity

    @property
    def is_authenticated(self) -> bool:
        """True."""
        return True

    @property
    def display_name(self) -> str:
        """The user as text if ``verify`` returned text; otherwise the common name, or nothing: it may repeat."""
        if isinstance(self.user, str):
            return self.user
        names = self.certificate["subject"].get("CN", "") if self.certificate and "subject" in self.certificate else ""
        return names if isinstance(names, str) else ", ".join(names)

    @property
    def identity(self) -> str:
        """The SHA-256 of the certificate, or of what the proxy says it is: 64 lower-case hex digits."""
        if self.certificate is not None:
            return str(self.certificate["fingerprint256"]).replace(":", "").lower()
        return "" if self.forwarded_identity is None else self.forwarded_identity.hash


class ClientCertAuthenticationError(AuthenticationError):
    """The client is refused. ``failure`` says why; the text is one that a client may read."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class ClientCertBackend(AuthenticationBackend):
    """Authenticates a connection, or raises `ClientCertAuthenticationError`.

    With ``required=False``, one that presents no certificate at all goes on as
    `starlette.authentication.UnauthenticatedUser`; one that presents a certificate which is rejected, for whatever
    reason, is refused all the same. What ``verify`` raises propagates.
    """

    def __init__(self, strategy: ClientCertStrategy, *, required: bool = True) -> None:
        check_strategy(strategy)
        self._strategy = strategy
        self._required = required

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Return credentials and user, or None for a connection without a certificate."""
        outcome = await authenticate(self._strategy, conn.scope, required=self._required)
        if isinstance(outcome, Failure):
            raise ClientCertAuthenticationError(outcome)
        if outcome is None:
            return None
        user = outcome.user if isinstance(outcome.user, BaseUser) else ClientCertUser(outcome)
        return AuthCredentials(["authenticated"]), user


def on_error(conn: HTTPConnection, error: AuthenticationError) -> Response:
    """Return the answer to a connection that is refused: its status, where Starlette's own answers 400."""
    if not isinstance(error, ClientCertAuthenticationError):
        return AuthenticationMiddleware.default_on_error(conn, error)
    status, headers, body = refusal(error.failure)
    return Response(body, status, dict(headers))


class ClientCertAuthenticationMiddleware(AuthenticationMiddleware):
    """`starlette.middleware.authentication.AuthenticationMiddleware` with `ClientCertBackend` and `on_error`.

    When the server shuts down, the hooks that still wait are run before it is told that the application is done.
    """

    def __init__(self, app: ASGIApp, strategy: ClientCertStrategy, *, required: bool = True) -> None:
        super().__init__(app, ClientCertBackend(strategy, required=required), on_error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - the class says it
        await super().__call__(scope, receive, send_after_hooks(send) if scope["type"] == "lifespan" else send)
