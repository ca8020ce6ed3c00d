"""An ASGI application of two routes that knows its clients by their certificates, without a framework."""

from clientcert import ClientCertStrategy, allow_organization
from clientcert.asgi import ClientCertMiddleware, client_cert_required

strategy = ClientCertStrategy(
    allow_organization(["Acme, Inc."]),
    # The certificate is that of the TLS connection. Behind nginx, write instead:
    # certificate_source="nginx", trusted_proxies=["10.0.0.5"],
)


async def greet(scope, receive, send):
    """Answer anybody, by name if there is a certificate."""
    certificate = scope["client_certificate"]
    await answer(send, f"Hello {certificate['subject']['CN'] if certificate else 'stranger'}\n")


@client_cert_required
async def account(scope, receive, send):
    """Answer clients with a certificate of Acme, and nobody else."""
    certificate = scope["user"]  # a policy makes the certificate the user; verify may return another
    await answer(send, f"{certificate['subject']['CN']} {certificate['fingerprint256']}\n")


async def routes(scope, receive, send):
    """Find the route."""
    if scope["type"] == "http":
        await (account if scope["path"] == "/account" else greet)(scope, receive, send)


async def answer(send, text):
    """Send a text."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": text.encode()})


app = ClientCertMiddleware(routes, strategy, required=False)
