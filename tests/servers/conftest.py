"""Real servers in processes of their own, and clients that shake hands with them."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import websockets
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, TrailersReceived

from clientcert.testing import CertificateAuthority
from servers.run_tls_server import GOT_BY_MAKE, OWN_SOCKET

HERE = Path(__file__).parent
MANY = 128  # connections that nobody has accepted yet
PATIENCE = 30  # seconds: nothing waits so long, unless something is broken
PACE = 0.02  # seconds between two looks at a server that is starting


class PKI:
    """An authority that the servers trust, certificates that it issued, and others."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.root = CertificateAuthority()
        self.issuer = self.root.intermediate()
        self.ca_certs = directory / "ca.pem"
        self.ca_certs.write_text(self.root.pem)
        self.server = self.root.issue("localhost", sans=["dns:localhost"], server_auth=True)
        self.server_certificate, self.server_key = self.server.write(directory)
        self.alice = self.issuer.issue("alice")
        self.expired = self.issuer.issue("alice", not_after=datetime(2020, 1, 1, tzinfo=UTC))
        self.impostor = CertificateAuthority().issue("alice")

    def context(self, client=None, version=None) -> ssl.SSLContext:
        """The TLS of a client with this certificate, or with none."""
        context = ssl.create_default_context(cadata=self.root.pem)
        if client is not None:
            context.load_cert_chain(*client.write(self._directory))
        if version is not None:
            context.minimum_version = context.maximum_version = version
        return context


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return PKI(tmp_path_factory.mktemp("pki"))


class Server:
    """One server process. It inherits a socket that listens already, so a client never comes too early.

    One that makes its own socket has a port that is kept for it by one that does not listen.
    """

    def __init__(self, command, listener, environ, log: Path, folder: Path = HERE) -> None:
        self.address = listener.getsockname()
        self._log = log
        with listener, log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, *command],
                cwd=folder,
                env=os.environ | environ,
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def wait_until_it_shakes_hands(self, context: ssl.SSLContext) -> None:
        """For a server that makes its own socket; Apache does so several times before it answers."""
        while True:
            try:
                with self.connect(context):
                    return
            except (ConnectionError, ssl.SSLEOFError):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(PACE)
                    raise RuntimeError(self._log.read_text()) from None

    def connect(
        self,
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
        *,
        speaks: type[Client] | None = None,
    ) -> Client:
        return (speaks or Client)(self.address, context, session)

    def ask(self, context: ssl.SSLContext | None = None, headers=(), body="") -> tuple[int, dict | str]:
        """The answer to one request on a connection of its own."""
        with self.connect(context) as client:
            return client.ask(headers, body)

    def ask_on_websocket(self, context: ssl.SSLContext | None = None, headers=()) -> dict:
        """What the application says on a websocket that it has accepted."""

        async def ask():
            # Not by `websockets.sync`: its two threads use one TLS connection at the same time. Where the one writes while
            # the other reads a session ticket, OpenSSL fails, or the one that writes waits for ever.
            options = {"ssl": context, "additional_headers": headers, "proxy": None}
            connection = (
                websockets.unix_connect(self.address, "ws://localhost/", **options)
                if isinstance(self.address, str)
                else websockets.connect(f"wss://localhost:{self.address[1]}/", **options)
            )
            async with asyncio.timeout(PATIENCE), connection as websocket:
                return json.loads(await websocket.recv())

        return asyncio.run(ask())

    def terminate(self) -> None:
        self._process.terminate()

    def wait(self) -> None:
        try:
            status = self._process.wait(PATIENCE)
        finally:
            self._process.kill()
        # Uvicorn ends itself by the signal that it has handled.
        assert status in {0, -15}, self._log.read_text()


def kept_port() -> socket.socket:
    """A port of the loopback address for a server that makes its own socket, and allows that, as all do."""
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    return keeper


