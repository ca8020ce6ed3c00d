"""Dangers in the static configuration of Envoy, in YAML or JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from clientcert.proxy_config.danger import Danger
from clientcert.proxy_config.marked_yaml import MarkedMapping, mappings, read

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RECOGNISED", "dangers"]

RECOGNISED = re.compile(r"HttpConnectionManager|DownstreamTlsContext|forward_client_cert_details")

_FORWARDING = {"SANITIZE_SET", "APPEND_FORWARD", "FORWARD_ONLY", "ALWAYS_FORWARD_ONLY"}
_HANDS_ON = "what the client writes into the header reaches the server"
_DROPPING = {"DROP_HEADER", "REJECT_REQUEST"}


def dangers(text: str) -> Iterator[Danger]:
    """Yield what is dangerous in a configuration, or in a part of one."""
    for document in read(text):
        chains = [mapping for mapping in mappings(document) if "filters" in mapping]
        for chain in chains:
            contexts = [mapping for mapping in mappings(chain) if _is(mapping, "DownstreamTlsContext")]
            managers = [mapping for mapping in mappings(chain) if _is(mapping, "HttpConnectionManager")]
            for context in contexts:
                yield from _context(context)
            for manager in managers:
                yield from _details(manager, knows_its_peers=any(map(_knows_its_peers, contexts)))
                yield from _similar(manager, asks_for_certificates=any(map(_asks_for_certificates, contexts)))


def _is(mapping: MarkedMapping, kind: str) -> bool:
    return str(mapping.get("@type", "")).endswith(f".{kind}")


def _validation(context: MarkedMapping) -> MarkedMapping:
    common = context.mapping("common_tls_context")
    return common.mapping("validation_context") or common.mapping("combined_validation_context")


def _asks_for_certificates(context: MarkedMapping) -> bool:
    """Return whether clients are asked for a certificate: Envoy does so where it has something to verify it with."""
    return bool(_validation(context)) or "validation_context_sds_secret_config" in context.mapping("common_tls_context")


def _knows_its_peers(context: MarkedMapping) -> bool:
    """Return whether nobody but named peers gets through: other proxies, as it must be meant."""
    validation = _validation(context)
    if validation.get("default_validation_context"):
        validation = validation.mapping("default_validation_context")
    named = validation.get("match_typed_subject_alt_names") or validation.get("verify_certificate_hash")
    return context.get("require_client_certificate") == "true" and bool(named)


def _context(context: MarkedMapping) -> Iterator[Danger]:
    if context.get("require_client_certificate") == "true" and not _asks_for_certificates(context):
        reason = "without a validation_context, no certificate is asked for, and every client is let in"
        yield Danger(context.lines["require_client_certificate"], "require_client_certificate", reason)
    for mapping in mappings(_validation(context)):
        if mapping.get("trust_chain_verification") == "ACCEPT_UNTRUSTED":
            reason = "certificates that do not verify are forwarded, and nothing tells them apart"
            yield Danger(mapping.lines["trust_chain_verification"], "ACCEPT_UNTRUSTED", reason)


def _details(manager: MarkedMapping, *, knows_its_peers: bool) -> Iterator[Danger]:
    details = str(manager.get("forward_client_cert_details"))
    if details not in _FORWARDING:
        return
    line = manager.lines["forward_client_cert_details"]
    if details == "ALWAYS_FORWARD_ONLY":
        yield Danger(line, details, f"{_HANDS_ON}, also without TLS: use SANITIZE_SET")
    elif details == "FORWARD_ONLY":
        yield Danger(line, details, f"{_HANDS_ON}: use SANITIZE_SET")
    elif details == "APPEND_FORWARD" and not knows_its_peers:
        reason = (
            "before the true element: use SANITIZE_SET, or let in named proxies only (match_typed_subject_alt_names)"
        )
        yield Danger(line, details, f"{_HANDS_ON}, {reason}")
    shown = manager.mapping("set_current_client_cert_details")
    for key in ("uri", "dns"):
        if shown.get(key) == "true":
            reason = "it is written without quotes, so that a name in a certificate may end the element: use cert"
            yield Danger(shown.lines[key], f"set_current_client_cert_details.{key}", reason)


def _similar(manager: MarkedMapping, *, asks_for_certificates: bool) -> Iterator[Danger]:
    """Find what passes names with underscores: also where Envoy removes the header, and so sets none beside them."""
    if manager.get("forward_client_cert_details") not in _FORWARDING and not asks_for_certificates:
        return
    if manager.mapping("common_http_protocol_options").get("headers_with_underscores_action") not in _DROPPING:
        line = manager.lines.get("forward_client_cert_details", manager.lines["@type"])
        reason = "what the client sends as x_forwarded_client_cert goes through: DROP_HEADER, beside this line"
        yield Danger(line, "headers_with_underscores_action", reason)
