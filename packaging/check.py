"""Installs each artefact of a release into an empty environment, and runs the tests on what is installed.

The tests are those of ``tests/`` but for ``tests/proxies``, which are about configurations and not about a package.
With ``--portable``, and on a free-threaded Python, for which not all that they need can be had, they are those that
``tests/portable.txt`` names. The run itself says which clientcert it has imported: one that is not in the environment
is a failure. A wheel is installed and tested with no Rust toolchain in the path. At the end there is a table of all
that was seen.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

from rich.console import Console
from rich.table import Table

_ROOT = Path(__file__).parents[1]
_MOST_BYTES = 1_000_000

# Each takes longer to import than all of the package: none may come with it.
_NOT_IMPORTED = ("asyncio", "cryptography", "django", "fastapi", "flask", "starlette", "rich", "click")

# An extension that does not say that threads may run beside each other in it would end that for the whole process.
_IMPORT = """
import platform, ssl, sys, time
start = time.perf_counter()
import clientcert
took = time.perf_counter() - start
has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
print(clientcert.backend, took, platform.python_version(), has_gil, *{not_imported!r} & sys.modules.keys())
"""


class Seen(NamedTuple):
    """What was seen of one artefact."""

    python: str
    import_ms: float
    tests: str


def is_free_threaded(artefact: Path) -> bool:
    """Say whether only a free-threaded Python takes this wheel."""
    return re.search(r"-cp\d+t-", artefact.name) is not None


def environment(artefact: Path, folder: Path, tests: str) -> Path:
    """Install ``artefact`` and what the tests need into a new environment, and return the Python of it."""
    interpreter = os.environ["FREE_THREADED"] if is_free_threaded(artefact) else sys.executable
    subprocess.run([interpreter, "-m", "venv", "--clear", folder], check=True)
    python = Path(sysconfig.get_path("scripts", "venv", {"base": str(folder)})) / "python"
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--constraint", "constraints.txt"]
    path = os.environ["PATH"] if artefact.name.endswith(".tar.gz") else without_rust()
    for what in (["--upgrade", "pip"], [f"{artefact}[cli]"], ["--group", tests]):
        subprocess.run([*pip, *what], cwd=_ROOT, env=os.environ | {"PATH": path}, check=True)
    return python


def without_rust() -> str:
    """Return the path without the folders in which there is a Rust toolchain."""
    return os.pathsep.join(folder for folder in os.get_exec_path() if shutil.which("cargo", path=folder) is None)


def check(artefact: Path, *, portable: bool) -> Seen:
    """Install and test one artefact; `SystemExit` if anything is not as it should be."""
    folder = _ROOT / "target" / "packaging" / artefact.name
    portable = portable or is_free_threaded(artefact)
    python = environment(artefact, folder, "test-portable" if portable else "test")
    backend = "python" if artefact.name.endswith("-none-any.whl") else "rust"
    environ = os.environ | {"CLIENTCERT_BACKEND": backend, "PATH": f"{python.parent}{os.pathsep}{without_rust()}"}
    for name in ("VIRTUAL_ENV", "PYTHONPATH"):
        environ.pop(name, None)
    command = [python, "-c", _IMPORT.format(not_imported=set(_NOT_IMPORTED))]
    # Which backend it picks by itself, so without the variable that forces one.
    by_itself = {name: value for name, value in environ.items() if name != "CLIENTCERT_BACKEND"}
    imports = [
        subprocess.run(command, env=by_itself, capture_output=True, text=True, check=True).stdout.split()
        for _ in range(9)
    ]
    found, _, version, has_gil, *unwanted = imports[0]
    if found != backend or unwanted or has_gil != str(not is_free_threaded(artefact)):
        raise SystemExit(f"{artefact.name}: it picks {found}, imports {unwanted}, and the GIL is there: {has_gil}")
    tests = ["@tests/portable.txt"] if portable else ["--ignore=tests/proxies"]
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=_ROOT, env=environ, capture_output=True, text=True, check=False)
    *_, summary = done.stdout.strip().splitlines() or [done.stderr]
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout}\n{artefact.name}: {summary}")
    tested = re.search(r"^clientcert is imported from (.*)$", done.stdout, re.MULTILINE)
    if tested is None or not Path(tested[1]).is_relative_to(folder):
        raise SystemExit(f"{artefact.name}: tested was {tested and tested[1]}")
    shutil.rmtree(folder)
    least = min(float(took) for _, took, *_ in imports)
    return Seen(version + "t" * is_free_threaded(artefact), least * 1000, summary.strip("= "))


def look_into(wheel: Path) -> None:
    """Say what is not as it should be in a wheel; `SystemExit` if there is something."""
    if wheel.stat().st_size > _MOST_BYTES:
        raise SystemExit(f"{wheel.name} has more than {_MOST_BYTES} bytes")
    with ZipFile(wheel) as file:
        names = file.namelist()
    # PEP 770. The other crates are in the extension; the wheel without it has nothing of others in it.
    has_bill = any(re.search(r"\.dist-info/sboms/.+\.cyclonedx\.json$", name) for name in names)
    if has_bill == wheel.name.endswith("-none-any.whl"):
        raise SystemExit(f"{wheel.name} has no bill of materials, or one of nothing")


def main() -> None:
    """Check every artefact in a folder, and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--portable", action="store_true")
    asked = arguments.parse_args()
    artefacts = sorted(asked.folder.resolve().iterdir())
    if not artefacts:
        raise SystemExit(f"{asked.folder} has nothing to check")
    for wheel in artefacts:
        if wheel.suffix == ".whl":
            look_into(wheel)
    table = Table("artefact", "tags", "kB", "Python", "tests on it", "import, ms more than ssl")
    table.title = "What is installed, and works"
    for artefact in artefacts:
        seen = check(artefact, portable=asked.portable)
        size = f"{artefact.stat().st_size / 1000:.0f}"
        kind, tags = ("wheel", artefact.stem.split("-", 2)[2]) if artefact.suffix == ".whl" else ("sdist", "")
        table.add_row(kind, tags.replace(".", " "), size, seen.python, seen.tests, f"{seen.import_ms:.1f}")
    Console(width=160 if not sys.stdout.isatty() else None).print(table)


if __name__ == "__main__":
    main()
