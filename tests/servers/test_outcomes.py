"""What becomes of a client's certificate on each server, measured; docs/servers/README.md has the same in a table.

Where the certificate comes from the socket, so does the peer, whatever a header says.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

import pytest

from servers.conftest import Client, GRPCClient, HTTP2Client
from servers.run_tls_server import SERVERS

ROOT = Path(__file__).parents[2]

CHAIN, SENT, LEAF, NONE = "certificate, chain", "certificate, chain as sent", "certificate", "none"
ERROR, FAILS, NEVER = "error", "handshake fails", "not resumed"
"""What the application knows of the client, or why it knows nothing. A session may be resumed, or never is."""


class Outcomes(NamedTuple):
    distributions: str
    given: str = CHAIN
    without: str = NONE
    of_another_authority: str = FAILS
    expired: str = FAILS
    resumed_1_2: str = LEAF
    resumed_1_3: str = LEAF
    websocket: str | None = CHAIN


REWRITING = [("x-forwarded-for", "10.0.0.5"), ("forwarded", "for=10.0.0.5"), ("x-real-ip", "10.0.0.5")]
HTTP2 = ", HTTP/2"
OUTCOMES = {
    "uvicorn, h11": Outcomes("uvicorn h11"),
    "uvicorn, httptools": Outcomes("uvicorn httptools"),
    "uvicorn, zttp": Outcomes("uvicorn zttp"),
    "uvicorn, zttp" + HTTP2: Outcomes("uvicorn zttp", websocket=None),
    "clientcert serve": Outcomes("uvicorn"),
    "uvicorn, resumption=False": Outcomes("uvicorn h11", resumed_1_2=FAILS, resumed_1_3=NEVER),
    "uvicorn, as it is": Outcomes("uvicorn", given=NONE, resumed_1_2=NONE, resumed_1_3=NONE, websocket=NONE),
    "gunicorn, UvicornWorker": Outcomes("gunicorn uvicorn-worker"),
    "gunicorn, ASGIWorker": Outcomes("gunicorn"),
    "gunicorn, ASGIWorker" + HTTP2: Outcomes("gunicorn", websocket=None),
    "gunicorn, asgi": Outcomes("gunicorn", given=NONE, resumed_1_2=NONE, resumed_1_3=NONE, websocket=NONE),
    "gunicorn, sync": Outcomes("gunicorn", resumed_1_2=NEVER, resumed_1_3=NEVER, websocket=None),
    "gunicorn, gthread": Outcomes("gunicorn", resumed_1_2=NEVER, resumed_1_3=NEVER, websocket=None),
    "gunicorn, gthread" + HTTP2: Outcomes("gunicorn", resumed_1_2=NEVER, resumed_1_3=NEVER, websocket=None),
    "hypercorn, serve": Outcomes("hypercorn"),
    "hypercorn, asyncio": Outcomes("hypercorn"),
    "hypercorn, asyncio" + HTTP2: Outcomes("hypercorn", websocket=None),
    "hypercorn, uvloop": Outcomes("hypercorn uvloop"),
    "hypercorn, trio": Outcomes("hypercorn trio"),
    "hypercorn, trio" + HTTP2: Outcomes("hypercorn trio", websocket=None),
    "hypercorn, as it is": Outcomes("hypercorn", given=NONE, resumed_1_2=NONE, resumed_1_3=NONE, websocket=NONE),
    "werkzeug": Outcomes("werkzeug", websocket=None),
    "cheroot": Outcomes("cheroot", given=LEAF, websocket=None),
    "uWSGI": Outcomes("", given=LEAF, websocket=None),
    "mod_wsgi": Outcomes("", given=SENT, websocket=None),
    "nonecorn": Outcomes("nonecorn", given=LEAF, websocket=LEAF),
    "pyvoy": Outcomes("pyvoy", given=ERROR, resumed_1_2=ERROR, resumed_1_3=ERROR, websocket=None),
    "aiohttp": Outcomes("aiohttp", websocket=None),
    "sanic": Outcomes("sanic", websocket=None),
    "tornado": Outcomes("tornado", websocket=None),
    "grpcio": Outcomes("grpcio", SENT, without=FAILS, resumed_1_2=SENT, resumed_1_3=SENT, websocket=None),
    "granian": Outcomes("granian", given=NONE, without=FAILS, resumed_1_2=FAILS, resumed_1_3=NONE, websocket=NONE),
}


def spoken(name):
    return GRPCClient if name == "grpcio" else HTTP2Client if name.endswith(HTTP2) else Client


def told(status, known):
    """What the application knows of the client, by its answer."""
    if status == 500:
        return ERROR
    if status != 200:
        assert status in {401, 403}  # 403: a websocket, where the server cannot send another answer
        return NONE
    assert known["user"] == "alice"
    return {3: CHAIN, 2: SENT, 1: LEAF}[known["chain"]]


def answered(client):
    return told(*client.ask())


def outcome(server, context, speaks):
    try:
        with server.connect(context, speaks=speaks) as client:
            return answered(client)
    except (ssl.SSLError, ConnectionError):
        return FAILS


def resumed(server, context, speaks):
    try:
        with server.connect(context, speaks=speaks) as first:
            answered(first)
            session = first.socket.session  # None, where the server has not given one
        with server.connect(context, session, speaks=speaks) as second:
            return answered(second) if second.socket.session_reused else NEVER
    except ssl.SSLError:
        return FAILS


def on_websocket(server, context, handshake):
    status, text = server.ask(context, handshake)
    if status != 101:
        return told(status, text)
    return told(200, server.ask_on_websocket(context))


def test_every_server_is_measured():
    # Of several workers, another one may answer, which cannot resume the session.
    assert {name.removesuffix(HTTP2) for name in OUTCOMES} == SERVERS.keys() - {"hypercorn, two workers"}


@pytest.mark.parametrize("name", OUTCOMES)
def test_each_server_does_with_certificates_what_the_page_says(start_tls, pki, websocket_handshake, name):
    server, speaks = start_tls(name.removesuffix(HTTP2)), spoken(name)
    found = Outcomes(
        OUTCOMES[name].distributions,
        given=outcome(server, pki.context(pki.alice), speaks),
        without=outcome(server, pki.context(), speaks),
        of_another_authority=outcome(server, pki.context(pki.impostor), speaks),
        expired=outcome(server, pki.context(pki.expired), speaks),
        resumed_1_2=resumed(server, pki.context(pki.alice, ssl.TLSVersion.TLSv1_2), speaks),
        resumed_1_3=resumed(server, pki.context(pki.alice, ssl.TLSVersion.TLSv1_3), speaks),
        websocket=OUTCOMES[name].websocket and on_websocket(server, pki.context(pki.alice), websocket_handshake),
    )
    assert found == OUTCOMES[name]
    if found.given == CHAIN:
        with server.connect(pki.context(pki.alice), speaks=speaks) as client:
            assert client.ask(REWRITING)[1]["peer"] == ["ip", "127.0.0.1", True]


def table():
    """The table of docs/servers/README.md."""
    pinned = dict(line.lower().split("==") for line in (ROOT / "constraints.txt").read_text().split())
    rows = [
        "| Server | Certificate | None | Of another CA | Expired | Resumed, TLS 1.2 | Resumed, TLS 1.3 | WebSocket |"
    ]
    rows.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, (distributions, *outcomes) in OUTCOMES.items():
        versions = " ".join(f"{distribution} {pinned[distribution]}" for distribution in distributions.split())
        server = f"{name} ({versions})" if versions else name
        rows.append(f"| {server} | {' | '.join(text or '-' for text in outcomes)} |")
    return "\n".join(rows)


def test_the_page_has_what_was_measured():
    assert table() in (ROOT / "docs" / "servers" / "README.md").read_text(), f"the table must be:\n\n{table()}\n"
