"""The pages do what they say: who saves their files and types their commands sees what they show."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from console import Command, File, Reader, steps
from include import ROOT, pages
from proxies.programs import COMMANDS, MODULES, environment, executable, free_port, must_be_installed

TUTORIAL = ROOT / "docs" / "tutorial.md"
WITHOUT_PROXY, HEADING, BEHIND_PROXY = TUTORIAL.read_text("utf-8").partition("\n## Behind a proxy\n")
PORTS = ("8000", "8443", "9000")
PROXIES = {program for _, (program, *_) in COMMANDS.values()}

# What a page, or the pages of a folder, send their reader for to another page.
CERTIFICATES = ROOT / "examples" / "tutorial" / "certificates.py"
OF_PROXIES = ROOT / "examples" / "certificates.py"
GIVEN = {
    ROOT: CERTIFICATES,
    ROOT / "docs": CERTIFICATES,
    ROOT / "docs" / "frameworks": CERTIFICATES,
    ROOT / "docs" / "servers": CERTIFICATES,
    ROOT / "docs" / "proxies": OF_PROXIES,
    ROOT / "docs" / "gateways.md": OF_PROXIES,
}


def is_walked(page):
    return page != TUTORIAL and any(isinstance(step, Command) for step in steps(page.read_text("utf-8")))


@pytest.fixture
def new_reader(tmp_path, monkeypatch):
    """Make somebody with the package, curl, and the proxies that there are, in an empty folder."""
    if shutil.which("curl") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("curl is not installed")
    folder = tmp_path / "empty"
    folder.mkdir()
    found = filter(None, map(executable, sorted(PROXIES)))
    places = [Path(sys.executable).parent, *(Path(program).parent for program in found)]
    path = os.pathsep.join([*dict.fromkeys(map(str, places)), os.environ["PATH"]])
    readers = []

    def make(**variables):
        # A reader has not the settings with which other tests run Django.
        monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
        own = {"PATH": path, "NO_PROXY": "*"} | variables
        ports = {port: free_port() for port in PORTS}
        readers.append(Reader(folder, ports, os.environ | own, environment(folder) | own))
        return readers[-1]

    yield make
    for reader in readers:
        reader.stop_all()


def walk(page, reader):
    for step in steps(page):
        if isinstance(step, Command):
            program, _, _ = step.line.partition(" ")
            if program in PROXIES:
                must_be_installed(program)
        reader.do(step)


@pytest.mark.parametrize("page", list(filter(is_walked, pages())), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_says(page, new_reader, tmp_path):
    reader = new_reader()
    given = GIVEN.get(page, GIVEN.get(page.parent))
    if given is not None:
        reader.do(File(given.name, given.read_text("utf-8")))
    if page.name == "apache.md":
        (tmp_path / "empty" / "modules").symlink_to(next((path for path in MODULES if path.exists()), MODULES[0]))
    walk(page.read_text("utf-8"), reader)


def test_the_tutorial_protects_a_route(new_reader, backend):
    walk(WITHOUT_PROXY, new_reader(CLIENTCERT_BACKEND=backend))


def test_the_tutorial_protects_a_route_behind_nginx(new_reader, backend):
    assert HEADING
    walk(WITHOUT_PROXY + HEADING + BEHIND_PROXY, new_reader(CLIENTCERT_BACKEND=backend))
