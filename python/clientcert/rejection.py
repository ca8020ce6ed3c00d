"""Why a request has no certificate to go by, and which check said so."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from clientcert.certificate import PeerCertificate

__all__ = ["Check", "Rejection", "RejectionReason"]


class RejectionReason(StrEnum):
    """Why a request is not authenticated. The values are stable; an audit log may rely on them."""

    SOCKET_NOT_AUTHORIZED = "socket_not_authorized"
    CERTIFICATE_NOT_RETRIEVABLE = "certificate_not_retrievable"
    HEADER_MISSING_OR_MALFORMED = "header_missing_or_malformed"
    VERIFICATION_HEADER_MISMATCH = "verification_header_mismatch"
    CALLBACK_RETURNED_FALSE = "callback_returned_false"
    UNTRUSTED_PEER = "untrusted_peer"
    PEER_REWRITTEN = "peer_rewritten"
    DUPLICATE_HEADER = "duplicate_header"
    AMBIGUOUS_HEADER_NAME = "ambiguous_header_name"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid"
    UNTRUSTED_ISSUER = "untrusted_issuer"
    REVOKED = "revoked"
    REVOCATION_UNKNOWN = "revocation_unknown"


class Check(StrEnum):
    """The checks of a request, in the order in which they are made: none is made after one that fails."""

    PEER = "peer"
    DUPLICATES = "duplicates"
    NAMES = "names"
    VERDICTS = "verdicts"
    HEADER = "header"
    DECODING = "decoding"
    CHAIN = "chain"
    CROSS_CHECKS = "cross_checks"
    SOCKET = "socket"
    VALIDITY = "validity"
    PATH = "path"
    REVOCATION = "revocation"


class Rejection(NamedTuple):
    """Why there is no certificate to go by: the check that failed, and how.

    ``detail`` is for logs: it names headers, codes and numbers, and holds nothing that a client has written.
    ``presented`` is False only where the request carries no certificate at all, nor any sign of one. ``instead_of`` is
    the rejection upon which the TLS connection was looked at instead of the header. ``certificate`` is there where one
    was read and is itself what is refused: for records, and nobody's identity.
    """

    check: Check
    reason: RejectionReason
    detail: str
    presented: bool = True
    instead_of: Rejection | None = None
    certificate: PeerCertificate | None = None
