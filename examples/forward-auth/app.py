"""An application behind the proxy: it answers with who the client is, and with the headers that arrived."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import uvicorn

from clientcert import ClientCertStrategy
from clientcert.asgi import ClientCertMiddleware

if TYPE_CHECKING:
    from clientcert.asgi import Receive, Scope, Send

strategy = ClientCertStrategy(
    lambda certificate: certificate["subject"].get("CN"),
    certificate_source="rfc9440",
    trusted_proxies=["127.0.0.1"],
)


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with JSON."""
    while (await receive()).get("more_body"):  # a proxy may drop an answer that comes before the request has ended
        pass
    headers = [[part.decode("latin-1") for part in line] for line in scope["headers"]]
    body = json.dumps({"user": scope["user"], "headers": headers}).encode() + b"\n"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


app = ClientCertMiddleware(answer, strategy)

if __name__ == "__main__":
    uvicorn.run(app, port=8000, http="clientcert.servers.uvicorn:AutoHTTPProtocol", lifespan="off")
