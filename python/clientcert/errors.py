"""Every exception of the package.

::

    ClientCertError
    ├── ConfigurationError            an option is wrong: raised at construction, says what to write instead
    ├── DecodeError                   bytes that are not what they should be: ``code`` and ``offset``
    ├── ValidationError               a certificate whose path or status is not good: ``reason`` and ``detail``
    └── CertificateNotRetrievable     the TLS layer vouches for a certificate that nobody can read: a server fault

No message carries a header value or certificate bytes: a header is attacker text, a certificate is personal data.
"""

from __future__ import annotations

__all__ = ["CertificateNotRetrievable", "ClientCertError", "ConfigurationError", "DecodeError", "ValidationError"]


class ClientCertError(Exception):
    """Anything that clientcert raises on its own account."""


class ConfigurationError(ClientCertError, ValueError):
    """An option, or a combination of options, that cannot be what was meant."""


class DecodeError(ClientCertError, ValueError):
    """Bytes that are not a certificate in the expected form.

    ``code`` is stable and the same on both backends; ``docs/formats.md`` lists the codes. ``offset`` counts bytes from
    the start of the input where the text is at fault, and from the start of the certificate's DER where the
    certificate is.
    """

    def __init__(self, code: str, offset: int) -> None:
        super().__init__(code, offset)
        self.code = code
        self.offset = offset

    def __str__(self) -> str:
        return f"{self.code} at offset {self.offset}"


class ValidationError(ClientCertError):
    """A certificate that no trust anchor stands behind, that is out of date or revoked, or of which that is unknown.

    ``reason`` is one of `clientcert.RejectionReason`. ``detail`` is for logs, and holds nothing of the certificate.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class CertificateNotRetrievable(ClientCertError):  # noqa: N818 - the name of the outcome in the package this one follows
    """The TLS connection is authenticated, but its certificate cannot be read: the server's fault, not the client's."""
