"""What the servers run: applications without a framework, of Starlette and of FastAPI, and each behind the middleware.

The answer is the id of the process, by which one knows that all workers are there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from clientcert import ClientCertStrategy, allow_organization
from clientcert.asgi import ClientCertMiddleware

if TYPE_CHECKING:
    from starlette.requests import Request

_ANSWER = str(os.getpid())
_BODY = _ANSWER.encode()
_HEADERS = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(_BODY))]


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


async def answer_text(request: Request) -> PlainTextResponse:
    return PlainTextResponse(_ANSWER)


def strategy() -> ClientCertStrategy:
    return ClientCertStrategy(
        allow_organization(["Example"]), certificate_source="nginx", trusted_proxies=["127.0.0.1"]
    )


async def answer_number() -> int:
    return int(_ANSWER)


starlette = Starlette(routes=[Route("/", answer_text)])
fastapi = FastAPI()
fastapi.get("/")(answer_number)
asgi_behind = ClientCertMiddleware(asgi, strategy())
starlette_behind = ClientCertMiddleware(starlette, strategy())
fastapi_behind = ClientCertMiddleware(fastapi, strategy())
