"""An aiohttp application that knows its clients by their certificates."""

from aiohttp import web

from clientcert import ClientCertStrategy, allow_organization
from clientcert.integrations.aiohttp import client_cert_required, client_certificate, client_user, setup
from clientcert.tls import server_context

strategy = ClientCertStrategy(
    allow_organization(["Acme, Inc."]),
    # The certificate is that of the TLS connection. Behind nginx, write instead:
    # certificate_source="nginx", trusted_proxies=["10.0.0.5"],
)
routes = web.RouteTableDef()


@routes.get("/")
async def greet(request: web.Request) -> web.Response:
    """Answer anybody, by name if there is a certificate."""
    certificate = request[client_certificate]
    return web.Response(text=f"Hello {certificate['subject']['CN'] if certificate else 'stranger'}\n")


@routes.get("/account")
@client_cert_required
async def account(request: web.Request) -> web.Response:
    """Answer clients with a certificate of Acme, and nobody else."""
    certificate = request[client_user]  # a policy makes the certificate the user; verify may return another
    return web.json_response({"subject": dict(certificate["subject"]), "fingerprint": certificate["fingerprint256"]})


app = web.Application()
app.add_routes(routes)
setup(app, strategy, required=False)

if __name__ == "__main__":
    tls = server_context("server.pem", "server.key", ca_certs="ca.pem", required=False)
    web.run_app(app, host="127.0.0.1", port=8443, ssl_context=tls)
