"""Runs uvicorn on a listening socket that is inherited, with the options given as JSON."""

from __future__ import annotations

import json
import socket
import sys

import uvicorn

if __name__ == "__main__":
    descriptor, options = sys.argv[1:]
    config = uvicorn.Config("application:asgi", log_level="warning", **json.loads(options))
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(descriptor))])
