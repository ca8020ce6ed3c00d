"""The examples of frameworks that have a server of their own, started as their pages say it."""

from __future__ import annotations

import contextlib

import pytest

from integrations.examples import EXAMPLES, ask
from servers.conftest import GRPCClient, Server, kept_port


@contextlib.contextmanager
def running(framework, backend, pki, folder):
    """The server of ``python app.py``, in a folder with certificates, on another port."""
    keeper = kept_port()
    for name, certificate in {"server": pki.server, "alice": pki.acme}.items():
        (folder / f"{name}.pem").write_text(certificate.chain_pem)
        (folder / f"{name}.key").write_text(certificate.key_pem)
    (folder / "ca.pem").write_text(pki.root.pem)
    program = (EXAMPLES / framework / "app.py").read_text()
    assert program.count("8443") == 1
    (folder / "app.py").write_text(program.replace("8443", str(keeper.getsockname()[1])))
    server = Server(["app.py"], keeper, {"CLIENTCERT_BACKEND": backend}, folder / "server.log", folder)
    try:
        server.wait_until_it_shakes_hands(pki.context())
        yield server
    finally:
        server.terminate()
        server.wait()


@pytest.mark.parametrize("framework", ["aiohttp", "sanic", "tornado"])
def test_the_example_is_a_program(backend, pki, tmp_path, framework):
    with running(framework, backend, pki, tmp_path) as server:
        port = server.address[1]
        assert ask(port, "/", pki.context())[::2] == (200, "Hello stranger\n")
        assert ask(port, "/", pki.context(pki.acme))[::2] == (200, "Hello alice\n")
        assert ask(port, "/account", pki.context())[0] == 401


def test_the_example_of_grpc_is_a_program(backend, pki, tmp_path):
    with (
        running("grpc", backend, pki, tmp_path) as server,
        server.connect(pki.context(pki.acme), speaks=GRPCClient) as client,
    ):
        assert client.call("/example.Accounts/Greet") == (0, b"Hello alice")
