"""An application of Starlette, bare and behind the middleware. It answers with the id of its process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from middleware import behind_middleware
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request


async def answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(os.getpid()))


bare = Starlette(routes=[Route("/", answer)])
behind = behind_middleware(bare)
