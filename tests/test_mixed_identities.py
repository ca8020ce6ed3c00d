"""Many clients at once: none ever becomes another, whatever runs between, and hooks hear of each under its own name."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from datetime import UTC, datetime

import anyio
import pytest

from clientcert import ClientCertStrategy, cache, encode_header
from clientcert.asgi import ASGIRequest
from clientcert.asgi import ClientCertMiddleware as ASGIMiddleware
from clientcert.hooks import drain
from clientcert.testing import CertificateAuthority
from clientcert.wsgi import ClientCertMiddleware as WSGIMiddleware

CA = CertificateAuthority()
KNOWN = [CA.issue(f"client {number}") for number in range(10)]
MALLORY = CA.issue("mallory")
EXPIRED = CA.issue("client 0", not_after=datetime(2020, 1, 1, tzinfo=UTC))
REACH_VERIFY = len(KNOWN) + len([MALLORY])
ROUNDS = 40
PATIENCE = 30  # seconds: nothing waits so long, unless something is broken


class Client:
    """One identity, as it is in a scope or in an environ, and who it is to become there."""

    def __init__(self, name, issued=None, header=None, peer="10.0.0.1"):
        self.name = name
        self.der = issued.der if name else None
        self.reaches_verify = name is not None or issued is MALLORY
        self._pem = issued.pem if issued else None
        self._header = encode_header(issued.certificate, "rfc9440") if issued else header
        self._peer = peer

    def scope(self, source):
        scope = {"type": "http", "method": "GET", "headers": [], "client": (self._peer, 40000)}
        scope |= {"meant": self.name, "called": []}
        if source == "tls":
            scope["extensions"] = {"tls": {"client_cert": self._pem}} if self._pem else {}
        elif self._header is not None:
            scope["headers"] = [(b"client-cert", self._header.encode())]
        return scope

    def environ(self, source):
        environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": self._peer, "meant": self.name, "called": []}
        if source == "tls" and self._pem:
            environ |= {"SSL_CLIENT_VERIFY": "SUCCESS", "SSL_CLIENT_CERT": self._pem}
        elif source == "header" and self._header is not None:
            environ["HTTP_CLIENT_CERT"] = self._header
        return environ


def clients(source):
    """Sixteen clients, of whom ten are known and one is refused by verify; the others do not come that far."""
    yield from (Client(issued.certificate["subject"]["CN"], issued) for issued in KNOWN)
    yield Client(None, MALLORY)
    yield Client(None, EXPIRED)
    yield Client(None)
    yield Client(None, header=":QQ==:")
    yield Client(None, header="::")
    yield Client(None, KNOWN[0], peer="10.0.0.9") if source == "header" else Client(None)


class Records:
    """The hooks of a strategy: for whom they were called, and where that was another than the one who was meant."""

    def __init__(self):
        self.heard = Counter()
        self.wrong = []

    def on_authenticated(self, certificate, request):
        self._hear(certificate["subject"]["CN"], request)

    def on_rejected(self, certificate, request, reason):
        self._hear(None, request)
        if certificate is not None and certificate["subject"]["CN"] != "mallory":
            self.wrong.append((reason, certificate["subject"]["CN"]))

    def _hear(self, name, request):
        self.heard[name] += 1
        if name != request["meant"]:
            self.wrong.append((name, request["meant"]))


def strategy_of(source, verify, records):
    header = {"certificate_header": "Client-Cert", "header_encoding": "rfc9440", "trusted_proxies": ["10.0.0.1"]}
    return ClientCertStrategy(
        verify,
        pass_request=True,
        on_authenticated=records.on_authenticated,
        on_rejected=records.on_rejected,
        **(header if source == "header" else {}),
    )


def known_name(certificate):
    name = certificate["subject"]["CN"]
    return name if name.startswith("client ") else None


def seen(outcome):
    """Who an outcome says it is."""
    return (outcome.user, outcome.certificate["raw"]) if outcome else (None, None)


async def nothing(*args):
    raise AssertionError("nothing is received")


async def asgi_app(scope, receive, send):
    scope["called"].append(scope)


async def send(message):
    assert message.get("status", 401) == 401


async def through_asgi(middleware, client, source):
    scope = client.scope(source)
    await middleware(scope, nothing, send)
    return state(scope, scope["user"], scope["client_certificate"])


def wsgi_app(environ, start_response):
    environ["called"].append(environ)
    return []


def start_response(status, headers):
    assert status.startswith("401")


def through_wsgi(middleware, client, source):
    environ = client.environ(source)
    middleware(environ, start_response)
    assert environ.get("REMOTE_USER") == environ["clientcert.user"]
    return state(environ, environ["clientcert.user"], environ["clientcert.certificate"])


def state(request, user, certificate):
    """Who the application was called for, with this request and no other."""
    if request["called"]:
        (called,) = request["called"]
        assert called is request
        return user, certificate["raw"]
    assert certificate is None or certificate["raw"] == MALLORY.der  # attached before verify ran
    return user, None


@pytest.fixture
def switch_often():
    """Return what makes the interpreter switch between threads as often as it can, until the test is over."""
    interval = sys.getswitchinterval()
    yield lambda: sys.setswitchinterval(1e-6)
    sys.setswitchinterval(interval)


@pytest.fixture
def _small_cache(monkeypatch):
    """A cache that forgets all the time, and holds no two generations of these clients."""
    monkeypatch.setattr(cache, "_ENTRIES", 3)


@pytest.mark.usefixtures("_small_cache")
@pytest.mark.parametrize("source", ["header", "tls"])
@pytest.mark.parametrize("way", ["authenticate", "asgi", "wsgi"])
def test_sixteen_threads_never_mix_up_their_clients(backend, way, source, switch_often):
    records, everybody, wrong = Records(), list(clients(source)), []
    # Once all of them have started: CPython refuses to install a tracer, such as `make coverage` has, in two at a time.
    before, inside = threading.Barrier(16, action=switch_often), threading.Barrier(REACH_VERIFY)

    def verify(request, certificate):
        inside.wait(PATIENCE)  # each has its certificate before the first is answered
        return known_name(certificate)

    def ask(client, runner):
        if way == "asgi":
            return runner.run(through_asgi(asgi, client, source))
        if way == "wsgi":
            return through_wsgi(wsgi, client, source)
        return seen(strategy.authenticate(ASGIRequest(client.scope(source))))

    def serve(index):
        try:
            with asyncio.Runner() as runner:
                for number in range(ROUNDS):
                    client = everybody[(index + number) % 16]
                    before.wait(PATIENCE)
                    found = ask(client, runner)
                    if found != (client.name, client.der):
                        wrong.append((client.name, found[0]))
        except BaseException as error:  # noqa: BLE001 - the test fails by it, below
            wrong.append(error)
            before.abort()  # nobody waits for a thread that has failed
            inside.abort()

    strategy = strategy_of(source, verify, records)
    asgi = ASGIMiddleware(asgi_app, strategy)
    tls_source = "mod_ssl" if source == "tls" else "socket"
    wsgi = WSGIMiddleware(wsgi_app, strategy, tls_source=tls_source, remote_user=str)
    threads = [threading.Thread(target=serve, args=(index,)) for index in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drain()
    assert (wrong, records.wrong) == ([], [])
    assert records.heard == Counter({client.name: ROUNDS for client in everybody if client.name}) + Counter(
        {None: 6 * ROUNDS}
    )


@pytest.mark.usefixtures("_small_cache")
@pytest.mark.parametrize("loop", ["asyncio", "trio"])
@pytest.mark.parametrize("source", ["header", "tls"])
@pytest.mark.parametrize("way", ["authenticate", "asgi"])
def test_a_thousand_tasks_never_mix_up_their_clients(backend, way, source, loop):
    records, everybody, wrong = Records(), list(clients(source)), []
    asked = [everybody[(7 * number) % 16] for number in range(1000)]
    reach_verify = sum(client.reaches_verify for client in asked)
    entered = 0

    async def verify(request, certificate):
        nonlocal entered
        entered += 1
        if entered == reach_verify:  # each has its certificate before the first is answered
            all_entered.set()
        await all_entered.wait()
        return known_name(certificate)

    async def serve(client):
        if way == "asgi":
            found = await through_asgi(asgi, client, source)
        else:
            found = seen(await strategy.authenticate_async(ASGIRequest(client.scope(source))))
        if found != (client.name, client.der):
            wrong.append((client.name, found[0]))

    async def main():
        nonlocal all_entered
        all_entered = anyio.Event()
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                for client in asked:
                    tasks.start_soon(serve, client)

    all_entered = None
    strategy = strategy_of(source, verify, records)
    asgi = ASGIMiddleware(asgi_app, strategy)
    anyio.run(main, backend=loop)
    drain()
    assert (wrong, records.wrong) == ([], [])
    assert records.heard == Counter(client.name for client in asked)


def test_clients_who_stay_are_decoded_once_while_any_number_of_others_come(backend, monkeypatch):
    monkeypatch.setattr(cache, "_ENTRIES", 64)
    strategy = strategy_of("header", lambda _, certificate: certificate["subject"]["CN"], Records())
    regulars = [Client(f"client {number}", KNOWN[number]) for number in range(3)]
    decoded = {}
    for number in range(300):
        name = f"other {number}"
        for client in (Client(name, CA.issue(name)), *regulars):
            outcome = strategy.authenticate(ASGIRequest(client.scope("header")))
            assert seen(outcome) == (client.name, client.der)
            assert decoded.setdefault(client.name, outcome.certificate) is outcome.certificate
    assert len(decoded) == 303
