"""The main job on one page: a real server, real clients, and who is let in.

An application behind two kinds of connection. Clients of its own connect to it directly, with their certificates. Other
requests come through a proxy, which forwards its clients' certificates in ``Client-Cert`` (RFC 9440); the proxy proves
who it is by a certificate of its own. Below ``/mesh``, the same proxy forwards as Envoy does.

Everything runs on the loopback interface, with an authority that is made for the run. ``clientcert demo`` prints the
outcomes; what they say is what the server decided, not what this module expects.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import uvicorn

from clientcert import (
    ClientCertStrategy,
    TrustedProxies,
    all_of,
    allow_fingerprints,
    allow_issuer,
    allow_organization,
    encode_header,
)
from clientcert.asgi import ClientCertMiddleware
from clientcert.servers.uvicorn import client_certificates
from clientcert.testing import CertificateAuthority

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from clientcert import PeerCertificate
    from clientcert.asgi import ASGIApp, Receive, Scope, Send
    from clientcert.testing import IssuedCertificate

__all__ = ["Outcome", "outcomes"]

_SECONDS = 10  # a server that does not answer is a failure, not a demo that hangs


# The application.


async def greet(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the ASGI signature
    """Greet the user, whom the middleware has put into the scope."""
    user = scope["user"]["subject"]["CN"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": f"hello {user}".encode()})


def application(proxy: PeerCertificate, decisions: queue.Queue[str]) -> ASGIApp:
    """Return the application: ``greet``, for the employees of Example whom the authority has certified."""

    def on_authenticated(certificate: PeerCertificate, request: Scope) -> None:  # noqa: ARG001 - a hook's signature
        decisions.put(f"the user is {certificate['subject']['CN']}")

    def on_rejected(certificate: PeerCertificate | None, request: Scope, reason: str) -> None:  # noqa: ARG001 - as above
        decisions.put(reason)

    options: dict[str, Any] = {
        "trusted_proxies": TrustedProxies(certificate=allow_fingerprints([proxy["fingerprint256"]])),
        "on_authenticated": on_authenticated,
        "on_rejected": on_rejected,
    }
    employees = all_of(allow_organization(["Example"]), allow_issuer({"CN": "Example CA"}))
    main = ClientCertStrategy(employees, certificate_source="rfc9440", fallback_to_socket=True, **options)
    mesh = ClientCertStrategy(employees, certificate_source="envoy", **options)
    apps = {"/": ClientCertMiddleware(greet, main), "/mesh": ClientCertMiddleware(greet, mesh)}

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        await apps[scope["path"]](scope, receive, send)

    return route


# The requests.


class Request(NamedTuple):
    """A request, and the outcome that it must have."""

    description: str
    client: IssuedCertificate | None
    expected: str
    path: str = "/"
    headers: dict[str, str] = {}  # noqa: RUF012 - read only


def requests(authority: CertificateAuthority, proxy: IssuedCertificate) -> Iterator[Request]:
    """Yield the requests of the demo: those of honest clients, and those of an attacker."""
    now = datetime.now(UTC)
    alice = authority.issue(subject=[("O", "Example"), ("CN", "alice")])
    guest = authority.issue(subject=[("O", "Elsewhere"), ("CN", "guest")])
    expired = authority.issue(subject=[("O", "Example"), ("CN", "bob")], not_after=now - timedelta(seconds=2))

    yield Request("an employee's certificate", alice, "200 the user is alice")
    yield Request("no certificate", None, "401 socket_not_authorized")
    yield Request("a certificate that the policy refuses", guest, "401 callback_returned_false")

    def forwarded(client: IssuedCertificate) -> dict[str, str]:
        return {"Client-Cert": encode_header(client.certificate, "rfc9440")}

    yield Request("the employee, through the proxy", proxy, "200 the user is alice", headers=forwarded(alice))
    # Directly, the TLS layer refuses this one before there is a request; a proxy may have looked long ago.
    yield Request(
        "an expired certificate, through the proxy", proxy, "401 certificate_expired", headers=forwarded(expired)
    )
    yield Request(
        "the employee's certificate in a stranger's header", None, "401 untrusted_peer", headers=forwarded(alice)
    )
    yield Request("the same header, from a guest", guest, "401 untrusted_peer", headers=forwarded(alice))

    def envoy(client: IssuedCertificate) -> dict[str, str]:
        # Envoy writes the certificate's URIs last, and without quotes.
        uris = [name.value for name in client.certificate.subject_alt_names if name.kind == "uri"]
        pairs = [encode_header(client.certificate, "xfcc"), *(f"URI={uri}" for uri in uris)]
        return {"X-Forwarded-Client-Cert": ";".join(pairs)}

    yield Request("the employee, through Envoy", proxy, "200 the user is alice", "/mesh", envoy(alice))
    # The URI of this certificate is made to be read as a second element, with the employee's certificate in it.
    element = encode_header(alice.certificate, "xfcc")
    mallory = authority.issue("mallory", sans=[f"uri:spiffe://example.org/mallory,{element}"])
    injected = "401 header_missing_or_malformed"
    yield Request("an element injected into Envoy's header", proxy, injected, "/mesh", envoy(mallory))


# What runs them.


class Outcome(NamedTuple):
    """What became of a request, as the server tells it: by its status, and by the hook it calls."""

    request: str
    accepted: bool
    reason: str
    expected: str


def outcomes() -> Iterator[Outcome]:
    """Start the server, send the requests one by one, yield what became of each, and stop the server."""
    authority = CertificateAuthority("Example CA")
    proxy = authority.issue("proxy.example.org")
    decisions: queue.Queue[str] = queue.Queue()
    with (
        TemporaryDirectory() as directory,
        serve(application(proxy.certificate, decisions), authority, directory) as url,
    ):
        for request in requests(authority, proxy):
            response = send(request, url, authority, directory)
            # Hooks run beside the answer: this one may be a moment behind it.
            reason = f"{response.status_code} {decisions.get(timeout=_SECONDS)}"
            yield Outcome(request.description, response.is_success, reason, request.expected)


@contextmanager
def serve(app: ASGIApp, authority: CertificateAuthority, directory: str) -> Generator[str]:
    """Run uvicorn in a thread, with a certificate for the loopback address, and yield its URL."""
    certificate, key = authority.issue("localhost", sans=["ip:127.0.0.1"], server_auth=True).write(directory)
    ca_certs = Path(directory, "ca.pem")
    ca_certs.write_text(authority.pem)
    config = uvicorn.Config(
        app,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        log_level="warning",
        lifespan="off",
        **client_certificates(ca_certs, required=False),
    )
    server = uvicorn.Server(config)
    # It listens before the server runs, so the first client waits for as long as the server takes to start.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def send(request: Request, url: str, authority: CertificateAuthority, directory: str) -> httpx.Response:
    """Send one request over a TLS connection of its own, with the certificate of its client."""
    context = ssl.create_default_context(cadata=authority.pem)
    if request.client is not None:
        context.load_cert_chain(*request.client.write(directory))
    with httpx.Client(verify=context, trust_env=False, timeout=_SECONDS) as client:
        return client.get(url + request.path, headers=request.headers)
