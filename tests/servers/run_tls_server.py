"""Runs a server by its name, on a listening socket that is inherited, with TLS that asks for client certificates.

The applications are those of `application`. A certificate is optional, where the server has such a mode.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import sys
from pathlib import Path
from typing import NamedTuple

from clientcert.tls import server_context


class Files(NamedTuple):
    certificate: str
    key: str
    ca_certs: str

    def context(self):
        return server_context(self.certificate, self.key, ca_certs=self.ca_certs, required=False)


def run_uvicorn(listener, files, http=None, **options):
    import uvicorn

    from clientcert.servers.uvicorn import client_certificates

    shown = client_certificates(files.ca_certs, required=False, http=http or "auto", http2=options.pop("http2", False))
    if http is None:  # as it is
        del shown["http"], shown["ws"]
    config = uvicorn.Config(
        "application:asgi",
        log_level="warning",
        ssl_certfile=files.certificate,
        ssl_keyfile=files.key,
        **(shown | options),
    )
    uvicorn.Server(config).run(sockets=[listener])


def without_resumption(_listener, files):
    def context(_config, _default):
        return server_context(files.certificate, files.key, ca_certs=files.ca_certs, required=False, resumption=False)

    return context


def run_command(*arguments):
    os.execv(sys.executable, [sys.executable, "-m", *arguments])  # noqa: S606 - in place of this one, which the caller ends


def serve(listener, files):
    names = ("--ssl-certfile", "--ssl-keyfile", "--ssl-ca-certs")
    options = [part for pair in zip(names, files, strict=True) for part in pair]
    options += ["--fd", str(listener.detach()), "--optional", "--log-level", "warning"]
    run_command("clientcert", "serve", "application:asgi", *options)


def run_gunicorn(listener, files, worker, app, *options):
    names = ("--certfile", "--keyfile", "--ca-certs")
    options += tuple(part for pair in zip(names, files, strict=True) for part in pair)
    options += ("--cert-reqs", str(int(ssl.CERT_OPTIONAL)), "--worker-class", worker, "--graceful-timeout", "5")
    run_command("gunicorn", "--no-control-socket", "--bind", f"fd://{listener.detach()}", *options, app)


def run_hypercorn(listener, files, worker, app, workers=1):
    names = ("--certfile", "--keyfile", "--ca-certs")
    options = [part for pair in zip(names, files, strict=True) for part in pair]
    options += ["--verify-mode", "CERT_OPTIONAL", "--worker-class", worker, "--workers", str(workers)]
    run_command("hypercorn", "--bind", f"fd://{listener.detach()}", *options, app)


def serve_by_hypercorn(listener, files):
    from application import asgi
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from clientcert.servers.hypercorn import show_clients

    show_clients()
    config = Config.from_mapping(
        bind=[f"fd://{listener.detach()}"],
        certfile=files.certificate,
        keyfile=files.key,
        ca_certs=files.ca_certs,
        verify_mode=ssl.CERT_OPTIONAL,
    )
    asyncio.run(serve(asgi, config))


def run_werkzeug(listener, files):
    import logging

    from application import wsgi
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, wsgi, fd=listener.fileno(), ssl_context=files.context(), threaded=True)
    server.serve_forever()


def run_cheroot(listener, files):
    from application import wsgi_application
    from cheroot.ssl.builtin import BuiltinSSLAdapter
    from cheroot.wsgi import Server

    # The socket activation of systemd: the third descriptor, for a process that is told so.
    os.dup2(listener.detach(), 3)
    os.environ["LISTEN_PID"] = str(os.getpid())
    server = Server(("127.0.0.1", 0), wsgi_application("mod_ssl"))
    server.ssl_adapter = BuiltinSSLAdapter(files.certificate, files.key)
    server.ssl_adapter.context = files.context()
    server.safe_start()


def run_granian(listener, files):
    from granian._granian import SocketHolder
    from granian.server import Server

    class OnListener(Server):
        """Granian makes its own sockets."""

        def _init_shared_socket(self):
            self._ssp, self._sfd, self._sso = None, listener.fileno(), listener
            self._shd = SocketHolder(self._sfd, listener.family == socket.AF_UNIX, 1024)

    OnListener(
        "application:asgi",
        interface="asgi",
        log_enabled=False,
        ssl_cert=Path(files.certificate),
        ssl_key=Path(files.key),
        ssl_ca=Path(files.ca_certs),
        ssl_client_verify=True,
    ).serve()


GUNICORN_HTTP2 = ("--http-protocols", "h2,h1")

SERVERS = {
    "uvicorn, h11": lambda *given: run_uvicorn(*given, http="h11", loop="asyncio"),
    "uvicorn, httptools": lambda *given: run_uvicorn(*given, http="httptools", loop="uvloop"),
    "uvicorn, zttp": lambda *given: run_uvicorn(*given, http="zttp", http2=True, loop="uvloop"),
    "uvicorn, resumption=False": lambda *given: run_uvicorn(
        *given, http="h11", ssl_context_factory=without_resumption(*given)
    ),
    "uvicorn, as it is": run_uvicorn,
    "clientcert serve": serve,
    "gunicorn, UvicornWorker": lambda *given: run_gunicorn(
        *given, "clientcert.servers.gunicorn.UvicornWorker", "application:asgi"
    ),
    "gunicorn, ASGIWorker": lambda *given: run_gunicorn(
        *given, "clientcert.servers.gunicorn.ASGIWorker", "application:asgi", *GUNICORN_HTTP2
    ),
    "gunicorn, asgi": lambda *given: run_gunicorn(*given, "asgi", "application:asgi"),
    "gunicorn, sync": lambda *given: run_gunicorn(*given, "sync", "application:wsgi"),
    "gunicorn, gthread": lambda *given: run_gunicorn(
        *given, "gthread", "application:wsgi", "--threads", "20", *GUNICORN_HTTP2
    ),
    "hypercorn, serve": serve_by_hypercorn,
    "hypercorn, asyncio": lambda *given: run_hypercorn(*given, "asyncio", "hypercorn_application:asgi"),
    "hypercorn, uvloop": lambda *given: run_hypercorn(*given, "uvloop", "hypercorn_application:asgi"),
    "hypercorn, trio": lambda *given: run_hypercorn(*given, "trio", "hypercorn_application:asgi"),
    "hypercorn, two workers": lambda *given: run_hypercorn(*given, "asyncio", "hypercorn_application:asgi", workers=2),
    "hypercorn, as it is": lambda *given: run_hypercorn(*given, "asyncio", "application:asgi"),
    "werkzeug": run_werkzeug,
    "cheroot": run_cheroot,
    "granian": run_granian,
}

if __name__ == "__main__":
    name, descriptor, *files = sys.argv[1:]
    SERVERS[name](socket.socket(fileno=int(descriptor)), Files(*files))
