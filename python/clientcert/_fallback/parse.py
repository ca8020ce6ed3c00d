"""The functions of the backend: decode the text, then read each certificate, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clientcert._fallback import decode, limits, xfcc
from clientcert._fallback.x509 import Certificate
from clientcert.certificate import link
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from clientcert.certificate import PeerCertificate

__all__ = ["parse_chain_header", "parse_der", "parse_header", "parse_pem", "parse_xfcc"]


def parse_header(value: bytes, encoding: str, max_certificates: int) -> PeerCertificate:
    """Return the end-entity's certificate of a header value, with the others as its issuer and so on."""
    if encoding == "xfcc":
        ((_, _, certificate, *_),) = xfcc.read(value, 1, max_certificates)
        if certificate is None:
            raise DecodeError("no_certificate", 0)
        return certificate
    return link(list(map(Certificate, decode.decode_header(value, encoding, max_certificates))))


def parse_chain_header(value: bytes, encoding: str, max_certificates: int) -> tuple[PeerCertificate, ...]:
    """Return the certificates of a chain header, in its order."""
    return tuple(map(Certificate, decode.decode_chain_header(value, encoding, max_certificates)))


def parse_der(data: bytes) -> PeerCertificate:
    """Return the certificate whose DER is ``data``."""
    return Certificate(data)


def parse_pem(data: bytes, max_certificates: int) -> PeerCertificate:
    """Return the first certificate of a PEM text, with the others as its issuer and so on."""
    if len(data) > limits.HEADER_BYTES:
        raise DecodeError("too_large", limits.HEADER_BYTES)
    return link(list(map(Certificate, decode.decode_pem(data, max_certificates))))


def parse_xfcc(value: bytes, max_elements: int) -> tuple[xfcc.Element, ...]:
    """Return By, Hash, the certificate, Subject, URI and DNS of each element, the oldest hop first."""
    return xfcc.read(value, max_elements)
