"""Reads a certificate in any encoding, and describes it for people: what ``clientcert inspect`` shows.

Nothing here is for deciding about a request. There, the configuration says what the encoding is; here, the first
characters do (see `clientcert.recognition`), and what follows is read as strictly as anywhere.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from clientcert.errors import ClientCertError, DecodeError
from clientcert.hints import value_hint
from clientcert.parse import MOST_PARTS, parse_der, parse_header, parse_xfcc
from clientcert.policy import ATTRIBUTE_TYPES
from clientcert.recognition import ENCODINGS, Encoding, recognized

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clientcert.certificate import PeerCertificate, XfccElement
    from clientcert.decoded import Attributes, GeneralName

__all__ = [
    "ENCODINGS",
    "MEANINGS",
    "Encoding",
    "Inspection",
    "UnreadableError",
    "describe",
    "describe_element",
    "inspect",
    "printable",
]

# RFC 9110, section 5.1. A value of rfc9440 begins with a colon, and no value of another encoding has one after a token.
_HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*")

_ATTRIBUTE_NAMES = {oid: name for name, oid in ATTRIBUTE_TYPES.items()}

# RFC 5280, section 4.2.1.12; Microsoft's smart card logon; the name for "any".
_KEY_PURPOSES = {
    "2.5.29.37.0": "any",
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "1.3.6.1.4.1.311.20.2.2": "smartCardLogon",
}


MEANINGS = MappingProxyType(
    {
        "too_large": "longer than any certificate or header that is read",
        "too_many_certificates": "more certificates than are read",
        "too_many_elements": "more elements than are read",
        "too_many_names": "more names, or parts of a name, than are read",
        "character": "a byte that no proxy writes here",
        "percent": "a % without two hexadecimal digits",
        "base64": "not base64, or cut off",
        "hex": "not hexadecimal, or an odd number of digits",
        "pem": "only CERTIFICATE blocks may be here, each complete",
        "byte_sequence": "not :base64:, with both colons",
        "xfcc_pair": "not key=value",
        "xfcc_key": "not one of By, Hash, Cert, Chain, Subject, URI and DNS",
        "xfcc_repeated": "a key that may be there only once",
        "xfcc_quote": "a quote that is not closed, or that no delimiter follows, or inside of an unquoted value",
        "xfcc_escape": "a backslash with nothing after it to escape",
        "xfcc_hash": "not the SHA-256 of the certificate, in 64 hexadecimal digits",
        "xfcc_chain": "Cert and Chain begin with different certificates",
        "xfcc_names": "URI and DNS are not the names of the certificate",
        "der": "not DER, or cut off",
        "certificate": "not what RFC 5280 has at this place of a certificate",
        "trailing_data": "more data after the certificate",
        "name": "a subject or an issuer that cannot be read",
        "extension": "an extension that cannot be read",
        "duplicate_extension": "an extension that was there before",
        "curve": "an elliptic curve in numbers that are not those of one with a name",
        "time": "a time that is none",
    }
)
"""The codes of `DecodeError` in a few words. ``docs/formats.md`` has all of them."""


class Inspection(NamedTuple):
    """What was read: one certificate, with its chain, or the elements of an XFCC header."""

    encoding: Encoding
    certificates: tuple[PeerCertificate, ...]
    elements: tuple[XfccElement, ...] = ()


class UnreadableError(ClientCertError):
    """Input that is no certificate in any known encoding, or a damaged one in the encoding that it begins like."""


def inspect(data: bytes, encoding: Encoding | None = None) -> Inspection:
    """Return what ``data`` holds: DER, PEM, or a header value, with or without the header's name before it.

    Without ``encoding``, it is recognised. Raises `UnreadableError`, whose message is one line.
    """
    if encoding is None:
        encoding, data = _recognized(data)
    elif encoding != "der":
        data = _value(data)
    try:
        return _read(data, encoding)
    except DecodeError as error:
        if error.code == "no_certificate":
            raise UnreadableError("the value says that there is no certificate (no_certificate)") from error
        hint = None if encoding == "der" else value_hint(data, encoding, error)
        raise UnreadableError(
            f"read as {encoding}: {error}: {MEANINGS[error.code]}" + (f"; {hint}" if hint else "")
        ) from error


def _recognized(data: bytes) -> tuple[Encoding, bytes]:
    value = data if recognized(data) == "der" else _value(data)
    encoding = recognized(value)
    if encoding is None:
        raise UnreadableError(
            "not recognised: it begins like none of "
            + ", ".join(ENCODINGS)
            + "; with --encoding, it says what is wrong"
        )
    return encoding, value


def _value(data: bytes) -> bytes:
    """Return a header's value from a line that was copied with its name and its end."""
    data = data.strip(b" \t\r\n")
    name = _HEADER_NAME.match(data)
    return data[name.end() :] if name else data


