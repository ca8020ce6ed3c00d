"""The tutorial does what it says, from its first command to its last."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from console import Command, Reader, steps
from proxies.programs import environment, executable, free_port, must_be_installed

PAGE = (Path(__file__).parents[1] / "docs" / "tutorial.md").read_text("utf-8")
WITHOUT_PROXY, HEADING, BEHIND_PROXY = PAGE.partition("\n## Behind a proxy\n")
NOT_RUN = "not run by the tests, which have it all"


@pytest.fixture
def reader(tmp_path, backend):
    """Somebody with the package and curl, and nginx if there is one, in an empty folder."""
    if shutil.which("curl") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("curl is not installed")
    folder = tmp_path / "empty"
    folder.mkdir()
    nginx = executable("nginx")
    programs = [Path(sys.executable).parent, *((Path(nginx).parent,) if nginx else ())]
    path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
    own = {"PATH": path, "NO_PROXY": "*", "CLIENTCERT_BACKEND": backend}
    ports = {"8000": free_port(), "8443": free_port()}
    reader = Reader(folder, ports, os.environ | own, environment(folder) | own)
    yield reader
    reader.stop_all()


def test_a_route_is_protected(reader):
    for step in steps(WITHOUT_PROXY, NOT_RUN):
        reader.do(step)


def test_a_route_is_protected_behind_nginx(reader):
    must_be_installed("nginx")
    assert HEADING
    for step in steps(PAGE, NOT_RUN):
        reader.do(step)


def test_only_installations_are_not_run():
    run = {step.line for step in steps(PAGE, NOT_RUN) if isinstance(step, Command)}
    everything = [step.line for step in steps(PAGE, "") if isinstance(step, Command)]
    assert [line for line in everything if line not in run] == [
        "python3 -m venv .venv",
        ". .venv/bin/activate",
        "pip install 'clientcert[cli]' fastapi",
        "sudo apt-get install nginx",
    ]
