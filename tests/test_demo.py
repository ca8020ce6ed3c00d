"""``clientcert demo`` runs the main job, and shows what the server decided."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from clientcert import demo
from clientcert.commands import clientcert


def test_each_request_has_the_outcome_that_it_must_have(backend):
    outcomes = list(demo.outcomes())
    assert [outcome.reason for outcome in outcomes] == [outcome.expected for outcome in outcomes]
    assert [outcome.accepted for outcome in outcomes] == [outcome.reason.startswith("200 ") for outcome in outcomes]
    assert {"200 the user is alice", "401 untrusted_peer", "401 certificate_expired"} <= {
        outcome.reason for outcome in outcomes
    }


def test_the_command_prints_a_line_for_each_request_and_ends_well():
    result = subprocess.run(
        [sys.executable, "-m", "clientcert", "demo"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "accepted",
        *["rejected"] * 2,
        "accepted",
        *["rejected"] * 3,
        "accepted",
        "rejected",
    ]
    assert lines[0].endswith("200 the user is alice")
    assert lines[-1].endswith("401 header_missing_or_malformed")
    assert "\x1b" not in result.stdout


def test_an_outcome_that_should_be_another_is_shown_and_fails(monkeypatch):
    original = demo.requests

    def requests(*arguments):
        first, second, *_ = original(*arguments)
        yield first
        yield second._replace(expected="200 the user is alice")

    monkeypatch.setattr(demo, "requests", requests)
    result = CliRunner().invoke(clientcert, ["demo"])
    assert result.exit_code == 1
    good, bad = result.stdout.splitlines()
    assert "THIS SHOULD BE" not in good
    assert bad.endswith("401 socket_not_authorized  THIS SHOULD BE: 200 the user is alice")


def test_the_server_is_stopped_when_a_client_fails(monkeypatch):
    def fails(*_):
        raise ConnectionError

    monkeypatch.setattr(demo, "send", fails)
    with pytest.raises(ConnectionError):
        list(demo.outcomes())
