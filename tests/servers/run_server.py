"""Runs a server by its name, on a listening socket that is inherited, with an application that tells what it is given.

For a scope that is what is known of the peer, and the lines whose names resemble ``X-Client-Cert``; for an environ the
peer, the text of ``HTTP_X_CLIENT_CERT``, and what each source says of TLS.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
import warnings
from typing import get_args
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from clientcert.asgi import ASGIRequest
from clientcert.wsgi import TLSSource, WSGIRequest


def wsgi(environ, start_response):
    known = {"value": environ.get("HTTP_X_CLIENT_CERT"), "peer": WSGIRequest(environ).peer, "tls": {}}
    for source in get_args(TLSSource):
        tls = WSGIRequest(environ, source).tls()
        known["tls"][source] = tls and {"authorized": tls.authorized, "certificates": len(tls.certificates)}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(known).encode()]


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})
        return
    lines = [[name.decode(), value.decode()] for name, value in scope["headers"] if len(name) == len("x-client-cert")]
    known = {"lines": lines, "peer": ASGIRequest(scope).peer}
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(known).encode()})


def run_uvicorn(listener, app, **options):
    import uvicorn

    uvicorn.Server(uvicorn.Config(app, log_level="warning", **options)).run(sockets=[listener])


def run_a2wsgi(listener):
    from a2wsgi import WSGIMiddleware

    run_uvicorn(listener, WSGIMiddleware(wsgi))


def run_uvicorns_wsgi(listener):
    warnings.simplefilter("ignore", DeprecationWarning)
    run_uvicorn(listener, wsgi, interface="wsgi")


def run_gunicorn(listener, app, *options):
    descriptor = f"fd://{listener.detach()}"
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--bind", descriptor, *options, app]
    os.execv(sys.executable, command)  # noqa: S606 - in place of this process, which the caller ends


def run_hypercorn(listener, app, mode):
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    asyncio.run(serve(app, config, mode=mode))


def run_granian(listener, interface):
    from granian._granian import SocketHolder
    from granian.server import Server

    class OnListener(Server):
        """Granian makes its own sockets."""

        def _init_shared_socket(self):
            self._ssp, self._sfd, self._sso = None, listener.fileno(), listener
            self._shd = SocketHolder(self._sfd, listener.family == socket.AF_UNIX, 1024)

    OnListener(f"run_server:{interface}", interface=interface, log_enabled=False).serve()


def run_waitress(listener):
    from waitress import serve

    serve(wsgi, sockets=[listener])


def run_werkzeug(listener):
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    unix = listener.family == socket.AF_UNIX
    make_server(
        f"unix://{listener.getsockname()}" if unix else "127.0.0.1", 0, wsgi, fd=listener.fileno()
    ).serve_forever()


def run_cheroot(listener):
    from cheroot.wsgi import Server

    # The socket activation of systemd: the third descriptor, for a process that is told so.
    os.dup2(listener.detach(), 3)
    os.environ["LISTEN_PID"] = str(os.getpid())
    Server(("127.0.0.1", 0), wsgi).safe_start()


def run_wsgiref(listener):
    class Quiet(WSGIRequestHandler):
        def log_message(self, *args):
            pass

    server = WSGIServer(("127.0.0.1", 0), Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket, server.server_address = listener, listener.getsockname()
    server.server_name, server.server_port = "localhost", server.server_address[1]
    server.setup_environ()
    server.set_app(wsgi)
    server.serve_forever()


SERVERS = {
    "uvicorn, h11": lambda listener: run_uvicorn(listener, asgi, http="h11"),
    "uvicorn, httptools": lambda listener: run_uvicorn(listener, asgi, http="httptools"),
    "hypercorn": lambda listener: run_hypercorn(listener, asgi, "asgi"),
    "granian": lambda listener: run_granian(listener, "asgi"),
    "gunicorn, uvicorn's worker": lambda listener: run_gunicorn(
        listener, "run_server:asgi", "--worker-class", "uvicorn.workers.UvicornWorker"
    ),
    "gunicorn, asgi": lambda listener: run_gunicorn(listener, "run_server:asgi", "--worker-class", "asgi"),
    "gunicorn": lambda listener: run_gunicorn(listener, "run_server:wsgi"),
    "gunicorn, header_map=dangerous": lambda listener: run_gunicorn(
        listener, "run_server:wsgi", "--header-map", "dangerous"
    ),
    "waitress": run_waitress,
    "werkzeug": run_werkzeug,
    "cheroot": run_cheroot,
    "wsgiref": run_wsgiref,
    "granian, wsgi": lambda listener: run_granian(listener, "wsgi"),
    "uvicorn, wsgi": run_uvicorns_wsgi,
    "uvicorn with a2wsgi": run_a2wsgi,
    "hypercorn, wsgi": lambda listener: run_hypercorn(listener, wsgi, "wsgi"),
}

if __name__ == "__main__":
    name, descriptor = sys.argv[1:]
    SERVERS[name](socket.socket(fileno=int(descriptor)))
