"""The papers say what is true: their code runs, their links lead somewhere, and their lists are complete."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAPERS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{paper.name}, block {number}")
    for paper in PAPERS
    for number, block in enumerate(
        re.findall(r"^```python\n(.*?)^```$", paper.read_text(), re.DOTALL | re.MULTILINE), 1
    )
]
LINKS = [(paper, target) for paper in PAPERS for target in re.findall(r"\]\((?!https?:)([^)#]+)", paper.read_text())]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_code_of_the_papers_runs(block):
    exec(compile(block, "paper", "exec"), {"__name__": "paper"})  # noqa: S102 - it is ours


@pytest.mark.parametrize(("paper", "target"), LINKS, ids=lambda value: str(value).rpartition("/")[2])
def test_the_links_of_the_papers_lead_somewhere(paper, target):
    assert (paper.parent / target).exists()


def test_the_page_of_formats_explains_every_code_that_the_vectors_expect():
    codes = {
        vector["code"]
        for path in (ROOT / "tests" / "vectors").glob("*.json")
        for vector in json.loads(path.read_text())["vectors"]
        if "code" in vector
    }
    explained = set(re.findall(r"`([a-z0-9_]+)`", (ROOT / "docs" / "formats.md").read_text()))
    assert codes
    assert codes <= explained
