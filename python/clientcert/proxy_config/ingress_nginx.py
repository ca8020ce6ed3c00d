"""Dangers in the resources of Kubernetes that ingress-nginx reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from clientcert.proxy_config.danger import Danger
from clientcert.proxy_config.marked_yaml import MarkedMapping, mappings, read

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RECOGNISED", "dangers"]

RECOGNISED = re.compile(r"nginx\.ingress\.kubernetes\.io/|enable-underscores-in-headers|ignore-invalid-headers")

_PREFIX = "nginx.ingress.kubernetes.io/"
_PASS = f"{_PREFIX}auth-tls-pass-certificate-to-upstream"
_SECRET = f"{_PREFIX}auth-tls-secret"
_VERIFY = f"{_PREFIX}auth-tls-verify-client"
_MODES = {
    "optional_no_ca": "certificates that nobody has verified are forwarded; only ssl-client-verify tells them apart",
    "off": "no certificate is asked for",
}
_CONTROLLER = {
    ("enable-underscores-in-headers", "true"): "what a client sends as ssl_client_cert reaches the server, which may "
    "take it for ssl-client-cert",
    (
        "ignore-invalid-headers",
        "false",
    ): "names with underscores and dots reach the server, which may take them for those with hyphens",
}


def dangers(text: str) -> Iterator[Danger]:
    """Yield what is dangerous in the resources of a file."""
    ingresses: list[MarkedMapping] = []
    for document in read(text):
        for mapping in mappings(document):
            if mapping.get("kind") == "Ingress":
                ingresses.append(mapping)
                yield from _annotations(mapping.mapping("metadata", "annotations"))
            elif mapping.get("kind") == "ConfigMap":
                data = mapping.mapping("data")
                for (key, value), reason in _CONTROLLER.items():
                    if data.get(key) == value:
                        yield Danger(data.lines[key], key, reason)
    yield from _others(ingresses)


def _annotations(annotations: MarkedMapping) -> Iterator[Danger]:
    if _SECRET not in annotations:
        return
    if annotations.get(_PASS) != "true":
        reason = "not true: ssl-client-cert is whatever the client writes, beside a true ssl-client-verify"
        line = annotations.lines.get(_PASS, annotations.lines[_SECRET])
        yield Danger(line, "auth-tls-pass-certificate-to-upstream", reason)
    mode = annotations.get(_VERIFY)
    if isinstance(mode, str) and mode in _MODES:
        yield Danger(annotations.lines[_VERIFY], f"auth-tls-verify-client: {mode}", _MODES[mode])


def _others(ingresses: list[MarkedMapping]) -> Iterator[Danger]:
    """Find the hosts of the same services that ask for no certificate."""
    asking = [ingress for ingress in ingresses if _SECRET in ingress.mapping("metadata", "annotations")]
    hosts = {host for ingress in asking for host, _ in _routes(ingress)}
    services = {service for ingress in asking for _, service in _routes(ingress)}
    for ingress in ingresses:
        others = {host for host, service in _routes(ingress) if service in services and host not in hosts}
        if ingress not in asking and others:
            reason = (
                "it leads to the same service under a host without auth-tls-secret: both headers are the client's own"
            )
            yield Danger(ingress.line, f"Ingress {ingress.mapping('metadata').get('name', '')}".strip(), reason)


def _routes(ingress: MarkedMapping) -> Iterator[tuple[Any, Any]]:
    """Yield the hosts of an Ingress, each with the names of the services behind it."""
    rules: list[Any] | str | None = ingress.mapping("spec").get("rules")
    for rule in rules if isinstance(rules, list) else []:
        for mapping in mappings(rule):
            if "service" in mapping:
                yield rule.get("host"), mapping.mapping("service").get("name")
