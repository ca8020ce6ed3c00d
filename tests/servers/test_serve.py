"""``clientcert serve``: a server from the command line, and what it says instead of a traceback."""

from __future__ import annotations

import ssl
import sys

import pytest
from click.testing import CliRunner
from uvicorn.main import main as uvicorn_main

from clientcert.commands import clientcert


@pytest.fixture
def files(pki):
    return [
        f"--ssl-certfile={pki.server_certificate}",
        f"--ssl-keyfile={pki.server_key}",
        f"--ssl-ca-certs={pki.ca_certs}",
    ]


@pytest.fixture
def run(monkeypatch, files):
    """Run the command, without the server; what Uvicorn would have been told, or what the command said."""

    def run(*arguments, environ=None):
        told = {}
        monkeypatch.setattr(uvicorn_main, "callback", lambda **options: told.update(options))
        result = CliRunner().invoke(clientcert, ["serve", *arguments], env=environ)
        return told if result.exit_code == 0 else f"{result.exit_code}: {result.stderr}"

    return run


def test_a_certificate_is_required_unless_it_is_optional(run, files, pki):
    required, optional = run("app:app", *files), run("app:app", *files, "--optional")
    assert (required["ssl_cert_reqs"], optional["ssl_cert_reqs"]) == (ssl.CERT_REQUIRED, ssl.CERT_OPTIONAL)
    assert required | {"ssl_cert_reqs": ssl.CERT_OPTIONAL} == optional
    assert (required["app"], required["ssl_ca_certs"]) == ("app:app", str(pki.ca_certs))
    assert required["http"] == "clientcert.servers.uvicorn:AutoHTTPProtocol"
    assert required["ws"] == "clientcert.servers.uvicorn:AutoWebSocketsProtocol"


def test_the_options_of_uvicorn_are_passed_through(run, files):
    told = run("app:app", *files, "--port=8443", "--workers=3", "--header=X-A:b", environ={"UVICORN_HOST": "10.0.0.7"})
    assert (told["port"], told["workers"], list(told["headers"]), told["host"]) == (8443, 3, ["X-A:b"], "10.0.0.7")
    assert told.keys() == {parameter.name for parameter in uvicorn_main.params if parameter.expose_value}


def test_http_2_is_a_protocol_of_ours_and_not_that_of_uvicorn(run, files):
    told = run("app:app", *files, "--http", "zttp", "--http2", "--ws", "none")
    assert (told["http"], told["http2"], told["ws"]) == ("clientcert.servers.uvicorn:AutoZttpProtocol", False, "none")
    assert run("app:app", *files, "--http2") == (
        "1: clientcert: uvicorn speaks HTTP/2 by http='zttp' only, which needs the package zttp\n"
    )


def test_nothing_is_served_without_tls_and_without_an_authority(run, files):
    assert "Missing option '--ssl-ca-certs'" in run("app:app", *files[:2])
    assert "Missing option '--ssl-certfile'" in run("app:app", *files[1:])
    assert "No such option '--ssl-cert-reqs'" in run("app:app", *files, "--ssl-cert-reqs=0")


def test_what_is_wrong_with_the_files_is_said_in_a_line(run, files, pki, tmp_path):
    missing = tmp_path / "missing.pem"
    assert run("app:app", *files[:2], f"--ssl-ca-certs={missing}") == (
        f"1: clientcert: {missing}: No such file or directory\n"
    )
    assert "is a directory" in run("app:app", *files[:2], f"--ssl-ca-certs={tmp_path}")
    assert run("app:app", files[0], f"--ssl-keyfile={pki.alice.write(tmp_path)[1]}", files[2]).endswith(
        "the key is not that of the certificate\n"
    )


def test_a_protocol_whose_package_is_missing_names_it(run, files, monkeypatch):
    from clientcert.servers import uvicorn as protocols

    monkeypatch.setitem(sys.modules, "uvicorn.protocols.http.zttp_impl", None)
    monkeypatch.delitem(vars(protocols), "ZttpProtocol", raising=False)
    assert run("app:app", *files, "--http", "zttp").startswith(
        "1: clientcert: this protocol needs a package that is not installed: "
    )


def test_the_help_has_our_options_and_those_of_uvicorn():
    text = CliRunner().invoke(clientcert, ["serve", "--help"]).stdout
    assert {"--optional", "--ssl-ca-certs", "--workers", "--reload"} <= set(text.split())
    assert "--ssl-cert-reqs" not in text
