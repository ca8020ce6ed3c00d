"""Installs each artefact of a release into an empty environment, and runs the tests on what is installed.

The tests are those of ``tests/`` but for ``tests/proxies``, which are about configurations and not about a package. A
wheel is installed and tested with no Rust toolchain in the path. At the end there is a table of all that was seen.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

_ROOT = Path(__file__).parents[1]
_MOST_BYTES = 1_000_000

# Each takes longer to import than all of the package: none may come with it.
_NOT_IMPORTED = ("asyncio", "cryptography", "django", "fastapi", "flask", "starlette", "rich", "click")

_IMPORT = """
import ssl, sys, time
start = time.perf_counter()
import clientcert
took = time.perf_counter() - start
print(clientcert.__file__, clientcert.backend, took, *{not_imported!r} & sys.modules.keys())
"""


class Seen(NamedTuple):
    """What was seen of one artefact."""

    artefact: Path
    backends: str
    import_ms: float
    tests: str


def environment(artefact: Path, folder: Path) -> Path:
    """Install ``artefact`` and what the tests need into a new environment, and return the Python of it."""
    venv.create(folder, clear=True, with_pip=True)
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--constraint", "constraints.txt"]
    path = os.environ["PATH"] if artefact.name.endswith(".tar.gz") else without_rust()
    for what in (["--upgrade", "pip"], [f"{artefact}[cli]"], ["--group", "test"]):
        subprocess.run([*pip, *what], cwd=_ROOT, env=os.environ | {"PATH": path}, check=True)
    return python


def without_rust() -> str:
    """Return the path without the folders in which there is a Rust toolchain."""
    return os.pathsep.join(folder for folder in os.get_exec_path() if shutil.which("cargo", path=folder) is None)


def check(artefact: Path) -> Seen:
    """Install and test one artefact; `SystemExit` if anything is not as it should be."""
    folder = _ROOT / "target" / "packaging" / artefact.name
    python = environment(artefact, folder)
    backend = "python" if artefact.name.endswith("-none-any.whl") else "rust"
    command = [python, "-c", _IMPORT.format(not_imported=set(_NOT_IMPORTED))]
    imports = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(9)]
    where, found, _, *unwanted = imports[0]
    if not Path(where).is_relative_to(folder) or found != backend or unwanted:
        raise SystemExit(f"{artefact.name}: {where} has the backend {found}, and imports {unwanted}")
    environ = os.environ | {"CLIENTCERT_BACKEND": backend, "PATH": f"{python.parent}{os.pathsep}{without_rust()}"}
    environ.pop("VIRTUAL_ENV", None)
    command = [python, "-m", "pytest", "-q", "--ignore=tests/proxies", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=_ROOT, env=environ, capture_output=True, text=True, check=False)
    *_, summary = done.stdout.strip().splitlines()
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout}\n{artefact.name}: {summary}")
    shutil.rmtree(folder)
    backends = re.search(r"clientcert backends under test: (.*)", done.stdout)
    least = min(float(took) for _, _, took, *_ in imports)
    return Seen(artefact, backends[1] if backends else backend, least * 1000, summary)


def main(folder: str) -> None:
    """Check every artefact in ``folder``, and print the table."""
    artefacts = sorted(Path(folder).resolve().iterdir())
    if not artefacts:
        raise SystemExit(f"{folder} has nothing to check")
    for wheel in artefacts:
        if wheel.suffix == ".whl" and wheel.stat().st_size > _MOST_BYTES:
            raise SystemExit(f"{wheel.name} has more than {_MOST_BYTES} bytes")
    table = Table("artefact", "kB", "tests on it", "import, ms more than ssl", title="What is installed, and works")
    for artefact in artefacts:
        seen = check(artefact)
        table.add_row(artefact.name, f"{artefact.stat().st_size / 1000:.0f}", seen.tests, f"{seen.import_ms:.1f}")
    Console(width=160 if not sys.stdout.isatty() else None).print(table)


if __name__ == "__main__":
    main(*sys.argv[1:])