def _read(data: bytes, encoding: Encoding) -> Inspection:
    if encoding == "xfcc":
        elements = parse_xfcc(data, max_elements=MOST_PARTS)
        return Inspection(encoding, tuple(part.certificate for part in elements if part.certificate), elements)
    if encoding == "der":
        return Inspection(encoding, (parse_der(data),))
    return Inspection(encoding, (parse_header(data, encoding, max_certificates=MOST_PARTS),))


def describe(certificate: PeerCertificate) -> Iterator[tuple[str, list[str]]]:
    """Yield labels and their values, one value a line, printable whatever the certificate holds."""
    yield "subject", _attributes(certificate.subject_attributes)
    yield "issuer", _attributes(certificate.issuer_attributes)
    yield "valid", [_validity(certificate)]
    yield "names", [_general_name(name) for name in certificate.subject_alt_names]
    yield "SPIFFE ID", [certificate.spiffe_id] if certificate.spiffe_id else []
    yield "key", [_key(certificate)]
    purposes: tuple[str, ...] = certificate.get("ext_key_usage", ())
    yield "key purposes", [_KEY_PURPOSES.get(oid, oid) for oid in purposes]
    yield "authority", ["yes"] if certificate["ca"] else ["no"]
    yield "serial number", [certificate["serialNumber"]]
    yield "SHA-256", [certificate["fingerprint256"].replace(":", "").lower()]
    yield "SHA-1", [certificate["fingerprint"].replace(":", "").lower()]
    yield "key SHA-256", [certificate.spki_sha256]
    yield "x5t#S256", [certificate.thumbprint]


def describe_element(element: XfccElement) -> Iterator[tuple[str, list[str]]]:
    """Yield labels and values of what an XFCC element says beside its certificate."""
    yield "By", [printable(value) for value in element.by]
    yield "Hash", [printable(element.hash)] if element.hash is not None else []
    yield "Subject", [printable(element.subject)] if element.subject is not None else []
    yield "URI", [printable(value) for value in element.uri]
    yield "DNS", [printable(value) for value in element.dns]


def printable(text: str) -> str:
    """Return ``text`` with what is not printable, and the backslash, as escapes: a terminal obeys what it is sent.

    This includes the characters that change the direction of writing, and others that are not seen.
    """
    return "".join(
        character
        if character.isprintable() and character != "\\"
        else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )


def _attributes(name: Attributes) -> list[str]:
    """Return one line an attribute: in one line, a value could look like several."""
    return [f"{_ATTRIBUTE_NAMES.get(oid, oid)} = {printable(value)}" for oid, value in name]


def _validity(certificate: PeerCertificate) -> str:
    try:
        start, end = certificate.not_before, certificate.not_after
    except DecodeError as error:
        return f"unreadable: {error}"
    now = datetime.now(UTC)
    mark = " (not yet valid)" if now < start else " (expired)" if now > end else ""
    return f"{start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} UTC{mark}"


def _general_name(name: GeneralName) -> str:
    kind, value = name
    if isinstance(value, str):
        return f"{kind}:{printable(value)}"
    if kind == "dir_name":
        return f"{kind}:" + ", ".join(_attributes(value))  # type: ignore[arg-type]  # this kind has attributes
    return f"{kind}:{value[0]} = {value[1].hex()}"  # type: ignore[union-attr]  # and this one an OID and bytes


def _key(certificate: PeerCertificate) -> str:
    curve = certificate.get("nistCurve", certificate.get("asn1Curve"))
    if curve is not None:
        return f"EC {curve}"
    if "modulus" in certificate:
        return f"RSA, {certificate['bits']} bits"
    return "of another type"
