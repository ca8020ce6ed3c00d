"""An application without a framework, bare and behind the middleware. It answers with the id of its process."""

from __future__ import annotations

import os
from typing import Any

from middleware import behind_middleware

_BODY = b"%d" % os.getpid()
_HEADERS = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(_BODY))]


async def bare(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


behind = behind_middleware(bare)
