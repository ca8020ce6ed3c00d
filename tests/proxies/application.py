"""The application behind the proxies. Each path has the strategy that ``proxy-config`` prints for one of them, and with
``/chain`` after it, the same with ``include_chain``.

The answer says who the client is, in the body; and what the strategy decided, in a header that no proxy knows.
"""

from __future__ import annotations

import hashlib
import json
import socket
import sys

import uvicorn

from clientcert import Success, backend
from clientcert.asgi import ASGIRequest
from clientcert.asgi import ClientCertMiddleware as ASGIMiddleware
from clientcert.proxy_config import CONFIGURATIONS
from clientcert.wsgi import ClientCertMiddleware as WSGIMiddleware
from clientcert.wsgi import WSGIRequest


def printed_strategy(text):
    """The strategy in an application that ``proxy-config`` prints."""
    names = {"__name__": "printed"}
    exec(compile(text, "the application", "exec"), names)  # noqa: S102 - it is ours
    return names["strategy"]


STRATEGIES = {}
for name, configuration in CONFIGURATIONS.items():
    text = configuration.application({"proxy_address": "127.0.0.1"})
    STRATEGIES[f"/{name}"] = printed_strategy(text)
    STRATEGIES[f"/{name}/chain"] = printed_strategy(
        text.replace("    trusted_proxies=", "    include_chain=True,\n    trusted_proxies=")
    )


def answer(certificate):
    chain = [hashlib.sha256(each["raw"]).hexdigest() for each in certificate.chain]
    return json.dumps({"certificate": chain[0], "issuers": chain[1:], "backend": backend}).encode()


def decision(outcome):
    return "accepted" if isinstance(outcome, Success) else str(outcome.reason)


async def asgi_answer(scope, receive, send):
    text = answer(scope["client_certificate"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text})


async def asgi(scope, receive, send):
    strategy = STRATEGIES[scope["path"]]
    decided = decision(await strategy.authenticate_async(ASGIRequest(scope)))

    async def send_with_decision(message):
        if message["type"] == "http.response.start":
            message = message | {"headers": [*message["headers"], (b"decision", decided.encode())]}
        await send(message)

    await ASGIMiddleware(asgi_answer, strategy)(scope, receive, send_with_decision)


def wsgi_answer(environ, start_response):
    text = answer(environ["clientcert.certificate"])
    start_response("200 OK", [("Content-Length", str(len(text)))])
    return [text]


def wsgi(environ, start_response):
    strategy = STRATEGIES[environ["PATH_INFO"]]
    decided = decision(strategy.authenticate(WSGIRequest(environ)))

    def start_with_decision(status, headers):
        return start_response(status, [*headers, ("Decision", decided)])

    return WSGIMiddleware(wsgi_answer, strategy)(environ, start_with_decision)


if __name__ == "__main__":
    listener = socket.socket(fileno=int(sys.argv[1]))
    protocol = "clientcert.servers.uvicorn:AutoHTTPProtocol"
    config = uvicorn.Config(asgi, http=protocol, lifespan="off", log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])
