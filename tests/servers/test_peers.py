"""The transport peer, where our classes read it from the socket: no header takes its place."""

from __future__ import annotations

import pytest

SERVERS = [
    "clientcert serve",
    "uvicorn, zttp, http2",
    "gunicorn, UvicornWorker",
    "gunicorn, ASGIWorker",
    "gunicorn, gthread",
    "hypercorn, asyncio",
    "hypercorn, trio",
    "werkzeug",
]


@pytest.mark.parametrize("name", SERVERS)
def test_the_peer_is_that_of_the_socket_whatever_a_header_says(start_tls, pki, name):
    server = start_tls(name)
    headers = [("X-Forwarded-For", "10.0.0.5"), ("Forwarded", "for=10.0.0.5"), ("X-Real-IP", "10.0.0.5")]
    status, known = server.ask(pki.context(pki.alice), headers)
    assert (status, known["user"], known["peer"]) == (200, "alice", ["ip", "127.0.0.1", True])
