"""The validity period of a certificate (RFC 5280, section 4.1.2.5), for whoever must know whether it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from clientcert.rejection import RejectionReason

if TYPE_CHECKING:
    from clientcert.certificate import PeerCertificate

__all__ = ["out_of_time", "span"]


def out_of_time(certificate: PeerCertificate, now: int) -> tuple[RejectionReason, str] | None:
    """Return why ``certificate`` is not valid at ``now``, in seconds since 1970: the reason and the detail."""
    not_before, not_after = certificate.validity_seconds
    if now < not_before:
        return RejectionReason.CERTIFICATE_NOT_YET_VALID, f"notBefore is in {span(not_before - now)}"
    if now > not_after:  # the period includes all of the second notAfter (RFC 5280, section 4.1.2.5)
        return RejectionReason.CERTIFICATE_EXPIRED, f"notAfter was {span(now - not_after)} ago"
    return None


def span(seconds: int) -> str:
    """Return a span of time for people: ``3 days, 4:05:06``."""
    return str(timedelta(seconds=seconds))
