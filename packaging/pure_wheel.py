"""Builds the wheel without the Rust core: for platforms that have no wheel of their own, and no Rust toolchain.

Its metadata is that of the other one, from the same ``pyproject.toml`` and ``Cargo.toml``. An installer takes it only
where no wheel with the core fits: a more specific tag goes first.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import tomli_w

_ROOT = Path(__file__).parents[1]


def manifest() -> dict[str, object]:
    """Return the manifest of the package without its core."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    project["version"] = tomllib.loads((_ROOT / "Cargo.toml").read_text())["package"]["version"]
    del project["dynamic"]
    project["classifiers"].remove("Programming Language :: Rust")
    return {
        "build-system": {"requires": ["hatchling"], "build-backend": "hatchling.build"},
        "project": project,
        "tool": {"hatch": {"build": {"targets": {"wheel": {"packages": ["clientcert"]}}}}},
    }


def main(out: str) -> None:
    """Build it into the folder ``out``."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        ignored = shutil.ignore_patterns("_core*", "_native.py", "__pycache__")
        shutil.copytree(_ROOT / "python" / "clientcert", tree / "clientcert", ignore=ignored)
        for name in ("README.md", "LICENSE"):
            shutil.copy(_ROOT / name, tree)
        (tree / "pyproject.toml").write_text(tomli_w.dumps(manifest()))
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(Path(out).resolve())]
        subprocess.run([*build, folder], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main(*sys.argv[1:])
