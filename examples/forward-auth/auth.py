"""The application that the proxy asks about each request: 200 with who the client is, or the refusal."""

from __future__ import annotations

import os

import uvicorn

from clientcert import ClientCertStrategy
from clientcert.gateway import forward_auth

strategy = ClientCertStrategy(
    lambda certificate: certificate["subject"].get("CN"),  # your decision: the user, or None
    certificate_source=os.environ.get("PROXY", "nginx"),  # or traefik, caddy, envoy
    trusted_proxies=["127.0.0.1"],
)
app = forward_auth(strategy, identity_headers={"X-User": str})

if __name__ == "__main__":
    # This protocol keeps the true address of the proxy, whatever X-Forwarded-For says.
    uvicorn.run(app, port=9000, http="clientcert.servers.uvicorn:AutoHTTPProtocol")
