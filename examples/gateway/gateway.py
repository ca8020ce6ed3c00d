"""A streaming reverse proxy that authenticates its clients by certificate, and tells the next hop who they are."""

from __future__ import annotations

import argparse
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn

from clientcert import ClientCertStrategy, PeerCertificate, TrustedProxies, allow_fingerprints, parse_pem
from clientcert.asgi import ClientCertMiddleware
from clientcert.gateway import forwarded_headers
from clientcert.servers.uvicorn import client_certificates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable

    from clientcert.asgi import Receive, Scope, Send

TIMEOUT = httpx.Timeout(30)  # to connect, and between two pieces of a body

# RFC 9110, section 7.6.1; and Trailer, because no trailer fields are forwarded.
HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}


class ClientGoneError(Exception):
    """The client has left before the end of its request."""


class Gateway:
    """Forwards each request over ``transport``. It stands behind `ClientCertMiddleware`, which authenticates.

    ``watched`` are the headers that the strategy reads.
    """

    def __init__(
        self, transport: httpx.AsyncBaseTransport, upstream: httpx.URL | str, *, watched: Collection[str] = ()
    ) -> None:
        self._transport = transport
        self._upstream = upstream
        self._watched = watched

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request; a websocket is refused."""
        if scope["type"] == "http":
            await self._forward(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._transport.aclose()
            await send({"type": "lifespan.shutdown.complete"})

    async def _forward(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["raw_path"].startswith(b"/"):  # a whole URL, for a proxy of another kind, or "*"
            await _answer(400, send)
            return
        try:
            response = await self._transport.handle_async_request(self._request(scope, receive))
        except ClientGoneError:  # nobody is there to be answered
            return
        except httpx.TimeoutException:
            await _answer(504, send)
            return
        except httpx.TransportError:
            await _answer(502, send)
            return
        try:
            headers = [(name.lower(), value) for name, value in end_to_end(response.headers.raw)]
            await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            async for piece in response.aiter_raw():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await response.aclose()

    def _request(self, scope: Scope, receive: Receive) -> httpx.Request:
        names = {name for name, _ in scope["headers"]}
        headers = end_to_end(scope["headers"])
        if b"transfer-encoding" in names:  # it overrides Content-Length (RFC 9112, section 6.3), and is made anew
            headers = [line for line in headers if line[0] != b"content-length"]
        query = scope["query_string"]
        return httpx.Request(
            scope["method"],
            self._upstream,
            headers=forwarded_headers(headers, scope["client_certificate"], remove=self._watched),
            content=_body(receive) if names & {b"content-length", b"transfer-encoding"} else None,
            extensions={
                "target": scope["raw_path"] + (b"?" + query if query else b""),  # as the client wrote it
                "timeout": TIMEOUT.as_dict(),
            },
        )


def end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers without those that are for one connection only (RFC 9110, section 7.6.1)."""
    lines = list(headers)
    nominated = {
        option.strip().lower() for name, value in lines if name.lower() == b"connection" for option in value.split(b",")
    }
    return [line for line in lines if line[0].lower() not in HOP_BY_HOP | nominated]


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            # To end here would make a whole body of half of one.
            raise ClientGoneError
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def _answer(status: int, send: Send) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def accepted(certificate: PeerCertificate, scope: dict[str, Any]) -> None:
    """Write who has asked for what: the audit log."""
    print(certificate["fingerprint256"], scope["method"], scope["raw_path"].decode("latin-1"), flush=True)


def strategy_of(behind: Path | None) -> ClientCertStrategy:
    """Return the strategy of a gateway: of the first one, or of one behind a gateway with this certificate."""
    if behind is None:
        return ClientCertStrategy(lambda _: True, on_authenticated=accepted)
    fingerprint = parse_pem(behind.read_text())["fingerprint256"]
    return ClientCertStrategy(
        lambda _: True,
        certificate_source="rfc9440",
        trusted_proxies=TrustedProxies(certificate=allow_fingerprints([fingerprint])),
        on_authenticated=accepted,
    )


def transport_of(options: argparse.Namespace) -> tuple[httpx.AsyncHTTPTransport, str]:
    """Return what requests are forwarded over, and the URL of what they are forwarded to."""
    if options.upstream.startswith("unix:"):
        return httpx.AsyncHTTPTransport(uds=options.upstream.removeprefix("unix:")), "http://localhost"
    context = ssl.create_default_context(cafile=options.upstream_ca)
    if options.upstream_certfile is not None:
        context.load_cert_chain(options.upstream_certfile, options.upstream_keyfile)
    return httpx.AsyncHTTPTransport(verify=context), options.upstream


def main() -> None:
    """Run the gateway."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="to listen on")
    parser.add_argument("--certfile", required=True, help="this gateway's certificate as a server")
    parser.add_argument("--keyfile", required=True)
    parser.add_argument("--client-ca", required=True, help="who issues the certificates of its clients")
    parser.add_argument("--behind", type=Path, help="the certificate of the gateway in front of it, if there is one")
    parser.add_argument("--upstream", required=True, help="where to forward to: a URL, or unix:PATH")
    parser.add_argument("--upstream-ca", help="who issues the upstream's certificate")
    parser.add_argument("--upstream-certfile", help="this gateway's certificate as a client")
    parser.add_argument("--upstream-keyfile")
    options = parser.parse_args()
    strategy = strategy_of(options.behind)
    transport, upstream = transport_of(options)
    uvicorn.run(
        ClientCertMiddleware(Gateway(transport, upstream, watched=strategy.watched_headers), strategy),
        port=options.port,
        ssl_certfile=options.certfile,
        ssl_keyfile=options.keyfile,
        access_log=False,  # it is `accepted`
        server_header=False,
        date_header=False,
        **client_certificates(options.client_ca, required=False),  # the strategy refuses, with an answer
    )


if __name__ == "__main__":
    main()
