"""An application behind ingress-nginx: it says who the client is."""

import uvicorn

from clientcert import ClientCertStrategy
from clientcert.asgi import ClientCertMiddleware

strategy = ClientCertStrategy(
    lambda certificate: certificate["subject"].get("CN"),  # your decision: the user, or None
    certificate_source="ingress-nginx",
    trusted_proxies=["10.244.0.0/16"],
)


async def greet(scope, receive, send):
    body = f"hello {scope['user']}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


app = ClientCertMiddleware(greet, strategy)

if __name__ == "__main__":
    # This protocol keeps the true address of the proxy, and trailer fields out of the headers.
    protocol = "clientcert.servers.uvicorn:AutoHTTPProtocol"
    uvicorn.run(app, host="0.0.0.0", port=8000, http=protocol, lifespan="off")
