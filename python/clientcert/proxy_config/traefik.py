"""Dangers in the files of Traefik, static and dynamic."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from clientcert.proxy_config.danger import Danger
from clientcert.proxy_config.marked_yaml import MarkedMapping, mappings, read

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RECOGNISED", "dangers"]

RECOGNISED = re.compile(r"\b(?:entryPoints|passTLSClientCert|clientAuthType)\b")

_UNVERIFIED = "certificates that nobody has verified are forwarded, and nothing tells them apart"
_TYPES = {"RequestClientCert": _UNVERIFIED, "RequireAnyClientCert": _UNVERIFIED}
_BELIEVED = "what a client without a certificate sends under the name goes through"


def dangers(text: str) -> Iterator[Danger]:
    """Yield what is dangerous in a file."""
    for document in read(text):
        for mapping in mappings(document):
            headers = mapping.mapping("forwardedHeaders")
            if headers.get("insecure") == "true":
                yield Danger(headers.lines["insecure"], "forwardedHeaders.insecure", f"{_BELIEVED}, from anybody")
            if headers.get("trustedIPs"):
                yield Danger(headers.lines["trustedIPs"], "forwardedHeaders.trustedIPs", f"{_BELIEVED}, from these")
            kind = mapping.get("clientAuthType")
            if isinstance(kind, str) and kind in _TYPES:
                yield Danger(mapping.lines["clientAuthType"], f"clientAuthType: {kind}", _TYPES[kind])
            forwarding = mapping.mapping("passTLSClientCert")
            if "info" in forwarding:
                reason = "it writes names without escapes, so that one can be read as several: use pem"
                yield Danger(forwarding.lines["info"], "passTLSClientCert.info", reason)
        if isinstance(document, MarkedMapping):
            yield from _routers(document.mapping("http"))


def _routers(http: MarkedMapping) -> Iterator[Danger]:
    """Find the routers that lead to the same service without the middleware."""
    middlewares = http.mapping("middlewares")
    forwarding = {name for name in middlewares if middlewares.mapping(name, "passTLSClientCert")}
    if not forwarding:
        return
    routers = http.mapping("routers")
    with_it = {name for name in routers if forwarding & _names(routers.mapping(name).get("middlewares"))}
    services = {routers.mapping(name).get("service") for name in with_it}
    for name in routers:
        if name not in with_it and routers.mapping(name).get("service") in services:
            reason = "it leads to the same service without passTLSClientCert, which sets the header"
            yield Danger(routers.lines[name], f"router {name}", reason)


def _names(middlewares: list[Any] | str | None) -> set[str]:
    """Return the names of a router's middlewares, without the provider."""
    names = middlewares if isinstance(middlewares, list) else []
    return {name.partition("@")[0] for name in names if isinstance(name, str)}
