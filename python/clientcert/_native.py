"""The Rust core's certificates, as users see them."""

from __future__ import annotations

from clientcert._core import Certificate
from clientcert.certificate import PeerCertificate

__all__ = ["NativeCertificate"]


class NativeCertificate(Certificate, PeerCertificate):
    """A certificate that the Rust core has read. It makes each of them, for its base class holds what was read."""

    __slots__ = ()
