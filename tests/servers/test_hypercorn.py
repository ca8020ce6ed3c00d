"""Hypercorn, whose class for connections `show_clients` replaces. What it serves is in `test_outcomes`."""

from __future__ import annotations

import sys

import hypercorn.asyncio.run
import hypercorn.asyncio.tcp_server
import hypercorn.trio.run
import hypercorn.trio.tcp_server
import pytest

from clientcert import ConfigurationError
from clientcert.servers.hypercorn import show_clients


@pytest.fixture(params=[hypercorn.asyncio.run, hypercorn.trio.run], ids=["asyncio", "trio"])
def module(request, monkeypatch):
    """A module of Hypercorn's with the class that it came with; what it has had before is back after the test."""
    monkeypatch.setattr(hypercorn.asyncio.run, "TCPServer", hypercorn.asyncio.tcp_server.TCPServer)
    monkeypatch.setattr(hypercorn.trio.run, "TCPServer", hypercorn.trio.tcp_server.TCPServer)
    return request.param


def test_the_class_is_that_of_hypercorn_with_one_addition_however_often_it_is_asked_for(module):
    original = module.TCPServer
    show_clients()
    replaced = module.TCPServer
    assert replaced is not original
    assert issubclass(replaced, original)
    show_clients()
    assert module.TCPServer is replaced


def test_without_trio_there_is_nothing_to_replace_for_it(module, monkeypatch):
    monkeypatch.setitem(sys.modules, "trio", None)
    originals = {each: each.TCPServer for each in (hypercorn.asyncio.run, hypercorn.trio.run)}
    show_clients()
    assert hypercorn.asyncio.run.TCPServer is not originals[hypercorn.asyncio.run]
    assert hypercorn.trio.run.TCPServer is originals[hypercorn.trio.run]


def test_a_hypercorn_without_that_class_is_refused(module, monkeypatch):
    monkeypatch.delattr(module, "TCPServer")
    with pytest.raises(ConfigurationError, match="TCPServer"):
        show_clients()
