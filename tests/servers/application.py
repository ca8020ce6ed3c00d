"""The applications that the servers under test run: each request is answered with what is known of its client."""

from __future__ import annotations

import json
import os

from clientcert import ClientCertStrategy, backend
from clientcert.asgi import ASGIRequest
from clientcert.asgi import ClientCertMiddleware as ASGIMiddleware
from clientcert.wsgi import ClientCertMiddleware as WSGIMiddleware
from clientcert.wsgi import WSGIRequest

strategy = ClientCertStrategy(
    lambda certificate: certificate["subject"]["CN"], **json.loads(os.environ.get("STRATEGY", "{}"))
)
served = 0  # requests that came this far: none that failed its handshake


def count(environ):
    global served  # noqa: PLW0603 - one process, and no request at the same time as the tests that look at it
    served += 1
    environ["served"] = served


def known(request, user, certificate):
    """What is known of the client, once its request has been authenticated."""
    peer, tls = request.peer, request.tls()
    return {
        "backend": backend,
        "user": user,
        "certificate": certificate["raw"].hex() if certificate is not None else None,
        "chain": len(tls.certificates) if tls is not None else None,
        "peer": [peer.kind, peer.host, peer.authoritative],
    }


def answer(request, user, certificate):
    """The text of an answer under ASGI and WSGI, with the number of the request, and what other software finds."""
    told = known(request, user, certificate) | {"served": request.native["served"]}
    extensions = request.native.get("extensions")
    if extensions and "tls" in extensions:
        told["tls"] = extensions["tls"]
    return json.dumps(told)


async def asgi_answer(scope, receive, send):
    if scope["type"] == "lifespan":
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})
        return
    text = answer(ASGIRequest(scope), scope["user"], scope["client_certificate"])
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": text})
        await send({"type": "websocket.close"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text.encode()})


authenticated_asgi = ASGIMiddleware(asgi_answer, strategy)


async def asgi(scope, receive, send):
    if scope["type"] != "lifespan":
        count(scope)
    await authenticated_asgi(scope, receive, send)
    scope.get("extensions", {}).get("tls", {}).clear()  # the scope is the application's: the next one is another


def wsgi_application(tls_source="socket"):
    def wsgi_answer(environ, start_response):
        request = WSGIRequest(environ, tls_source)
        text = answer(request, environ["clientcert.user"], environ["clientcert.certificate"])
        start_response("200 OK", [("Content-Length", str(len(text)))])
        return [text.encode()]

    authenticated = WSGIMiddleware(wsgi_answer, strategy, tls_source=tls_source)

    def wsgi(environ, start_response):
        count(environ)
        return authenticated(environ, start_response)

    return wsgi


wsgi = wsgi_application(os.environ.get("TLS_SOURCE", "socket"))
