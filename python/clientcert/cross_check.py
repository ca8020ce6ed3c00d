"""A digest or a serial number that a proxy forwards beside the certificate: what it writes, and whether it agrees.

Where both come from the proxy they agree. Where one of them is the client's own, they do not: a forged certificate in
a header that the proxy does not replace is refused as long as the proxy replaces the other one.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from clientcert.certificate import PeerCertificate

__all__ = ["CrossCheckForm", "agrees", "forwarded_value"]

CrossCheckForm = Literal["sha256-hex", "sha256-base64", "serial-hex"]
"""What a header says of the certificate beside it: the SHA-256 of its DER, or its serial number. Hexadecimal digits are
compared in either case, with or without colons between them, a serial number without its leading zeros."""


def forwarded_value(certificate: PeerCertificate, form: CrossCheckForm) -> str:
    """Return the header value that a product writes for ``certificate``."""
    if form == "serial-hex":
        return str(certificate["serialNumber"])
    digest = hashlib.sha256(certificate["raw"])
    return digest.hexdigest() if form == "sha256-hex" else b64encode(digest.digest()).decode("ascii")


def agrees(value: bytes, certificate: PeerCertificate, form: CrossCheckForm) -> bool:
    """Return whether ``value`` says of ``certificate`` what is true. Text that is no such value is not true of any."""
    expected = forwarded_value(certificate, form).encode()
    if form == "sha256-base64":
        return value == expected
    digits, expected = value.replace(b":", b"").upper(), expected.upper()
    if form == "serial-hex":  # some products write whole octets, others no leading zeros
        return bool(digits) and digits.lstrip(b"0") == expected.lstrip(b"0")
    return digits == expected
