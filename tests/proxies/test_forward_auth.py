"""The configurations in examples/forward-auth behind the real proxies: who is let through, and as whom."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clientcert import PRESETS, encode_header
from clientcert.testing import CertificateAuthority, proxy_headers
from proxies.programs import PACE, PATIENCE, environment, executable, free_port, must_be_installed

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "forward-auth"
ATTEMPTS = 1000  # to reach a proxy that starts, each of which takes a moment
COMMANDS = {
    "nginx": ["nginx", "-p", ".", "-c", "nginx.conf"],
    "traefik": ["traefik"],
    "caddy": ["caddy", "run"],
    "envoy": ["envoy", "-c", "envoy.yaml", "--disable-hot-restart"],
}
PROXIES = list(COMMANDS)
AWKWARD = "a\r\nX-Admin: 1, é%"


class PKI:
    def __init__(self, directory) -> None:
        self.directory = directory
        self.servers, self.clients = CertificateAuthority("servers"), CertificateAuthority("clients")
        issuer = self.clients.intermediate("issuer")
        self.alice = issuer.issue("alice")
        self.mallory = issuer.issue("mallory")
        self.nameless = issuer.issue(subject=[("O", "Acme")])
        self.awkward = issuer.issue(AWKWARD)
        self.expired = issuer.issue("mallory", not_after=datetime(2020, 1, 1, tzinfo=UTC))
        self.untrusted = CertificateAuthority("clients").issue("mallory")

    def context(self, client):
        context = ssl.create_default_context(cadata=self.servers.pem)
        if client is not None:
            context.load_cert_chain(*getattr(self, client).write(self.directory))
        return context

    def write(self, directory):
        directory.mkdir()
        server = self.servers.issue("localhost", sans=["dns:localhost"], server_auth=True)
        for name, text in {
            "server.pem": server.pem,
            "server.key": server.key_pem,
            "clients-ca.pem": self.clients.pem,
        }.items():
            (directory / name).write_text(text)


class Gateway:
    """A proxy, the application that it asks, and the one that it forwards to, on ports of their own."""

    def __init__(self, proxy, backend, pki, directory) -> None:
        self.proxy = proxy
        self.pki = pki
        ports = {stated: str(free_port()) for stated in ("8443", "9000", "8000")}
        self._address = ("127.0.0.1", int(ports["8443"]))
        directory.mkdir()
        (directory / "temporary").mkdir()
        pki.write(directory / "certificates")
        for path in EXAMPLE.iterdir():
            (directory / path.name).write_text(self._with(ports, path.read_text()))
        program, *arguments = COMMANDS[proxy]
        python = os.environ | {"CLIENTCERT_BACKEND": backend, "PROXY": proxy}
        commands = [
            ([sys.executable, "auth.py"], python),
            ([sys.executable, "app.py"], python),
            ([executable(program), *(self._with(ports, argument) for argument in arguments)], environment(directory)),
        ]
        self._log = directory / "log"
        self._running = []
        with ExitStack() as undo, self._log.open("wb") as log:
            undo.callback(self.stop)
            for command, env in commands:
                self._running.append(
                    subprocess.Popen(command, cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                )
            self._wait_until_ready()
            undo.pop_all()

    @staticmethod
    def _with(ports, text):
        return re.sub(r"\b(8443|9000|8000)\b", lambda stated: ports[stated[0]], text)

    def _wait_until_ready(self) -> None:
        answer = None
        for _ in range(ATTEMPTS):
            for process in self._running:
                try:
                    process.wait(PACE)
                except subprocess.TimeoutExpired:
                    continue
                pytest.fail(self.log)
            try:
                answer = self.ask("alice")
            except OSError:
                continue
            if answer[0] == 200:
                return
        pytest.fail(f"{answer} {self.log}")

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()

    def ask(self, client=None, lines=(), *, method="GET", body=b""):
        """Status, headers and what the application knows, of a request that is sent byte for byte."""
        with (
            socket.create_connection(self._address, PATIENCE) as plain,
            self.pki.context(client).wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            text = [f"{method} /a?b=c HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in lines)]
            connection.sendall("\r\n".join([*text, "", ""]).encode("latin-1") + body)
            with http.client.HTTPResponse(connection, method=method) as response:
                response.begin()
                content = response.read()
                known = json.loads(content) if response.status == 200 and method != "HEAD" else content.decode()
                return response.status, response.headers, known


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return PKI(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def started(pki, tmp_path_factory):
    running = {}

    def start(proxy, backend):
        if (proxy, backend) not in running:
            must_be_installed(proxy)
            directory = tmp_path_factory.mktemp("gateways") / f"{proxy}-{backend}"
            running[proxy, backend] = Gateway(proxy, backend, pki, directory)
        return running[proxy, backend]

    yield start
    for gateway in running.values():
        gateway.stop()


@pytest.fixture(params=PROXIES)
def gateway(request, backend, started):
    return started(request.param, backend)


def identity(known):
    """What arrived under a name that means a client, however it is spelled."""
    similar = [(re.sub("[_.]", "-", name.lower()), value) for name, value in known["headers"]]
    return sorted(line for line in similar if line[0] in {"client-cert", "client-cert-chain", "x-user"})


def genuine(issued, user):
    return [("client-cert", encode_header(issued.certificate, "rfc9440")), ("x-user", user)]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_a_client_is_let_through_as_who_it_is(backend, gateway, pki, method):
    lines = [("Content-Length", "4")] if method == "POST" else []
    status, _, known = gateway.ask("alice", lines, method=method, body=b"body" if lines else b"")
    assert (status, known["user"]) == (200, "alice")
    assert identity(known) == genuine(pki.alice, "alice")


def test_a_name_of_any_characters_arrives_as_one_line(backend, gateway, pki):
    status, _, known = gateway.ask("awkward")
    assert (status, known["user"]) == (200, AWKWARD)
    assert identity(known) == genuine(pki.awkward, "a%0D%0AX-Admin:%201,%20%C3%A9%25")
    assert "x-admin" not in dict(known["headers"])


def test_a_client_without_a_certificate_is_refused_by_the_application_that_is_asked(backend, gateway):
    status, headers, _ = gateway.ask()
    assert (status, headers["www-authenticate"]) == (401, "ClientCertificate")


def test_a_client_that_verify_rejects_is_refused(backend, gateway):
    assert gateway.ask("nameless")[0] == 401


@pytest.mark.parametrize("client", ["expired", "untrusted"])
def test_a_client_whose_certificate_does_not_verify_is_refused(backend, gateway, client):
    try:
        status, _, _ = gateway.ask(client)
    except OSError:  # the handshake
        return
    assert status in {400, 401}


RENAMED = {
    "as they are": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "underscores": lambda name: name.replace("-", "_"),
    "one underscore, the first": lambda name: name.replace("-", "_", 1),
    "one underscore, the last": lambda name: "_".join(name.rsplit("-", 1)),
    "dots": lambda name: name.replace("-", "."),
}


def forged(gateway, pki):
    """Every header that auth.py or the application may believe, with mallory's certificate."""
    certificate = pki.mallory.certificate
    return [
        *proxy_headers(PRESETS[gateway.proxy], certificate).items(),
        ("Client-Cert", encode_header(certificate, "rfc9440")),
        ("Client-Cert-Chain", encode_header(certificate, "rfc9440")),
        ("X-User", "mallory"),
    ]


