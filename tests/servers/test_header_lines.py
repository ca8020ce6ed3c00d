"""What becomes of header lines on their way through each server, measured; docs/trust.md has the same in a table."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import NamedTuple

import pytest

from servers.run_server import SERVERS

ROOT = Path(__file__).parents[2]


class Measured(NamedTuple):
    """What the application has of the header X-Client-Cert, for each of `REQUESTS`, and of the peer.

    ``APART`` are all lines, each under the name it was sent with; text is the variable of an environ. ``unix`` is the
    kind of the peer on a Unix socket; ``replaces`` says whether an address in a header of a client on this machine takes
    the place of the peer's.
    """

    distributions: str
    twice: str | None
    after: str | None
    before: str | None
    alone: str | None
    unix: str | None
    replaces: bool = False


APART = "APART"
DASHES, UNDERSCORES = "X-Client-Cert", "X_Client_Cert"
REQUESTS = {
    "twice": [(DASHES, "A"), (DASHES, "B")],
    "after": [(DASHES, "A"), (UNDERSCORES, "U")],
    "before": [(UNDERSCORES, "U"), (DASHES, "A")],
    "alone": [(UNDERSCORES, "U")],
}
MEASURED = {
    "uvicorn, h11": Measured("uvicorn h11", APART, APART, APART, APART, "unix", replaces=True),
    "uvicorn, httptools": Measured("uvicorn httptools", APART, APART, APART, APART, "unix", replaces=True),
    "hypercorn": Measured("hypercorn", APART, APART, APART, APART, "unknown"),
    "granian": Measured("granian", APART, APART, APART, APART, "unix"),
    "gunicorn, uvicorn's worker": Measured("gunicorn uvicorn", APART, APART, APART, APART, "unix", replaces=True),
    "gunicorn, asgi": Measured("gunicorn", APART, "A", "A", None, "unix"),
    "gunicorn": Measured("gunicorn", "A,B", "A", "A", None, "unix"),
    "gunicorn, header_map=dangerous": Measured("gunicorn", "A,B", "A,U", "U,A", "U", "unix"),
    "waitress": Measured("waitress", "A, B", "A", "A", None, "ip"),
    "werkzeug": Measured("werkzeug", "A,B", "A", "A", None, "unix"),
    "cheroot": Measured("cheroot", "B", "U", "A", "U", None),
    "wsgiref": Measured("", "A,B", "A,U", "U,A", "U", None),
    "granian, wsgi": Measured("granian", "A,B", "U", "A", "U", "unknown"),
    "uvicorn, wsgi": Measured("uvicorn", "A,B", "A,U", "U,A", "U", "unknown", replaces=True),
    "uvicorn with a2wsgi": Measured("uvicorn a2wsgi", "A,B", "A,U", "U,A", "U", "unknown", replaces=True),
    "hypercorn, wsgi": Measured("hypercorn", "A,B", "A,U", "U,A", "U", "unknown"),
}


def known(answer, sent):
    """What has become of the lines that were sent, as in `MEASURED`."""
    if "value" in answer:
        return answer["value"]
    if answer["lines"] == [[name.lower(), value] for name, value in sent]:
        return APART
    return ", ".join(value for _, value in answer["lines"]) or None


def test_every_server_is_measured():
    assert MEASURED.keys() == SERVERS.keys()


@pytest.mark.parametrize("name", SERVERS)
def test_lines_become_of_each_server_what_the_page_says(start, name):
    server = start(name)
    answers = {kind: server.ask(headers=lines) for kind, lines in REQUESTS.items()}
    assert {status for status, _ in answers.values()} == {200}
    found = {kind: known(answer, REQUESTS[kind]) for kind, (_, answer) in answers.items()}
    assert found == {kind: getattr(MEASURED[name], kind) for kind in REQUESTS}
    assert [answer["peer"][:2] for _, answer in answers.values()] == [["ip", "127.0.0.1"]] * len(REQUESTS)

    headers = [("X-Forwarded-For", "10.0.0.5"), ("Forwarded", "for=10.0.0.6"), ("X-Real-IP", "10.0.0.7")]
    _, host, authoritative, _ = server.ask(headers=headers)[1]["peer"]
    assert (host, authoritative) == (("10.0.0.5", False) if MEASURED[name].replaces else ("127.0.0.1", authoritative))


@pytest.mark.parametrize("name", [name for name, measured in MEASURED.items() if measured.unix is not None])
def test_a_unix_socket_is_recognised_where_the_page_says_so_and_is_no_address_elsewhere(start, name):
    status, answer = start(name, socket.AF_UNIX).ask(headers=[(DASHES, "A")])
    kind, host, _, _ = answer["peer"]
    assert (status, kind, host) == (200, MEASURED[name].unix, "localhost" if name == "waitress" else None)


def table():
    """The table of docs/trust.md."""
    pinned = dict(line.lower().split("==") for line in (ROOT / "constraints.txt").read_text().split())
    rows = [
        '| Server | `A`, `B` | `A`, then `U` | `U`, then `A` | `U` alone | `X_Name` forges | `"unix"` | Replaces the peer |'
    ]
    rows.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, measured in MEASURED.items():
        versions = " ".join(f"{distribution} {pinned[distribution]}" for distribution in measured.distributions.split())
        texts = [
            {APART: "apart", None: "-"}.get(text, f"`{text}`")
            for text in (measured.twice, measured.after, measured.before, measured.alone)
        ]
        forges = "**yes**" if measured.alone == "U" else "no"
        unix = {"unix": "yes", None: "-"}.get(measured.unix, "no")
        replaces = "yes" if measured.replaces else "no"
        rows.append(
            f"| {name}{f' ({versions})' if versions else ''} | {' | '.join(texts)} | {forges} | {unix} | {replaces} |"
        )
    return "\n".join(rows)


def test_the_page_has_what_was_measured():
    assert table() in (ROOT / "docs" / "trust.md").read_text(), f"the table must be:\n\n{table()}\n"
