"""Both backends, in one run; and Node.js, in one process for all of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from backends import BACKENDS
from clientcert import _backend
from nodejs import OLDEST, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

settings.register_profile("fuzz", max_examples=5_000)  # for --hypothesis-profile

_COUNTS = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("clientcert")
    group.addoption("--mutations", type=int, default=6000, help="certificates to mutate for each test that does")
    group.addoption("--seed", type=int, default=1, help="of what is random in these tests")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_COUNTS] = []


def pytest_report_header() -> list[str]:
    return [
        f"clientcert backends under test: {', '.join(BACKENDS)}",
        f"clientcert is imported from {Path(_backend.__file__).parent}",
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[_COUNTS]:
        terminalreporter.section("certificates compared")
        for line in config.stash[_COUNTS]:
            terminalreporter.line(line)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the backend that the test runs on."""
    monkeypatch.setattr(_backend, "core", BACKENDS[request.param])
    monkeypatch.setattr(_backend, "backend", request.param)
    return request.param


@pytest.fixture
def record_counts(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Print a line at the end of the run."""
    return pytestconfig.stash[_COUNTS].append


@pytest.fixture(scope="session")
def node(pytestconfig: pytest.Config) -> Iterator[Node]:
    """Node.js, which must be there in CI."""
    missing = pytest.fail if os.environ.get("CI") else pytest.skip
    try:
        process = Node()
    except FileNotFoundError as error:
        missing(str(error))
    with process:
        pytestconfig.stash[_COUNTS].append("Node.js {node}, OpenSSL {openssl}".format(**process.versions))
        if not process.is_recent:
            missing(f"Node.js {OLDEST} or newer is needed")
        yield process
