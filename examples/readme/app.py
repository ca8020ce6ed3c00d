"""Greets clients with a certificate of Acme, and nobody else."""

from clientcert import ClientCertStrategy, allow_organization
from clientcert.asgi import ClientCertMiddleware


async def hello(scope, receive, send):
    certificate = scope["client_certificate"]
    body = f"Hello {certificate['subject']['CN']}\n".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})


app = ClientCertMiddleware(hello, ClientCertStrategy(allow_organization(["Acme, Inc."])))
