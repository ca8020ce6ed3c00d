"""The core functions: header text, DER and PEM to `PeerCertificate`, and back to header text.

Both backends give the same result, or the same `DecodeError`, for the same input; ``docs/formats.md`` has the grammar
of each encoding and what is refused.
"""

from __future__ import annotations

from typing import Literal, get_args

from clientcert import _backend
from clientcert.certificate import PeerCertificate, XfccElement
from clientcert.errors import ConfigurationError, DecodeError

__all__ = [
    "HeaderEncoding",
    "encode_header",
    "parse_chain_header",
    "parse_der",
    "parse_header",
    "parse_pem",
    "parse_xfcc",
]

HeaderEncoding = Literal[
    "url-pem",
    "url-pem-aws",
    "xfcc",
    "base64-der",
    "rfc9440",
    "pem",
    "base64-pem",
    "hex-der",
    "base64-der-concat",
]
"""How a proxy writes a certificate into a header: the seed's five, then Apache's and nginx's raw PEM on one line,
base64 of a PEM text, hexadecimal DER, and base64 over concatenated DER (HAProxy's chain)."""

HEADER_ENCODINGS: frozenset[str] = frozenset(get_args(HeaderEncoding))

# Of certificates or elements: each is an option of the caller, this the most that it can be set to. OpenSSL verifies no
# deeper chain (`depth` in the default of crypto/x509/x509_vpm.c).
MOST_PARTS = 100

_CHAIN_IN_ANOTHER_HEADER = frozenset({"rfc9440", "hex-der"})


def parse_header(value: str | bytes, encoding: HeaderEncoding, *, max_certificates: int = 10) -> PeerCertificate:
    """Return the certificate in a header value; further ones are linked as its ``issuerCertificate``.

    The first certificate is the identity. One that is damaged rejects the whole value, wherever it stands. ``xfcc``
    must have exactly one element here; `parse_xfcc` reads more.

    Raises `DecodeError`, with the code ``no_certificate`` where the value is one of the ways to say "none" (empty,
    ``::``, ``(null)``, ``:(null):``).
    """
    # What is nearly always so is seen here: calls of the three functions would take a tenth of the whole.
    if encoding not in HEADER_ENCODINGS:
        _check_encoding(encoding)
    if type(value) is not bytes:
        value = _octets(value)
    if type(max_certificates) is not int or not 1 <= max_certificates <= MOST_PARTS:
        max_certificates = _at_least_one(max_certificates)
    certificate: PeerCertificate = _backend.core.parse_header(value, encoding, max_certificates)
    return certificate


def parse_chain_header(
    value: str | bytes, encoding: HeaderEncoding, *, max_certificates: int = 10
) -> tuple[PeerCertificate, ...]:
    """Return the certificates of a chain header, such as ``Client-Cert-Chain`` (RFC 9440, section 2.3), in its order.

    The end-entity certificate is not among them. Raises `DecodeError` as `parse_header` does; the code is
    ``no_certificate`` where the chain is empty.
    """
    _check_encoding(encoding)
    if encoding == "xfcc":
        raise ConfigurationError("'xfcc' has its chain in the same header: there is no chain header to parse")
    certificates: tuple[PeerCertificate, ...] = _backend.core.parse_chain_header(
        _octets(value), encoding, _at_least_one(max_certificates)
    )
    return certificates


def parse_der(data: bytes) -> PeerCertificate:
    """Return the certificate whose DER is ``data``, all of it. Raises `DecodeError`."""
    certificate: PeerCertificate = _backend.core.parse_der(_exact_bytes(data))
    return certificate


PeerCertificate._parse_der = staticmethod(parse_der)  # noqa: SLF001 - within the package


def parse_pem(data: str | bytes, *, max_certificates: int = 10) -> PeerCertificate:
    """Return the first certificate of a PEM text; further ones are linked as its ``issuerCertificate``.

    There may be white space between the blocks, and nothing else. Raises `DecodeError`.
    """
    certificate: PeerCertificate = _backend.core.parse_pem(_octets(data), _at_least_one(max_certificates))
    return certificate


def parse_xfcc(value: str | bytes, *, max_elements: int = 10) -> tuple[XfccElement, ...]:
    """Return the elements of an ``x-forwarded-client-cert`` header, the oldest hop first.

    A certificate that is there has been decoded, and checked against ``Hash``, ``Chain``, ``URI`` and ``DNS``. Raises
    `DecodeError`.
    """
    elements = _backend.core.parse_xfcc(_octets(value), _at_least_one(max_elements))
    return tuple(map(XfccElement._make, elements))


def encode_header(certificate: PeerCertificate, encoding: HeaderEncoding, *, chain: bool = False) -> str:
    """Return the header value that the product which uses ``encoding`` writes for ``certificate``.

    With ``chain``, its ``issuerCertificate`` and so on follow. `ConfigurationError` where the encoding has no place
    for them: those products send the chain in a header of its own.
    """
    _check_encoding(encoding)
    if chain and encoding in _CHAIN_IN_ANOTHER_HEADER:
        raise ConfigurationError(f"{encoding!r} holds one certificate: its chain travels in a header of its own")
    certificates = certificate.chain if chain else (certificate,)
    text: str = _backend.core.encode_header([part["raw"] for part in certificates], encoding)
    return text


def _check_encoding(encoding: str) -> None:
    if encoding not in HEADER_ENCODINGS:
        raise ConfigurationError(f"encoding must be one of {', '.join(map(repr, get_args(HeaderEncoding)))}")


def _at_least_one(count: int) -> int:
    if not isinstance(count, int) or not 1 <= count <= MOST_PARTS:
        raise ConfigurationError(f"max_certificates and max_elements are whole numbers from 1 to {MOST_PARTS}")
    return count


def _octets(value: str | bytes) -> bytes:
    if isinstance(value, str):
        try:
            # A header's octets as text are latin-1 (PEP 3333; the ASGI specification sends bytes).
            return value.encode("latin-1")
        except UnicodeEncodeError as error:
            raise DecodeError("character", error.start) from None
    return _exact_bytes(value)


def _exact_bytes(data: bytes) -> bytes:
    if not isinstance(data, bytes):
        raise TypeError(f"expected bytes, not {type(data).__name__}")
    # What is kept has no methods but those of bytes.
    return data if type(data) is bytes else bytes(memoryview(data))
