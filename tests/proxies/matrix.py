"""The table in docs/proxies/requests.md: what became of each request behind each proxy. Written by the tests, and read by them."""

from __future__ import annotations

import re

from proxies.programs import PROXIES, ROOT
from proxies.scenarios import SCENARIOS

PAGE = ROOT / "docs" / "proxies" / "requests.md"
HEADINGS = {"required": "## A certificate is required", "optional": "## A certificate is optional"}
FIRST_COLUMN = "the client …"
OTHER = "; gunicorn: "  # a cell says once what uvicorn and gunicorn have in common

# By what is asked for and what the client does; then by proxy, and by server.
Outcomes = dict[tuple[str, str], dict[str, dict[str, str]]]


def add(outcomes: Outcomes, key: tuple[str, str], proxy: str, server: str, outcome: str) -> None:
    """Take note of an outcome, which is the same with every backend."""
    assert outcomes.setdefault(key, {}).setdefault(proxy, {}).setdefault(server, outcome) == outcome


def documents(outcomes: Outcomes, key: tuple[str, str], proxy: str, server: str, outcome: str) -> bool:
    return outcomes[key][proxy][server] == outcome


def read() -> Outcomes:
    outcomes: Outcomes = {}
    page = PAGE.read_text("utf-8")
    for mode, heading in HEADINGS.items():
        header, _, *rows = re.findall(r"^\| (.*) \|$", page.partition(heading)[2].partition("\n#")[0], re.MULTILINE)
        titles = header.split(" | ")[1:]
        for row in rows:
            description, *cells = row.split(" | ")
            servers = [cell.partition(OTHER) for cell in cells]
            outcomes[mode, description] = {
                title: {"uvicorn": first, "gunicorn": second or first}
                for title, (first, _, second) in zip(titles, servers, strict=True)
            }
    return outcomes


def write(outcomes: Outcomes) -> None:
    """Put what was measured into the page; what was not measured in this run stays as it was."""
    known = read()
    page = PAGE.read_text("utf-8")
    for mode, heading in HEADINGS.items():
        before, _, after = page.partition(heading)
        rows = [[FIRST_COLUMN, *PROXIES], ["---"] * (len(PROXIES) + 1)]
        for scenario in SCENARIOS:
            key = (mode, scenario.description)
            measured = known.get(key, {}) | outcomes.get(key, {})
            rows.append([scenario.description, *(_cell(measured.get(title, {})) for title in PROXIES)])
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        page = f"{before}{heading}\n\n{table}\n\n{after[after.index('#', 1) :]}"
    PAGE.write_text(page, "utf-8")


def _cell(servers: dict[str, str]) -> str:
    first, second = servers.get("uvicorn", "not measured"), servers.get("gunicorn", "not measured")
    return first if first == second else f"{first}{OTHER}{second}"
