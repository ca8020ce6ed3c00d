"""Put the examples into the pages: ``python docs/include.py`` after a change; the tests fail where a page is behind.

A block of code belongs to a file where a comment before it says so::

    <!-- examples/flask/app.py -->

    ```python
    …
    ```
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
_INCLUDED = re.compile(r"(<!-- (examples/\S+) -->\n\n```\w*\n).*?(^```$)", re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    """Return every page that may include a file."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def included(text: str) -> str:
    """Return a page with its files as they are now; raises FileNotFoundError for one that is not there."""
    return _INCLUDED.sub(lambda block: f"{block[1]}{(ROOT / block[2]).read_text('utf-8')}{block[3]}", text)


if __name__ == "__main__":
    for page in pages():
        page.write_text(included(page.read_text("utf-8")), "utf-8")
