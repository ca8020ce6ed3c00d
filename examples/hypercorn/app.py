"""An application for Hypercorn that says who the client is."""

from clientcert import ClientCertStrategy, allow_organization
from clientcert.asgi import ClientCertMiddleware
from clientcert.servers.hypercorn import show_clients

show_clients()  # Hypercorn then lets the application see the certificate; each of its workers imports this module


async def greet(scope, receive, send):
    """Answer by name; who has no certificate of Acme does not get here."""
    text = f"Hello {scope['user']['subject']['CN']}\n"  # a policy makes the certificate the user
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": text.encode()})


app = ClientCertMiddleware(greet, ClientCertStrategy(allow_organization(["Acme, Inc."])))