class Client:
    """A connection to a server, kept alive."""

    def __init__(self, address, context, session) -> None:
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        try:
            self.socket.settimeout(PATIENCE)
            self.socket.connect(address)
            if context is not None:
                self.socket = context.wrap_socket(self.socket, server_hostname="localhost", session=session)
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc_info) -> None:
        self.socket.close()

    def ask(self, headers=(), body="") -> tuple[int, dict | str]:
        """Status and body of the answer to a request; the body decoded where the application wrote it."""
        lines = ["GET / HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers), "", body]
        self.socket.sendall("\r\n".join(lines).encode())
        with http.client.HTTPResponse(self.socket) as response:
            response.begin()
            body = response.read().decode()
            return response.status, json.loads(body) if response.status == http.HTTPStatus.OK else body


class HTTP2Client(Client):
    """A connection to a server that speaks HTTP/2, and to no other."""

    def __init__(self, address, context, session) -> None:
        context.set_alpn_protocols(["h2"])
        super().__init__(address, context, session)
        self._connection = H2Connection()
        self._connection.initiate_connection()

    def ask(self, headers=(), body="") -> tuple[int, dict | str]:
        pseudo = {":method": "GET", ":scheme": "https", ":authority": "localhost", ":path": "/"}
        fields, received = self._exchange([*pseudo.items(), *headers])
        status, text = int(fields[b":status"]), received.decode()
        return status, json.loads(text) if status == http.HTTPStatus.OK else text

    def _exchange(self, headers, body: bytes = b"") -> tuple[dict[bytes, bytes], bytes]:
        """All fields of the answer to a request, those of its trailer section included, and its content."""
        stream = self._connection.get_next_available_stream_id()
        self._connection.send_headers(stream, headers, end_stream=not body)
        if body:
            self._connection.send_data(stream, body, end_stream=True)
        fields, received = {}, b""
        while True:
            self.socket.sendall(self._connection.data_to_send())
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the server has closed the connection")
            for event in self._connection.receive_data(data):
                if isinstance(event, ResponseReceived | TrailersReceived):
                    fields |= event.headers
                elif isinstance(event, DataReceived):
                    received += event.data
                    self._connection.acknowledge_received_data(event.flow_controlled_length, stream)
                elif isinstance(event, StreamEnded):
                    return fields, received


class GRPCClient(HTTP2Client):
    """A connection to a gRPC server. The client of gRPC resumes no session."""

    def ask(self, headers=(), body="") -> tuple[int, dict | str]:
        status, message = self.call("/clientcert.Test/Tell", headers)
        return (http.HTTPStatus.OK, json.loads(message)) if status == 0 else (http.HTTPStatus.UNAUTHORIZED, str(status))

    def call(self, method: str, headers=()) -> tuple[int, bytes]:
        """The status of gRPC and the message, for a call with an empty one."""
        pseudo = {":method": "POST", ":scheme": "https", ":authority": "localhost", ":path": method}
        fixed = {"content-type": "application/grpc", "te": "trailers"}
        # In front of a message there are five bytes: not compressed, and its length.
        fields, received = self._exchange([*pseudo.items(), *fixed.items(), *headers], bytes(5))
        return int(fields[b"grpc-status"]), received[5:]


class Servers:
    """Starts each server once, and ends them all."""

    def __init__(self, pki: PKI, directory: Path) -> None:
        self._pki = pki
        self._directory = directory
        self._running: dict[str, Server] = {}

    def uvicorn(self, backend, *, strategy=None, uds=False, tls=True, **options) -> Server:
        if tls:
            options |= {"ssl_certfile": str(self._pki.server_certificate), "ssl_keyfile": str(self._pki.server_key)}
        return self._server(
            lambda descriptor: ["run_uvicorn.py", descriptor, json.dumps(options)],
            {"CLIENTCERT_BACKEND": backend, "STRATEGY": json.dumps(strategy or {})},
            uds=uds,
        )

    def gunicorn(self, backend, *options) -> Server:
        files = {
            "--certfile": self._pki.server_certificate,
            "--keyfile": self._pki.server_key,
            "--ca-certs": self._pki.ca_certs,
        }
        arguments = [str(part) for pair in files.items() for part in pair]
        arguments += ["--no-control-socket", "--graceful-timeout", "5", *options, "application:wsgi"]
        return self._server(
            lambda descriptor: ["-m", "gunicorn", "--bind", f"fd://{descriptor}", *arguments],
            {"CLIENTCERT_BACKEND": backend},
        )

    def _server(self, command, environ, *, uds=False) -> Server:
        key = repr((command("#"), environ, uds))
        if key not in self._running:
            name = f"server{len(self._running)}"
            if uds:
                listener = socket.socket(socket.AF_UNIX)
                listener.bind(str(self._directory / f"{name}.socket"))
                listener.listen()
            else:
                listener = socket.create_server(("127.0.0.1", 0))
            log = self._directory / f"{name}.log"
            self._running[key] = Server(command(str(listener.fileno())), listener, environ, log)
        return self._running[key]

    def stop(self) -> None:
        for server in self._running.values():
            server.terminate()
        for server in self._running.values():
            server.wait()


@pytest.fixture(scope="session")
def servers(pki, tmp_path_factory):
    running = Servers(pki, tmp_path_factory.mktemp("servers"))
    yield running
    running.stop()


@pytest.fixture
def websocket_handshake():
    """The header lines with which a client asks for a websocket, to be refused.

    The client of the library would wait for the server to close the connection, which Uvicorn with zttp forgets.
    """
    return [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),  # RFC 6455, section 1.3
    ]


@pytest.fixture
def start(tmp_path):
    """Start a server of one of the scripts for one test: with all of them at once, memory gets scarce."""
    started = []

    def start(name, family=socket.AF_INET, *, script="run_server.py", arguments=(), environ=None, listens=True):
        if listens:
            listener = socket.socket(family)
            listener.bind(str(tmp_path / "server.socket") if family == socket.AF_UNIX else ("127.0.0.1", 0))
            listener.listen(MANY)
        else:
            listener = kept_port()
        command = [script, name, str(listener.fileno()), *map(str, arguments)]
        started.append(Server(command, listener, environ or {}, tmp_path / "server.log"))
        return started[-1]

    yield start
    for server in started:
        server.terminate()
        server.wait()


@pytest.fixture
def start_tls(backend, start, pki):
    """Start a server of `run_tls_server` for one test, with the backend of the test."""

    def start_tls(name):
        program = GOT_BY_MAKE.get(name)
        if program is not None and not program.exists():
            (pytest.fail if os.environ.get("CI") else pytest.skip)(
                f"{program.name} is not there: make servers gets it, on Debian for the version of Python there"
            )
        listens = name not in OWN_SOCKET
        files = (pki.server_certificate, pki.server_key, pki.ca_certs)
        environ = {"CLIENTCERT_BACKEND": backend}
        server = start(name, script="run_tls_server.py", arguments=files, environ=environ, listens=listens)
        if not listens:
            server.wait_until_it_shakes_hands(pki.context())
        return server

    return start_tls
