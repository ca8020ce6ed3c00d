"""Gunicorn workers for ASGI applications that tell the application who is at the other end of the connection.

::

    gunicorn -k clientcert.servers.gunicorn.ASGIWorker --ca-certs clients-ca.pem --cert-reqs 1 … app:app

``--cert-reqs`` is 2 where a certificate is required, and 1 where it is optional; without it, gunicorn asks for none.
`ASGIWorker` is gunicorn's own ``asgi`` worker, `UvicornWorker` that of the package ``uvicorn-worker``. Each hands every
scope what `clientcert.servers.uvicorn` says.

WSGI needs none of it: the workers ``sync``, ``gthread`` and ``gevent`` put the socket into the environ, where
`clientcert.wsgi` finds it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from clientcert.servers.connection import WithConnection

__all__ = ["ASGIWorker", "UvicornWorker"]

# Found by `__getattr__`, so that the worker of a server which is not installed is missed only by who names it.
ASGIWorker: type
UvicornWorker: type


def _asgi_worker() -> type:
    gasgi = import_module("gunicorn.workers.gasgi")
    protocol = type("ASGIProtocol", (WithConnection, gasgi.ASGIProtocol), {"__module__": __name__})

    class ASGIWorker(gasgi.ASGIWorker):  # type: ignore[misc, name-defined]  # found at run time
        """Gunicorn's worker ``asgi``, with the client's certificate in every scope."""

        def init_process(self) -> None:
            # Gunicorn has no other place to name a protocol. This process has one worker, and serves nothing else.
            vars(gasgi)["ASGIProtocol"] = protocol
            super().init_process()  # pyright: ignore[reportUnknownMemberType]  # as above

    return ASGIWorker


def _uvicorn_worker() -> type:
    base = import_module("uvicorn_worker").UvicornWorker

    class UvicornWorker(base):  # type: ignore[misc, valid-type]  # found at run time
        """The worker of the package ``uvicorn-worker``, with the client's certificate in every scope."""

        CONFIG_KWARGS = base.CONFIG_KWARGS | {
            "http": "clientcert.servers.uvicorn:AutoHTTPProtocol",
            "ws": "clientcert.servers.uvicorn:AutoWebSocketsProtocol",
        }

    return UvicornWorker


_WORKERS = {"ASGIWorker": _asgi_worker, "UvicornWorker": _uvicorn_worker}


def __getattr__(name: str) -> Any:
    if name not in _WORKERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    worker = globals()[name] = _WORKERS[name]()
    return worker