@pytest.mark.parametrize("rename", RENAMED.values(), ids=RENAMED)
@pytest.mark.parametrize("nominated", [False, True], ids=["", "nominated in Connection"])
@pytest.mark.parametrize("client", ["alice", None])
def test_nothing_that_a_client_forges_gets_through(backend, gateway, pki, rename, nominated, client):
    every = [(rename(name), value) for name, value in forged(gateway, pki)]
    names = [name for name, _ in forged(gateway, pki)]
    for lines in (every, every * 2, *([line] for line in every)):
        connection = [("Connection", ", ".join(["keep-alive", *names]))] if nominated else []
        try:
            status, _, known = gateway.ask(client, [*connection, *lines])
        except (OSError, http.client.HTTPException):  # hung up
            continue
        if client is None:
            assert status in {400, 401, 431}
        elif status == 200:
            assert known["user"] == "alice"
            assert identity(known) == genuine(pki.alice, "alice")
        else:
            assert status in {400, 401, 431}


def test_a_client_who_forges_is_let_through_as_who_it_is_where_the_names_are_the_true_ones(backend, gateway, pki):
    for name in ("Client-Cert", "Client-Cert-Chain", "X-User"):
        status, _, known = gateway.ask("alice", [(name, dict(forged(gateway, pki))[name])])
        assert (status, known["user"]) == (200, "alice")
        assert identity(known) == genuine(pki.alice, "alice")
