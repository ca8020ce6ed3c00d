"""The plugin is there for every test, costs those nothing that do not use it, and can be turned off."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def run(folder, code, *options, environ=None):
    """The exit status and the output of pytest on a file with ``code``."""
    (folder / "test_users.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *options]
    environ = os.environ | (environ or {})
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


USES = """
def test_certificate(client_cert_authority, client_certificate):
    assert client_certificate.certificate["issuer"] == client_cert_authority.certificate["subject"]
    assert client_certificate.certificate["subject"] == {"CN": "client"}
"""


def test_the_fixtures_are_there_without_a_word_in_conftest(tmp_path):
    assert run(tmp_path, USES)[0] == pytest.ExitCode.OK


def test_the_plugin_can_be_turned_off(tmp_path):
    status, output = run(tmp_path, USES, "-p", "no:clientcert")
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "fixture 'client_cert_authority' not found" in output


def test_a_run_that_uses_no_fixture_imports_nothing_that_takes_long(tmp_path):
    code = """
import sys
from clientcert import backend

def test_imports():
    takes_long = {"ssl", "asyncio", "clientcert.testing"}
    if backend == "rust":  # the other one is made of cryptography
        takes_long.add("cryptography")
    assert takes_long.isdisjoint(sys.modules)
"""
    # Without the plugins of others, which import what they like.
    environ = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    status, output = run(tmp_path, code, "-p", "clientcert.pytest_plugin", environ=environ)
    assert status == pytest.ExitCode.OK, output
