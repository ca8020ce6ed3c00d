"""What becomes of a client's certificate on each server, measured; docs/servers.md has the same in a table."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

import pytest

from servers.run_tls_server import SERVERS

ROOT = Path(__file__).parents[2]

CHAIN, LEAF, NONE, FAILS, NEVER = "certificate, chain", "certificate", "none", "handshake fails", "not resumed"
"""What the application knows of the client, or why it knows nothing. A session may be resumed, or never is."""


class Outcomes(NamedTuple):
    distributions: str
    given: str = CHAIN
    without: str = NONE
    of_another_authority: str = FAILS
    expired: str = FAILS
    resumed_1_2: str = LEAF
    resumed_1_3: str = LEAF


HTTP2 = ", HTTP/2"
OUTCOMES = {
    "uvicorn, h11": Outcomes("uvicorn h11"),
    "uvicorn, httptools": Outcomes("uvicorn httptools"),
    "uvicorn, zttp": Outcomes("uvicorn zttp"),
    "uvicorn, zttp, http2": Outcomes("uvicorn zttp"),
    "uvicorn, zttp, http2" + HTTP2: Outcomes("uvicorn zttp"),
    "clientcert serve": Outcomes("uvicorn"),
    "uvicorn, as it is": Outcomes("uvicorn", given=NONE, resumed_1_2=NONE, resumed_1_3=NONE),
    "gunicorn, UvicornWorker": Outcomes("gunicorn uvicorn-worker"),
    "gunicorn, ASGIWorker": Outcomes("gunicorn"),
    "gunicorn, ASGIWorker" + HTTP2: Outcomes("gunicorn"),
    "gunicorn, asgi": Outcomes("gunicorn", given=NONE, resumed_1_2=NONE, resumed_1_3=NONE),
    "gunicorn, sync": Outcomes("gunicorn", resumed_1_2=NEVER, resumed_1_3=NEVER),
    "gunicorn, gthread": Outcomes("gunicorn", resumed_1_2=NEVER, resumed_1_3=NEVER),
    "gunicorn, gthread" + HTTP2: Outcomes("gunicorn", resumed_1_2=NEVER, resumed_1_3=NEVER),
    "hypercorn, serve": Outcomes("hypercorn"),
    "hypercorn, asyncio": Outcomes("hypercorn"),
    "hypercorn, asyncio" + HTTP2: Outcomes("hypercorn"),
    "hypercorn, uvloop": Outcomes("hypercorn uvloop"),
    "hypercorn, trio": Outcomes("hypercorn trio"),
    "hypercorn, trio" + HTTP2: Outcomes("hypercorn trio"),
    "hypercorn, as it is": Outcomes("hypercorn", given=NONE, resumed_1_2=NONE, resumed_1_3=NONE),
    "werkzeug": Outcomes("werkzeug"),
    "cheroot": Outcomes("cheroot", given=LEAF),
    "granian": Outcomes("granian", given=NONE, without=FAILS, resumed_1_2=FAILS, resumed_1_3=NONE),
}


def answered(client):
    """What the application knows of the client."""
    status, known = client.ask()
    if status != 200:
        assert (status, known) == (401, "A client certificate is required.\n")
        return NONE
    assert known["user"] == "alice"
    return {3: CHAIN, 1: LEAF}[known["chain"]]


def outcome(server, context, *, http2):
    try:
        with server.connect(context, http2=http2) as client:
            return answered(client)
    except (ssl.SSLError, ConnectionError):
        return FAILS


def resumed(server, context, *, http2):
    try:
        with server.connect(context, http2=http2) as first:
            answered(first)
            session = first.socket.session
        with server.connect(context, session, http2=http2) as second:
            return answered(second) if second.socket.session_reused else NEVER
    except ssl.SSLError:
        return FAILS


def test_every_server_is_measured():
    # Of several workers, another one may answer, which cannot resume the session.
    assert {name.removesuffix(HTTP2) for name in OUTCOMES} == SERVERS.keys() - {"hypercorn, two workers"}


@pytest.mark.parametrize("name", OUTCOMES)
def test_each_server_does_with_certificates_what_the_page_says(start_tls, pki, name):
    server, http2 = start_tls(name.removesuffix(HTTP2)), name.endswith(HTTP2)
    found = Outcomes(
        OUTCOMES[name].distributions,
        given=outcome(server, pki.context(pki.alice), http2=http2),
        without=outcome(server, pki.context(), http2=http2),
        of_another_authority=outcome(server, pki.context(pki.impostor), http2=http2),
        expired=outcome(server, pki.context(pki.expired), http2=http2),
        resumed_1_2=resumed(server, pki.context(pki.alice, ssl.TLSVersion.TLSv1_2), http2=http2),
        resumed_1_3=resumed(server, pki.context(pki.alice, ssl.TLSVersion.TLSv1_3), http2=http2),
    )
    assert found == OUTCOMES[name]


def table():
    """The table of docs/servers.md."""
    pinned = dict(line.lower().split("==") for line in (ROOT / "constraints.txt").read_text().split())
    rows = ["| Server | Certificate | None | Of another CA | Expired | Resumed, TLS 1.2 | Resumed, TLS 1.3 |"]
    rows.append("| --- | --- | --- | --- | --- | --- | --- |")
    for name, (distributions, *outcomes) in OUTCOMES.items():
        versions = " ".join(f"{distribution} {pinned[distribution]}" for distribution in distributions.split())
        rows.append(f"| {name} ({versions}) | {' | '.join(outcomes)} |")
    return "\n".join(rows)


def test_the_page_has_what_was_measured():
    assert table() in (ROOT / "docs" / "servers.md").read_text(), f"the table must be:\n\n{table()}\n"
