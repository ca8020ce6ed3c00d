"""A request as a server makes it of what nginx forwards: ten header lines, of which one is the certificate."""

from __future__ import annotations

from typing import Any

_LINES = (
    (b"host", b"example.org"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    (b"accept", b"*/*"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"x-request-id", b"7f3a9c52d1e84b06a5c7e9f1b2d3c4e5"),
    (b"x-forwarded-for", b"203.0.113.9"),
    (b"x-forwarded-proto", b"https"),
    (b"connection", b"close"),
)


def scope(value: bytes | None) -> dict[str, Any]:
    """Return the scope of a request with ``value`` in the header of the certificate, or with neither of nginx's."""
    certificate = () if value is None else ((b"x-ssl-client-cert", value), (b"x-ssl-client-verify", b"SUCCESS"))
    return {
        "type": "http",
        "method": "GET",
        "path": "/",
        "client": ("10.0.0.5", 4711),
        "server": ("10.0.0.1", 80),
        "headers": [*_LINES, *certificate],
    }


def received(value: bytes | None) -> dict[str, Any]:
    """Return the scope with names and values of its own, as a parser makes them: Python has hashed none of them yet."""
    request = scope(value)
    request["headers"] = [(bytes(bytearray(name)), bytes(bytearray(line))) for name, line in request["headers"]]
    return request


def environ(value: bytes) -> dict[str, Any]:
    """Return the environ of the same request."""
    lines = scope(value)["headers"]
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "REMOTE_ADDR": "10.0.0.5",
        "wsgi.url_scheme": "http",
        **{f"HTTP_{name.decode().upper().replace('-', '_')}": line.decode("latin-1") for name, line in lines},
    }
