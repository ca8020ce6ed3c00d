"""The gateway of the examples: run as its README says, and in this process for what a network hides."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import shlex
import socket
import ssl
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

import httpx
import pytest

from clientcert import PRESETS, encode_header, parse_pem

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "gateway"
PATIENCE = 30  # seconds: nothing waits so long, unless something is broken


def loaded(name):
    spec = spec_from_file_location(name, EXAMPLE / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


example = loaded("gateway")


# The two gateways of the README, and the application behind them


class Hop:
    """One of the servers; it has been started when this returns."""

    def __init__(self, command, directory, backend) -> None:
        program, *arguments = shlex.split(command)
        start = {"python": [sys.executable], "uvicorn": [sys.executable, "-m", "uvicorn"]}[program]
        self._process = subprocess.Popen(
            [*start, *(str(EXAMPLE / part) if part == "gateway.py" else part for part in arguments)],
            cwd=directory,
            env=os.environ | {"CLIENTCERT_BACKEND": backend, "PYTHONPATH": str(EXAMPLE)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._said, self._log, self._ports = [], [], SimpleQueue()
        # Read to the end: a server whose pipe is full waits.
        self._readers = [Thread(target=self._said.extend, args=[self._process.stdout]), Thread(target=self._read_log)]
        for reader in self._readers:
            reader.start()
        try:
            self.port = self._ports.get(timeout=PATIENCE)
        except Empty:
            self.end()
            raise

    def _read_log(self):
        for line in self._process.stderr:
            self._log.append(line)
            running = re.search(r"Uvicorn running on (?:https://127\.0\.0\.1:(\d+)|unix socket)", line)
            if running:
                self._ports.put(running[1])

    def end(self):
        """What the server wrote about each request, once it has ended."""
        with self._process:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            finally:
                self._process.kill()
                for reader in self._readers:
                    reader.join()
        # Uvicorn ends itself by the signal that it has handled.
        assert self._process.returncode in {0, -15}, "".join(self._log)
        return [line.rstrip("\n") for line in self._said]


class Gateways:
    """The commands of the README, with free ports in the place of its own."""

    def __init__(self, backend, directory) -> None:
        self.directory = directory
        self.hops = {}
        readme = (EXAMPLE / "README.md").read_text()
        commands = re.findall(r"^\$ ((?:python|uvicorn) .*)$", readme, re.MULTILINE)
        certificates, *servers = commands
        assert certificates == "python certificates.py"
        subprocess.run([sys.executable, str(EXAMPLE / "certificates.py")], cwd=directory, check=True)
        ports = {}
        for name, command in zip(("app", "gateway2", "gateway1"), servers, strict=True):
            given = re.search(r"--port (\d+)", command)
            if given:
                command = command.replace(given[0], "--port 0")  # noqa: PLW2901
            for stated, actual in ports.items():
                command = command.replace(f":{stated}", f":{actual}")  # noqa: PLW2901
            self.hops[name] = Hop(command, directory, backend)
            if given:
                ports[given[1]] = self.hops[name].port

    def ask(self, hop, client=None, headers=(), body="", path="/"):
        """Status and body of the answer to one request over TLS, sent byte for byte."""
        context = ssl.create_default_context(cafile=self.directory / "ca.pem")
        if client is not None:
            context.load_cert_chain(self.directory / f"{client}.pem", self.directory / f"{client}.key")
        with (
            socket.create_connection(("127.0.0.1", int(self.hops[hop].port)), PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            lines = [f"GET {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers)]
            connection.sendall("\r\n".join([*lines, "", body]).encode())
            with http.client.HTTPResponse(connection) as response:
                response.begin()
                text = response.read().decode()
                return response.status, json.loads(text) if response.status == 200 else text

    def certificate(self, name):
        return parse_pem((self.directory / f"{name}.pem").read_text())

    def forged(self):
        """The certificate of mallory, under every name that anyone could take for one that counts."""
        for preset in PRESETS.values():
            value = encode_header(self.certificate("mallory"), preset.encoding)
            for name in (preset.header, preset.header.upper(), *(preset.header.replace("-", sign) for sign in "_.")):
                yield name, value
            yield from preset.verdicts
            yield "Connection", preset.header
            yield "Connection", f"close, {preset.header.replace('-', '_')}"
        yield "Client-Cert-Chain", encode_header(self.certificate("mallory"), "rfc9440")


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    running = {}

    def start(backend):
        if backend not in running:
            running[backend] = Gateways(backend, tmp_path_factory.mktemp(f"gateways_{backend}"))
        return running[backend]

    yield start
    for gateways in running.values():
        for hop in reversed(gateways.hops.values()):
            hop.end()


@pytest.fixture
def gateways(backend, started):
    return started(backend)


def about_certificates(headers):
    return [[name, value] for name, value in headers if re.search("cert|verif|client-used|connection", name)]


def test_the_client_of_the_first_gateway_is_known_at_the_end(backend, gateways):
    status, answer = gateways.ask("gateway1", "alice")
    assert (status, answer["user"]) == (200, "alice")
    genuine = encode_header(gateways.certificate("alice"), "rfc9440")
    assert about_certificates(answer["headers"]) == [["client-cert", genuine]]


def test_nothing_that_a_client_forges_gets_through(backend, gateways):
    genuine = encode_header(gateways.certificate("alice"), "rfc9440")
    everything = list(gateways.forged())
    for forged in (everything, everything + everything, *([line] for line in everything)):
        status, answer = gateways.ask("gateway1", "alice", forged)
        assert (status, answer["user"]) == (200, "alice")
        assert about_certificates(answer["headers"]) == [["client-cert", genuine]]


def test_what_comes_after_the_body_gets_through_as_no_header(backend, gateways):
    trailer = f"Client-Cert: {encode_header(gateways.certificate('mallory'), 'rfc9440')}"
    chunked = [("Transfer-Encoding", "chunked"), ("Trailer", "Client-Cert")]
    status, answer = gateways.ask("gateway1", "alice", chunked, f"1\r\n.\r\n0\r\n{trailer}\r\n\r\n")
    assert (status, answer["user"]) == (200, "alice")


def test_a_client_without_a_certificate_is_refused_whatever_it_sends(backend, gateways):
    for forged in ([], list(gateways.forged())):
        assert gateways.ask("gateway1", headers=forged) == (401, "A client certificate is required.\n")


@pytest.mark.parametrize("client", [None, "alice", "mallory"])
def test_nobody_but_the_first_gateway_may_speak_to_the_second_for_clients(backend, gateways, client):
    forged = [("Client-Cert", encode_header(gateways.certificate("alice"), "rfc9440"))]
    status, text = gateways.ask("gateway2", client, forged)
    assert (status, text) == (401, "The request did not come through a trusted proxy.\n")


def test_the_first_gateway_is_no_client_of_the_second(backend, gateways):
    assert gateways.ask("gateway2", "gateway1") == (401, "A client certificate is required.\n")
    status, answer = gateways.ask(
        "gateway2", "gateway1", [("Client-Cert", encode_header(gateways.certificate("alice"), "rfc9440"))]
    )
    assert (status, answer["user"]) == (200, "alice")


def test_each_gateway_writes_who_has_asked_for_what(backend, tmp_path):
    gateways = Gateways(backend, tmp_path)
    gateways.ask("gateway1", "alice", path="/a?b=%0A")
    gateways.ask("gateway1", path="/nobody")
    line = f"{gateways.certificate('alice')['fingerprint256']} GET /a"
    written = {name: hop.end() for name, hop in reversed(gateways.hops.items())}
    assert (written["gateway1"], written["gateway2"]) == ([line], [line])


# The gateway alone


class Upstream(httpx.AsyncBaseTransport):
    """Answers as it is told, and keeps what it was asked."""

    def __init__(self, answer) -> None:
        self._answer = answer
        self.requests = []

    async def handle_async_request(self, request):
        self.requests.append(request)
        return await self._answer(request)


class Pieces(httpx.AsyncByteStream):
    def __init__(self, pieces) -> None:
        self._pieces = pieces
        self.closed = False

    def __aiter__(self):
        return self._pieces

    async def aclose(self):
        self.closed = True


def scope(*headers, method="GET", path=b"/", query=b""):
    return {
        "type": "http",
        "method": method,
        "raw_path": path,
        "query_string": query,
        "headers": [(b"host", b"gateway"), *headers],
        "client_certificate": None,
    }


def forward(answer, scope, *messages):
    """What a client hears, and what the upstream was asked."""
    upstream, sent, to_come = Upstream(answer), [], iter(messages)

    async def receive():
        return next(to_come)

    async def send(message):
        sent.append(message)

    asyncio.run(example.Gateway(upstream, "http://upstream")(scope, receive, send))
    return sent, upstream.requests


async def empty(request):
    return httpx.Response(204, stream=httpx.ByteStream(b""))


def body(piece, *, more):
    return {"type": "http.request", "body": piece, "more_body": more}


def test_bodies_go_through_piece_by_piece():
    events = []
    pieces = [b"one", b"two", b"three"]

    async def receive():
        events.append(f"the client sends {len(pieces)}")
        return body(pieces.pop(0), more=bool(pieces))

    async def send(message):
        events.append(f"the client gets {message.get('body', message.get('status'))}")

    async def answer(request):
        async def counted():
            for number in (1, 2):
                events.append(f"the upstream sends {number}")
                yield b"%d" % number

        async for piece in request.stream:
            events.append(f"the upstream gets {piece}")  # noqa: PERF401 - each as it comes
        return httpx.Response(200, stream=Pieces(counted()))

    request = scope((b"transfer-encoding", b"chunked"), method="POST")
    asyncio.run(example.Gateway(Upstream(answer), "http://upstream")(request, receive, send))
    assert events == [
        "the client sends 3",
        "the upstream gets b'one'",
        "the client sends 2",
        "the upstream gets b'two'",
        "the client sends 1",
        "the upstream gets b'three'",
        "the client gets 200",
        "the upstream sends 1",
        "the client gets b'1'",
        "the upstream sends 2",
        "the client gets b'2'",
        "the client gets b''",
    ]


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [(b"/", b"", b"/"), (b"//a/../%2e%2f", b"b=%0A&c", b"//a/../%2e%2f?b=%0A&c"), (b"/a?", b"", b"/a?")],
)
def test_the_target_goes_through_as_it_is(path, query, target):
    _, (request,) = forward(empty, scope(path=path, query=query))
    assert request.extensions["target"] == target


@pytest.mark.parametrize("path", [b"http://elsewhere/", b"*", b""])
def test_a_target_that_is_no_path_is_refused(path):
    (start, _), requests = forward(empty, scope(path=path))
    assert (start["status"], requests) == (400, [])


def test_headers_for_one_connection_go_no_further_in_either_direction():
    hop_by_hop = [
        (b"Connection", b"close, X-One"),
        (b"connection", b"x-two"),
        (b"keep-alive", b"timeout=5"),
        (b"Proxy-Connection", b"close"),
        (b"te", b"trailers"),
        (b"trailer", b"x-sum"),
        (b"upgrade", b"h2c"),
        (b"x-one", b"1"),
        (b"X-Two", b"2"),
    ]

    async def answer(request):
        cookies = [(b"Set-Cookie", b"a"), (b"set-cookie", b"b")]
        return httpx.Response(200, headers=[*hop_by_hop, *cookies], stream=httpx.ByteStream(b""))

    (start, _), (request,) = forward(answer, scope(*hop_by_hop, (b"x-three", b"3")))
    assert request.headers.raw == [(b"host", b"gateway"), (b"x-three", b"3")]
    assert start["headers"] == [(b"set-cookie", b"a"), (b"set-cookie", b"b")]


def test_a_request_without_a_body_stays_one():
    _, (request,) = forward(empty, scope())
    assert request.headers.raw == [(b"host", b"gateway")]


@pytest.mark.parametrize(
    ("headers", "framing"),
    [
        ([(b"content-length", b"1")], {"content-length": "1"}),
        ([(b"transfer-encoding", b"chunked")], {"transfer-encoding": "chunked"}),
        ([(b"content-length", b"9"), (b"transfer-encoding", b"chunked")], {"transfer-encoding": "chunked"}),
        ([(b"content-length", b"1"), (b"connection", b"content-length")], {"transfer-encoding": "chunked"}),
    ],
)
def test_a_body_has_one_length(headers, framing):
    _, (request,) = forward(empty, scope(*headers, method="POST"), body(b".", more=False))
    assert dict(request.headers) == {"host": "gateway"} | framing


def test_half_a_body_is_not_taken_for_a_whole_one():
    got = []

    async def answer(request):
        got.extend([piece async for piece in request.stream])
        return httpx.Response(200)

    chunked = scope((b"transfer-encoding", b"chunked"), method="POST")
    sent, _ = forward(answer, chunked, body(b"half", more=True), {"type": "http.disconnect"})
    assert (sent, got) == ([], [])


@pytest.mark.parametrize(
    ("error", "status"), [(httpx.ConnectError, 502), (httpx.ReadTimeout, 504), (httpx.RemoteProtocolError, 502)]
)
def test_an_upstream_that_does_not_answer_is_answered_for(error, status):
    async def answer(request):
        raise error("")

    (start, _), _ = forward(answer, scope())
    assert start["status"] == status


def test_an_answer_that_breaks_off_is_not_ended_and_is_closed():
    async def breaking():
        yield b"half"
        raise httpx.ReadError("")

    stream = Pieces(breaking())

    async def answer(request):
        return httpx.Response(200, stream=stream)

    with pytest.raises(httpx.ReadError):
        forward(answer, scope())
    assert stream.closed


def test_a_websocket_is_refused():
    assert forward(empty, {"type": "websocket"}) == ([{"type": "websocket.close"}], [])
