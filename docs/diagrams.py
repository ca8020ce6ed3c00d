"""Draw the diagrams: ``make diagrams`` after a change of a ``.dot``; the tests fail where a drawing is behind.

It takes Graphviz, which nothing else does: the drawings are beside their sources. Each begins with the digest of what
it was drawn from.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "diagrams"


def sources() -> list[Path]:
    """Return every source of a drawing."""
    return sorted(FOLDER.glob("*.dot"))


def digest(source: Path) -> str:
    """Return the line of a drawing that says what it was drawn from."""
    return f"<!-- {source.name}: SHA-256 {hashlib.sha256(source.read_bytes()).hexdigest()} -->"


def drawn(source: Path, program: str) -> str:
    """Return the SVG of one source, without what depends on the version of Graphviz."""
    svg = subprocess.run([program, "-Tsvg", source], check=True, capture_output=True, text=True).stdout  # noqa: S603 - ours
    return f"{digest(source)}\n{svg[svg.index('<svg') :]}"


if __name__ == "__main__":
    dot = shutil.which("dot")
    if dot is None:
        sys.exit("the diagrams are drawn by Graphviz, which is not here: Debian's package is graphviz")
    for source in sources():
        source.with_suffix(".svg").write_text(drawn(source, dot), "utf-8")
