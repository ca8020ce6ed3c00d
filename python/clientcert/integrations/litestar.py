"""Litestar: authentication by client certificates as an application's plugin.

::

    app = Litestar([account], plugins=[ClientCertAuth(ClientCertStrategy(allow_cn(["alice"])))])

``request.user`` is what ``verify`` returned, ``request.auth`` the `clientcert.Success` with the certificate. Both are
None for a request that goes on without a certificate; `client_cert_required` is a guard against it.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from litestar.exceptions import HTTPException, NotAuthorizedException
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult, DefineMiddleware
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins import InitPlugin

from clientcert.asgi import absence, authenticate
from clientcert.hooks import drain_async
from clientcert.outcome import Failure
from clientcert.refusal import refusal
from clientcert.strategy import check_strategy

if TYPE_CHECKING:
    from litestar.config.app import AppConfig
    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler
    from litestar.types import ASGIApp, Receive, Scope, Send

    from clientcert.strategy import ClientCertStrategy

__all__ = ["ClientCertAuth", "ClientCertAuthMiddleware", "client_cert_required"]

_UNAUTHORIZED = 401


class ClientCertAuth(InitPlugin):
    """Authenticates every request and websocket handshake, whatever its method, and documents it as ``mutualTLS``.

    A request that is refused raises `litestar.exceptions.NotAuthorizedException`, or an
    `litestar.exceptions.HTTPException` with the status of a `Reject`. With ``required=False``, a request that presents
    no certificate at all goes on without a user; one that presents a certificate which is rejected, for whatever
    reason, is refused all the same. Routes with ``exclude_from_auth=True`` know nobody. What ``verify`` raises
    propagates. Hooks that still wait are run when the application shuts down.
    """

    def __init__(
        self,
        strategy: ClientCertStrategy,
        *,
        required: bool = True,
        scheme_name: str = "clientCertificate",
        description: str | None = None,
    ) -> None:
        check_strategy(strategy)
        self._middleware = DefineMiddleware(ClientCertAuthMiddleware, strategy=strategy, required=required)
        self._scheme_name = scheme_name
        self._scheme = SecurityScheme(type="mutualTLS", description=description)
        # An empty requirement beside it says that the scheme is optional (OpenAPI 3.1, section 4.8.30).
        self._requirements: list[dict[str, list[str]]] = [{scheme_name: []}, *([] if required else [{}])]

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add the middleware, the hooks' end, and the security scheme."""
        app_config.middleware.insert(0, self._middleware)
        app_config.on_shutdown.append(drain_async)
        if app_config.openapi_config is not None:
            # A copy: by default, it is one for all applications.
            openapi = app_config.openapi_config = copy(app_config.openapi_config)
            components = Components(security_schemes={self._scheme_name: self._scheme})
            known = openapi.components if isinstance(openapi.components, list) else [openapi.components]
            openapi.components = [*known, components]
            openapi.security = [*(openapi.security or ()), *self._requirements]
        return app_config


class ClientCertAuthMiddleware(AbstractAuthenticationMiddleware):
    """What `ClientCertAuth` adds; for some of the routes, ``DefineMiddleware(ClientCertAuthMiddleware, strategy)``."""

    def __init__(self, app: ASGIApp, strategy: ClientCertStrategy, *, required: bool = True) -> None:
        # Litestar's default leaves out OPTIONS, and its own configurations HEAD: a handler would run for anybody.
        super().__init__(app, exclude_http_methods=())
        self._strategy = strategy
        self._required = required

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - the class says it
        # Also for routes that are excluded: nothing of an outer layer is there.
        scope["user"] = scope["auth"] = None
        scope["client_certificate"] = scope["client_identity"] = None  # type: ignore[typeddict-unknown-key]
        await super().__call__(scope, receive, send)

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        """Return user and outcome, both None for a request without a certificate; raise for one that is refused."""
        outcome = await authenticate(self._strategy, connection.scope, required=self._required)  # type: ignore[arg-type]
        if isinstance(outcome, Failure):
            raise _failure(outcome)
        return AuthenticationResult(user=None if outcome is None else outcome.user, auth=outcome)


def client_cert_required(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuse, as a guard, who has no certificate, where `ClientCertAuth` lets others in (``required=False``)."""
    absent = absence(connection.scope, "the plugin ClientCertAuth(strategy, required=False)")  # type: ignore[arg-type]
    if absent is not None:
        raise _failure(absent)


def _failure(failure: Failure) -> HTTPException:
    exception = NotAuthorizedException if failure.status == _UNAUTHORIZED else HTTPException
    return exception(detail=failure.message, status_code=failure.status, headers=refusal(failure).fields)
