"""The account of a user who is known by a certificate, in Starlette."""

from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from clientcert import ClientCertStrategy
from clientcert.integrations.starlette import ClientCertAuthenticationMiddleware

users = {"alice": {"name": "Alice Example"}}
strategy = ClientCertStrategy(lambda certificate: users.get(certificate["subject"].get("CN")))


@requires("authenticated", status_code=401)
async def account(request: Request) -> JSONResponse:
    return JSONResponse({"name": request.user.user["name"], "serial": request.user.certificate["serialNumber"]})


app = Starlette(
    routes=[Route("/account", account)],
    middleware=[Middleware(ClientCertAuthenticationMiddleware, strategy=strategy, required=False)],
)
