"""A proxy, or several in a row, in front of a server, and the connections of their clients."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from contextlib import ExitStack
from typing import NamedTuple

from clientcert import PRESETS
from clientcert.proxy_config import CONFIGURATIONS
from proxies.programs import PATIENCE, PROXIES, Proxy, free_port
from proxies.scenarios import HOST

ATTEMPTS = 1000  # to reach a proxy that starts, each of which takes a moment


class Answer(NamedTuple):
    """What came back: from the application if there is its decision, from the proxy if not."""

    status: int
    decision: str | None
    certificate: str | None
    issuers: tuple[str, ...] = ()


class Chain:
    """The proxies and the server of one configuration. The proxies are started here, and end with the context."""

    def __init__(self, title, server, pki, directory, *, required, options=()) -> None:
        self.title = title
        self.server = server
        self.required = required
        names = PROXIES[title]
        self.preset = PRESETS[CONFIGURATIONS[names[0]].preset]
        self.path = f"/{names[0]}"
        self._pki = pki
        self._proxies: list[Proxy] = []
        self._ports = [server.port]
        directory.chmod(0o755)  # Apache's processes are not root's
        with ExitStack() as started:
            for name in reversed(names):
                settings = pki.files | (pki.inner if name == "envoy-inner" else {})
                settings |= {"listen_host": "127.0.0.1", "server_name": HOST, "upstream_port": str(self._ports[0])}
                self._ports.insert(0, free_port())
                settings |= {"listen_port": str(self._ports[0])}
                proxy = Proxy(name, directory / name, pki.directory, settings, required=required, options=options)
                self._proxies.append(proxy)
                started.callback(proxy.stop)
            self._wait_until_ready()
            self._stack = started.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info) -> None:
        self._stack.close()

    def _wait_until_ready(self) -> None:
        answer = None
        for _ in range(ATTEMPTS):
            assert all(proxy.is_alive() for proxy in self._proxies), self.logs
            try:
                with self.connect(self._pki.leaf) as connection:
                    answer = connection.ask()
            except OSError:
                continue
            if answer.status == http.HTTPStatus.OK:
                return
        raise AssertionError(f"{self.title} does not become ready: {answer}, {self.logs}")

    @property
    def logs(self) -> str:
        return "\n".join([*(proxy.log for proxy in self._proxies), self.server.log])

    def connect(self, client, *, server_name=HOST, version=None, resume=False, hop=0) -> Connection:
        """A client's connection by TLS; ``hop`` counts the proxies that it passes by."""
        context = ssl.create_default_context(cadata=self._pki.servers_ca)
        context.check_hostname = False  # some ask for another name
        if client is not None:
            context.load_cert_chain(*client.write(self._pki.directory))
        if version is not None:
            context.minimum_version = context.maximum_version = version
        session = None
        if resume:
            with self._connect(context, server_name, None, hop) as first:
                first.ask()
                session = first.session
        return self._connect(context, server_name, session, hop)

    def _connect(self, context, server_name, session, hop) -> Connection:
        plain = socket.create_connection(("127.0.0.1", self._ports[hop]), PATIENCE)
        try:
            return Connection(self.path, context.wrap_socket(plain, server_hostname=server_name, session=session))
        except BaseException:
            plain.close()
            raise


class Connection:
    """A connection to a proxy, kept alive."""

    def __init__(self, path: str, tls: ssl.SSLSocket) -> None:
        self._path = path
        self._tls = tls

    def __enter__(self):
        return self

    def __exit__(self, *exc_info) -> None:
        self._tls.close()

    @property
    def session(self) -> ssl.SSLSession | None:
        return self._tls.session

    @property
    def resumed(self) -> bool:
        return bool(self._tls.session_reused)

    def ask(self, lines=(), *, trailers=False, with_chain=False) -> Answer:
        """The answer to a request with these header lines; or with these trailer fields."""
        path = f"{self._path}/chain" if with_chain else self._path
        fields = "".join(f"{name}: {value}\r\n" for name, value in lines)
        if trailers:
            head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n"
            request = f"{head}Trailer: {', '.join(name for name, _ in lines)}\r\n\r\n1\r\nx\r\n0\r\n{fields}\r\n"
        else:
            request = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n"
        self._tls.sendall(request.encode())
        with http.client.HTTPResponse(self._tls) as response:
            response.begin()
            body = response.read()
            decision = response.headers["Decision"]
            if decision != "accepted":
                return Answer(response.status, decision, None)
            known = json.loads(body)
            return Answer(response.status, decision, known["certificate"], tuple(known["issuers"]))
