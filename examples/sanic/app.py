"""A Sanic application that knows its clients by their certificates."""

from sanic import Request, Sanic
from sanic.response import HTTPResponse, json, text

from clientcert import ClientCertStrategy, allow_organization
from clientcert.integrations.sanic import client_cert_required, setup
from clientcert.tls import server_context

strategy = ClientCertStrategy(
    allow_organization(["Acme, Inc."]),
    # The certificate is that of the TLS connection. Behind nginx, write instead:
    # certificate_source="nginx", trusted_proxies=["10.0.0.5"],
)
app = Sanic("Acme")
setup(app, strategy, required=False)


@app.get("/")
async def greet(request: Request) -> HTTPResponse:
    """Answer anybody, by name if there is a certificate."""
    certificate = request.ctx.client_certificate
    return text(f"Hello {certificate['subject']['CN'] if certificate else 'stranger'}\n")


@app.get("/account")
@client_cert_required
async def account(request: Request) -> HTTPResponse:
    """Answer clients with a certificate of Acme, and nobody else."""
    certificate = request.ctx.client_user  # a policy makes the certificate the user; verify may return another
    return json({"subject": dict(certificate["subject"]), "fingerprint": certificate["fingerprint256"]})


if __name__ == "__main__":
    tls = server_context("server.pem", "server.key", ca_certs="ca.pem", required=False)
    app.run(host="127.0.0.1", port=8443, ssl=tls, single_process=True)
