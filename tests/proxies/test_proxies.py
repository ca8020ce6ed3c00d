"""Real proxies with the configurations that ``proxy-config`` prints, in front of real servers, and what clients try.

What becomes of each request is compared with the table in docs/proxies.md, too: with ``WRITE_MATRIX`` in the
environment, the table is written instead.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import ssl
from collections import defaultdict
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from backends import BACKENDS
from clientcert import PRESETS
from clientcert.proxy_config import CONFIGURATIONS
from clientcert.testing import proxy_headers
from proxies import matrix
from proxies.programs import PATIENCE, PROXIES, NotInstalledError, Proxy, free_port
from proxies.scenarios import HOST, SCENARIOS

SERVERS = [(kind, backend) for kind in ("uvicorn", "gunicorn") for backend in BACKENDS]
ATTEMPTS = 1000  # to reach a proxy that starts, each of which takes a moment


class Answer(NamedTuple):
    """What came back: from the application if there is its decision, from the proxy if not."""

    status: int
    decision: str | None
    certificate: str | None
    resumed: bool = False


class Chain:
    """One proxy, or several in a row, and the server behind them."""

    def __init__(self, title, names, server, pki, directory, *, required) -> None:
        self.title = title
        self.required = required
        self.preset = PRESETS[CONFIGURATIONS[names[0]].preset]
        self._path = f"/{names[0]}"
        self._server = server
        self._pki = pki
        self._running: list[Proxy] = []
        port = server.port
        with ExitStack() as undo:
            undo.callback(self.stop)
            for name in reversed(names):
                settings = pki.files | (pki.inner if name == "envoy-inner" else {})
                settings |= {"listen_host": "127.0.0.1", "server_name": HOST, "upstream_port": str(port)}
                port = free_port()
                proxy = Proxy(name, directory / name, settings | {"listen_port": str(port)}, required=required)
                self._running.append(proxy)
            self._address = ("127.0.0.1", port)
            self._wait_until_ready()
            undo.pop_all()

    def _wait_until_ready(self) -> None:
        answer = None
        for _ in range(ATTEMPTS):
            assert all(proxy.is_alive() for proxy in self._running), self.logs
            try:
                answer = self.ask(self._pki.leaf)
            except OSError:
                continue
            if answer.status == 200:
                return
        pytest.fail(f"{self.title} does not become ready: {answer}, {self.logs}")

    @property
    def logs(self) -> str:
        return "\n".join([*(proxy.log for proxy in self._running), self._server.log])

    def stop(self) -> None:
        for proxy in self._running:
            proxy.stop()

    def ask(self, client, lines=(), *, server_name=HOST, version=None, resumed=False, trailers=False) -> Answer:
        """The answer to a request on a connection of its own."""
        context = ssl.create_default_context(cadata=self._pki.servers_ca)
        context.check_hostname = False  # the client asks for another name in some scenarios
        if client is not None:
            context.load_cert_chain(*client.write(self._pki.directory))
        if version is not None:
            context.minimum_version = context.maximum_version = version
        session = None
        if resumed:
            with self._connected(context, server_name, None) as first:
                self._request(first, [])
                session = first.session
        with self._connected(context, server_name, session) as connection:
            answer = self._request(connection, lines, trailers=trailers)
            return answer._replace(resumed=connection.session_reused)

    def _connected(self, context, server_name, session) -> ssl.SSLSocket:
        plain = socket.create_connection(self._address, PATIENCE)
        try:
            return context.wrap_socket(plain, server_hostname=server_name, session=session)
        except BaseException:
            plain.close()
            raise

    def _request(self, connection, lines, *, trailers=False) -> Answer:
        fields = "".join(f"{name}: {value}\r\n" for name, value in lines)
        if trailers:
            head = f"POST {self._path} HTTP/1.1\r\nHost: {HOST}\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n"
            request = f"{head}Trailer: {', '.join(name for name, _ in lines)}\r\n\r\n1\r\nx\r\n0\r\n{fields}\r\n"
        else:
            request = f"GET {self._path} HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n"
        connection.sendall(request.encode())
        with http.client.HTTPResponse(connection) as response:
            response.begin()
            body = response.read()
            decision = response.headers["Decision"]
            certificate = json.loads(body)["certificate"] if decision == "accepted" else None
            return Answer(response.status, decision, certificate)


@pytest.fixture(
    scope="module",
    params=[(title, required, server) for title in PROXIES for required in (True, False) for server in SERVERS],
    ids=lambda param: f"{param[0]}-{'required' if param[1] else 'optional'}-{'-'.join(param[2])}",
)
def chain(request, pki, servers, tmp_path_factory):
    title, required, server = request.param
    directory = tmp_path_factory.mktemp("proxy")
    directory.chmod(0o755)
    try:
        running = Chain(title, PROXIES[title], servers[server], pki, directory, required=required)
    except NotInstalledError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
    running.kind = server[0]
    yield running
    running.stop()


@pytest.fixture(scope="session")
def documented():
    """The table of the documentation; or one that is made in this run, and written at its end."""
    if "WRITE_MATRIX" not in os.environ:
        yield matrix.read()
        return
    made: matrix.Outcomes = defaultdict(dict)
    yield made
    matrix.write(made)


def happened(chain, pki, scenario) -> str:
    """What became of a request, in words; AssertionError if that must never be."""
    client = scenario.client and getattr(pki, scenario.client)
    lines = scenario.forge(list(proxy_headers(chain.preset, pki.victim.certificate).items())) if scenario.forge else []
    try:
        answer = chain.ask(
            client,
            lines,
            server_name=scenario.server_name,
            version=scenario.version,
            resumed=scenario.resumed,
            trailers=scenario.trailers,
        )
    except (ssl.SSLError, ConnectionError, http.client.BadStatusLine):
        return "no connection"
    if answer.decision is None:
        assert answer.status >= 400
        return f"{answer.status} of the proxy"
    if answer.decision != "accepted":
        assert answer.status == 401
        return f"`{answer.decision}`"
    assert answer.status == 200
    assert answer.certificate != hashlib.sha256(pki.victim.der).hexdigest()
    assert client is not None
    assert answer.certificate == hashlib.sha256(client.der).hexdigest()
    return "identified, not resumed" if scenario.resumed and not answer.resumed else "identified"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.description)
def test_a_client_is_identified_or_refused_and_never_taken_for_another(chain, pki, documented, scenario):
    outcome = happened(chain, pki, scenario)
    if scenario.expected == "identified":
        assert outcome.startswith("identified"), chain.logs
    elif scenario.expected == "refused":
        assert not outcome.startswith("identified"), chain.logs
    key = ("required" if chain.required else "optional", scenario.description)
    if "WRITE_MATRIX" in os.environ:
        matrix.add(documented, key, chain.title, chain.kind, outcome)
    else:
        assert matrix.agrees(documented, key, chain.title, chain.kind, outcome)
