"""A Starlette application that knows its clients by their certificates."""

from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from clientcert import ClientCertStrategy, allow_organization
from clientcert.integrations.starlette import ClientCertAuthenticationMiddleware

strategy = ClientCertStrategy(
    allow_organization(["Acme, Inc."]),
    # The certificate is that of the TLS connection. Behind nginx, write instead:
    # certificate_source="nginx", trusted_proxies=["10.0.0.5"],
)


async def greet(request: Request) -> PlainTextResponse:
    """Answer anybody, by name if there is a certificate."""
    return PlainTextResponse(f"Hello {request.user.display_name or 'stranger'}\n")


@requires("authenticated", status_code=401)
async def account(request: Request) -> JSONResponse:
    """Answer clients with a certificate of Acme, and nobody else."""
    certificate = request.user.certificate
    return JSONResponse({"subject": dict(certificate["subject"]), "fingerprint": request.user.identity})


app = Starlette(
    routes=[Route("/", greet), Route("/account", account)],
    middleware=[Middleware(ClientCertAuthenticationMiddleware, strategy=strategy, required=False)],
)
