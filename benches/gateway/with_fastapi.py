"""An application of FastAPI, bare and behind the middleware. It answers with the id of its process."""

from __future__ import annotations

import os

from fastapi import FastAPI
from middleware import behind_middleware

bare = FastAPI()


@bare.get("/")
async def answer() -> int:
    return os.getpid()


behind = behind_middleware(bare)
