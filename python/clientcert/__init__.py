"""Authenticate HTTP requests by the client's TLS certificate, from the connection or from a proxy's header."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from clientcert._backend import backend
from clientcert.callback_style import callback_style
from clientcert.certificate import PeerCertificate, XfccElement
from clientcert.decoded import GeneralName
from clientcert.errors import (
    CertificateNotRetrievable,
    ClientCertError,
    ConfigurationError,
    DecodeError,
    ValidationError,
)
from clientcert.forwarded_identity import ForwardedIdentity
from clientcert.outcome import Accept, Failure, Outcome, Reject, Success
from clientcert.parse import (
    HeaderEncoding,
    encode_header,
    parse_chain_header,
    parse_der,
    parse_header,
    parse_pem,
    parse_xfcc,
)
from clientcert.policy import (
    all_of,
    allow_ca,
    allow_cn,
    allow_email,
    allow_fingerprints,
    allow_issuer,
    allow_organization,
    allow_ou,
    allow_san,
    allow_serial,
    allow_spiffe_id,
    allow_subject,
    any_of,
    required_extensions,
)
from clientcert.presets import PRESETS, Preset
from clientcert.rejection import Check, RejectionReason
from clientcert.strategy import ClientCertStrategy
from clientcert.trust import TrustedProxies

if TYPE_CHECKING:
    from clientcert.explanation import Decision, Explanation
    from clientcert.identity_mapping import IdentityRule, MappedIdentity, map_identity
    from clientcert.token_binding import bind_session, confirm_session_binding, confirm_token_binding

__all__ = [
    "PRESETS",
    "Accept",
    "CertificateNotRetrievable",
    "Check",
    "ClientCertError",
    "ClientCertStrategy",
    "ConfigurationError",
    "Decision",
    "DecodeError",
    "Explanation",
    "Failure",
    "ForwardedIdentity",
    "GeneralName",
    "HeaderEncoding",
    "IdentityRule",
    "MappedIdentity",
    "Outcome",
    "PeerCertificate",
    "Preset",
    "Reject",
    "RejectionReason",
    "Success",
    "TrustedProxies",
    "ValidationError",
    "XfccElement",
    "__version__",
    "all_of",
    "allow_ca",
    "allow_cn",
    "allow_email",
    "allow_fingerprints",
    "allow_issuer",
    "allow_organization",
    "allow_ou",
    "allow_san",
    "allow_serial",
    "allow_spiffe_id",
    "allow_subject",
    "any_of",
    "backend",
    "bind_session",
    "callback_style",
    "confirm_session_binding",
    "confirm_token_binding",
    "encode_header",
    "map_identity",
    "parse_chain_header",
    "parse_der",
    "parse_header",
    "parse_pem",
    "parse_xfcc",
    "required_extensions",
]

__version__: str

# Loaded when they are asked for: together, what most programs do without takes a tenth of the time that the rest takes.
_LATER = {
    "Decision": "explanation",
    "Explanation": "explanation",
    "IdentityRule": "identity_mapping",
    "MappedIdentity": "identity_mapping",
    "bind_session": "token_binding",
    "confirm_session_binding": "token_binding",
    "confirm_token_binding": "token_binding",
    "map_identity": "identity_mapping",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        value = globals()[name] = getattr(import_module(f"clientcert.{_LATER[name]}"), name)
        return value
    if name == "__version__":
        # It brings email and zipfile, and reads files.
        from importlib.metadata import version  # noqa: PLC0415 - as above

        return version("clientcert")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
