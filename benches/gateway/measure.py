"""Loads servers with and without the middleware, in turn, and writes what came of it: JSON, a table, and the page.

An application and the same behind the middleware run side by side, and only the one that is loaded has work to do. Each
round loads both with both kinds of certificates, every second round in the other order, so that a machine that becomes
slower or faster meanwhile does so for both. What is compared was measured in the same round.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from page import CERTIFICATES, table, write_section
from rich.console import Console
from rich.progress import track

from clientcert import encode_header
from clientcert.testing import CertificateAuthority
from servers import HERE, Application, Server, wrk_version

if TYPE_CHECKING:
    from pathlib import Path

_RESULTS = HERE.parents[1] / "target" / "gateway"
_NODE = HERE.parent / "node"
_ROUNDS = 5
_WORKERS = (1, 2)
_DISTINCT = 10_000
_APPLICATIONS = (
    *(Application(server, name) for server in ("uvicorn", "granian") for name in ("ASGI", "Starlette", "FastAPI")),
    Application("Node.js", "Express"),
)


def issue() -> dict[str, Path]:
    """Write the values of the header into files, and return these by the kind of certificates."""
    authority = CertificateAuthority()
    values = []
    for number in range(_DISTINCT):
        name = f"client{number}"
        client = authority.issue(subject=[("O", "Example"), ("CN", name)], sans=[f"dns:{name}.example.org"])
        values.append(encode_header(client.certificate, "url-pem"))
    _RESULTS.mkdir(parents=True, exist_ok=True)
    files = {kind: _RESULTS / f"{kind}.txt" for kind in CERTIFICATES}
    files["repeated"].write_text(f"{values[0]}\n")
    files["distinct"].write_text("\n".join(values) + "\n")
    return files


def measure(application: Application, workers: int, files: dict[str, Path], count: int) -> dict[str, Any]:
    """Return the rounds, and the resident size before the first and after the last."""
    certificate = files["repeated"].read_text().strip()
    with (
        Server(application, workers, certificate, behind=False) as bare,
        Server(application, workers, certificate, behind=True) as behind,
    ):
        both = {"bare": bare, "behind": behind}
        loads = [(which, kind) for kind in CERTIFICATES for which in both]
        for which, kind in loads:
            both[which].load(files[kind], count)
        warm = {which: server.resident() for which, server in both.items()}
        rounds: list[dict[str, dict[str, Any]]] = []
        for number in range(_ROUNDS):
            found: dict[str, dict[str, Any]] = {kind: {} for kind in CERTIFICATES}
            for which, kind in loads if number % 2 == 0 else reversed(loads):
                found[kind][which] = both[which].load(files[kind], count)
            rounds.append(found)
        return {
            "server": application.server,
            "application": application.name,
            "workers": workers,
            "rounds": rounds,
            "warm": warm,
            "resident": {which: server.resident() for which, server in both.items()},
        }


def cached(values: Path) -> dict[str, dict[str, float]]:
    """Return the bytes that a cached certificate takes, by what is read of it and by the backend."""
    taken: dict[str, dict[str, float]] = {}
    for kind in ("identity", "whole"):
        taken[kind] = {}
        for backend in ("rust", "python"):
            command = [sys.executable, str(HERE / "cached_certificates.py"), str(values), kind]
            environment = os.environ | {"CLIENTCERT_BACKEND": backend}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            taken[kind][backend] = float(done.stdout)
    return taken


def machine() -> dict[str, str]:
    """Return what runs it, with its versions."""
    express = json.loads((_NODE / "node_modules" / "express" / "package.json").read_text())["version"]
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    packages = ["clientcert", "uvicorn", "uvloop", "httptools", "granian", "starlette", "fastapi"]
    return {
        "processors": str(os.cpu_count()),
        "system": platform.system(),
        "CPython": platform.python_version(),
        **{name: version(name) for name in packages},
        "Node.js": node,
        "Express": express,
        "wrk": wrk_version(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, required=True, help="requests of each load")
    count = parser.parse_args().count

    ran_on = machine()
    files = issue()
    configurations = [(application, workers) for workers in _WORKERS for application in _APPLICATIONS]
    results = {
        "count": count,
        "machine": ran_on,
        "measured": [
            measure(application, workers, files, count)
            for application, workers in track(configurations, "Loading servers", transient=True)
        ],
        "cached": cached(files["distinct"]),
    }
    (_RESULTS / "results.json").write_text(json.dumps(results, indent=1))
    console = Console()
    console.print(table(results))
    console.print(f"Everything that was measured is in {_RESULTS / 'results.json'}")
    write_section(results)


if __name__ == "__main__":
    main()
