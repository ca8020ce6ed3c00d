"""The application behind the gateways: it answers with who the client is, and with the headers that arrived."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from clientcert import ClientCertStrategy
from clientcert.asgi import ClientCertMiddleware

if TYPE_CHECKING:
    from clientcert.asgi import Receive, Scope, Send


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with JSON."""
    if scope["type"] == "lifespan":
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})
        return
    headers = [[part.decode("latin-1") for part in line] for line in scope["headers"]]
    body = json.dumps({"user": scope["user"], "headers": headers}).encode() + b"\n"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


strategy = ClientCertStrategy(
    lambda certificate: certificate["subject"]["CN"],
    certificate_source="rfc9440",
    trusted_proxies=["unix"],  # whoever may open the socket: its directory's permissions say who
)
app = ClientCertMiddleware(answer, strategy)
