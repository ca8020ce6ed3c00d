"""A proxy in front of a server, both real and both on the loopback interface, and the certificates of their clients."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from clientcert import encode_header
from clientcert.testing import CertificateAuthority, IssuedCertificate

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


class PKI:
    """The CA that the proxies trust, certificates that it issued, and others; in files where a program reads them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        now = datetime.now(UTC)
        day = timedelta(days=1)
        root = CertificateAuthority("clients")
        issuer = root.intermediate("issuer")
        self.leaf = root.issue("leaf")
        self.victim = root.issue("victim")
        self.chained = issuer.issue("chained")
        self.deep = issuer.intermediate("second issuer").issue("deep")
        self.rsa = root.issue("rsa", key_type="rsa")
        self.awkward = root.issue(
            subject=[("O", 'Acme; "Inc", Ltd'), ("CN", "a\\b=c, é\u202e"), ("CN", "/CN=admin")],
            sans=["uri:https://example.org/a,b;c=d?x=1", 'uri:spiffe://example.org/q"u', "dns:a.example.org;DNS=b"],
        )
        element = encode_header(self.victim.certificate, "xfcc")
        self.injecting = root.issue("injecting", sans=[f"uri:spiffe://example.org/x,{element}"])
        self.expired = root.issue("expired", not_after=now - day)
        self.not_yet_valid = root.issue("early", not_before=now + day)
        self.server_only = root.issue("server only", sans=["dns:localhost"], server_auth=True)
        self.untrusted = CertificateAuthority("clients").issue("victim")
        alone = CertificateAuthority("victim")
        key = alone._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.self_signed = IssuedCertificate(alone.der, key, ())
        self._clients = root
        self._servers = CertificateAuthority("servers")
        self._proxies = CertificateAuthority("proxies")
        self.edge = self._proxies.issue("edge", sans=["dns:edge.example.org"])
        self.other_proxy = self._proxies.issue("other", sans=["dns:other.example.org"])

    @property
    def servers_ca(self) -> str:
        """What a client trusts: also the CA of the proxies, for one of them is reached directly."""
        return self._servers.pem + self._proxies.pem

    @cached_property
    def files(self) -> dict[str, str]:
        """What the configurations read, by the names of their settings; `directory` is the folder certificates there."""
        server = self._servers.issue("localhost", sans=["dns:localhost"], server_auth=True)
        return {
            "clients_ca": self._write("clients-ca.pem", self._clients.pem),
            "proxies_ca": self._write("proxies-ca.pem", self._proxies.pem),
            # Each with its key in the same file, which HAProxy wants; the others find in it what they look for.
            "certificate": self._write("server.pem", server.pem + server.key_pem),
            "key": self._write("server.key", server.key_pem),
            "edge_certificate": self._write("edge.pem", self.edge.pem),
            "edge_key": self._write("edge.key", self.edge.key_pem),
        }

    @cached_property
    def inner(self) -> dict[str, str]:
        """What the inner of two proxies has of its own."""
        inner = self._proxies.issue("inner", sans=["dns:inner.example.org"], server_auth=True)
        return {
            "certificate": self._write("inner.pem", inner.pem),
            "key": self._write("inner.key", inner.key_pem),
        }

    def _write(self, name: str, text: str) -> str:
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text(text)
        return f"certificates/{name}"


@pytest.fixture(scope="session")
def pki(tmp_path_factory) -> PKI:
    return PKI(tmp_path_factory.mktemp("pki"))


class Server:
    """One server process with the application. It inherits a socket that listens, so nobody comes too early."""

    def __init__(self, kind: str, backend: str, log: Path) -> None:
        self.kind = kind
        self._log = log
        with socket.create_server(("127.0.0.1", 0)) as listener, log.open("wb") as output:
            self.port = listener.getsockname()[1]
            descriptor = listener.fileno()
            gunicorn = ["-m", "gunicorn", "--bind", f"fd://{descriptor}", "--no-control-socket", "application:wsgi"]
            self._process = subprocess.Popen(
                [sys.executable, *(["application.py", str(descriptor)] if kind == "uvicorn" else gunicorn)],
                cwd=HERE,
                env=os.environ | {"CLIENTCERT_BACKEND": backend},
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        finally:
            self._process.kill()


@pytest.fixture(scope="session")
def servers(tmp_path_factory) -> Iterator[dict[tuple[str, str], Server]]:
    """The servers, each with each backend, by their names."""
    directory = tmp_path_factory.mktemp("servers")
    running: dict[tuple[str, str], Server] = {}

    class Started(dict):
        def __missing__(self, key):
            running[key] = self[key] = Server(*key, directory / "-".join(key))
            return self[key]

    yield Started()
    for server in running.values():
        server.stop()
