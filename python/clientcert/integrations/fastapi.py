"""FastAPI: a security dependency, and ``mutualTLS`` in the OpenAPI document.

::

    client_cert = ClientCertSecurity(ClientCertStrategy(allow_cn(["alice"])))
    app = FastAPI()
    setup(app)

    @app.get("/")
    async def account(client: Annotated[Success[PeerCertificate], Security(client_cert)]) -> str: ...

The dependency is the outcome: ``client.user``, ``client.certificate``. Each route has its own dependency, or none; one
that routes share is asked once for each request.
"""

# No `from __future__ import annotations`: FastAPI reads the annotations of `ClientCertSecurity.__call__` as they are.
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Generic

from fastapi import FastAPI
from fastapi.exceptions import HTTPException, WebSocketException
from fastapi.openapi.models import HTTPBase
from fastapi.openapi.models import SecurityBase as SecurityScheme
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection
from starlette.status import WS_1008_POLICY_VIOLATION

from clientcert.asgi import authenticate
from clientcert.hooks import drain_async
from clientcert.outcome import Failure, Success, User_co
from clientcert.refusal import refusal
from clientcert.strategy import ClientCertStrategy, check_strategy

__all__ = ["ClientCertSecurity", "setup"]

# FastAPI's models have no type "mutualTLS" (`fastapi.openapi.models.SecuritySchemeType`), and refuse a document with
# it. So it writes a scheme that it knows, with this mark, which `setup` replaces.
_MARK = "x-clientcert-mutual-tls"


class ClientCertSecurity(SecurityBase, Generic[User_co]):
    """Authenticates a request or a websocket's handshake: a dependency whose value is the `clientcert.Success`.

    A request that is refused raises `fastapi.HTTPException` with the status, a websocket
    `fastapi.WebSocketException`. With ``required=False``, the value is None for a request that presents no certificate
    at all; one that presents a certificate which is rejected, for whatever reason, is refused all the same. What
    ``verify`` raises propagates.

    In the OpenAPI document the scheme is called ``scheme_name``, with the type ``mutualTLS`` once `setup` has been
    called.
    """

    def __init__(
        self,
        strategy: ClientCertStrategy[User_co],
        *,
        required: bool = True,
        scheme_name: str = "clientCertificate",
        description: str | None = None,
    ) -> None:
        check_strategy(strategy)
        self.model: SecurityScheme = HTTPBase.model_validate(
            {"scheme": "mutual", "description": description, _MARK: True}
        )
        self.scheme_name = scheme_name
        self._strategy = strategy
        self._required = required

    async def __call__(self, connection: HTTPConnection) -> Success[User_co] | None:
        """Return who the client is; None only with ``required=False``."""
        outcome = await authenticate(self._strategy, connection.scope, required=self._required)
        if not isinstance(outcome, Failure):
            return outcome
        if connection.scope["type"] == "websocket":
            raise WebSocketException(WS_1008_POLICY_VIOLATION, outcome.message)
        raise HTTPException(outcome.status, outcome.message, refusal(outcome).fields)


def setup(app: FastAPI) -> None:
    """Have the OpenAPI document of ``app`` say ``mutualTLS``, and run hooks that still wait when it shuts down."""
    described, lifespan = app.openapi, app.router.lifespan_context

    def openapi() -> dict[str, Any]:
        document = described()
        schemes = document.get("components", {}).get("securitySchemes", {})
        for name, scheme in schemes.items():
            if scheme.get(_MARK):
                kept = {"description": scheme["description"]} if "description" in scheme else {}
                schemes[name] = {"type": "mutualTLS", **kept}
        return document

    @asynccontextmanager
    async def and_drain(application: FastAPI) -> AsyncGenerator[Any]:
        async with lifespan(application) as state:
            yield state
        await drain_async()

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation has it, "Extending OpenAPI"
    app.router.lifespan_context = and_drain
