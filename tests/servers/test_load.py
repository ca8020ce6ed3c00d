"""Many connections at the same time, each of another client or of none: every answer is for who asked."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from servers.conftest import HTTP2Client

CONNECTIONS, REQUESTS = 40, 125
SERVERS = [
    "uvicorn, h11",
    "uvicorn, httptools",
    "uvicorn, zttp",
    "gunicorn, gthread",
    "gunicorn, ASGIWorker",
    "hypercorn, uvloop",
    "hypercorn, two workers",
]
SPEAKS = {"uvicorn, zttp": HTTP2Client}


@pytest.mark.parametrize("name", SERVERS)
def test_five_thousand_requests_of_forty_clients_are_never_mixed_up(start_tls, pki, name):
    server = start_tls(name)
    names = [f"client {number}" if number % 4 else None for number in range(CONNECTIONS)]
    contexts = [pki.context(pki.issuer.issue(name) if name else None) for name in names]

    def ask_again_and_again(context):
        # Uvicorn, httptools, uvloop: where a ContextVar carried the identity, two requests in three got a wrong one.
        with server.connect(context, speaks=SPEAKS.get(name)) as client:
            return Counter(known["user"] if status == 200 else status for status, known in ask_all(client))

    def ask_all(client):
        return (client.ask() for _ in range(REQUESTS))

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        answers = list(threads.map(ask_again_and_again, contexts))
    assert answers == [{name or 401: REQUESTS} for name in names]
