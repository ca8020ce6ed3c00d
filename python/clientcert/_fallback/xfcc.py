"""Envoy's ``x-forwarded-client-cert``: elements, and the pairs of each.

``By``, ``Hash``, ``URI`` and ``DNS`` are written without any escaping, so a name in the client's own certificate can
end its pair and begin another: nothing but the certificate in ``Cert`` or ``Chain`` may decide who the client is.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from clientcert._fallback import limits
from clientcert._fallback.decode import decode_url_pem, field_value
from clientcert._fallback.x509 import Certificate
from clientcert.certificate import PeerCertificate, link
from clientcert.errors import DecodeError

__all__ = ["Element", "read"]

Element = tuple[tuple[str, ...], str | None, PeerCertificate | None, str | None, tuple[str, ...], tuple[str, ...]]
"""By, Hash, the certificate, Subject, URI and DNS: what `clientcert.certificate.XfccElement` is made of."""

_UNPRINTABLE = re.compile(rb"[^\t -~]")
_PRINTABLE = bytes((0x09, *range(0x20, 0x7F)))
_KEY = re.compile(rb'([^=,;"]*)=')
_QUOTED = re.compile(rb'"((?:[^"\\]++|\\.)*+)')  # up to the closing quote: a backslash takes the next byte with it
_UNQUOTED = re.compile(rb'[^,;"]*')
_SHA256 = re.compile(rb"[0-9A-Fa-f]{64}")

_ONCE = frozenset({b"hash", b"cert", b"chain", b"subject"})
_KEYS = _ONCE | {b"by", b"uri", b"dns"}


class _Value(NamedTuple):
    text: bytes  # as the proxy wrote it: nothing is unescaped
    at: int


_Pairs = dict[bytes, list[_Value]]


def read(value: bytes, most: int, most_certificates: int = limits.CERTIFICATES) -> tuple[Element, ...]:
    """Return the elements of a header value, the oldest hop first."""
    text, start = field_value(value)
    value = value[: start + len(text)]
    if value.translate(None, _PRINTABLE) and (unprintable := _UNPRINTABLE.search(value)):
        raise DecodeError("character", unprintable.start())
    return tuple(_decoded(pairs, most_certificates) for pairs in _elements(value, start, most))


def _elements(value: bytes, at: int, most: int) -> list[_Pairs]:
    elements: list[_Pairs] = []
    while True:
        if len(elements) == most:
            raise DecodeError("too_many_elements", at)
        pairs: _Pairs = {}
        at = _read_element(value, at, pairs)
        elements.append(pairs)
        if at == len(value):
            return elements
        at += 1


def _read_element(value: bytes, at: int, pairs: _Pairs) -> int:
    """Read an element into ``pairs``; return the place of the comma after it, or the end."""
    while value[at : at + 1] in {b" ", b"\t"}:
        at += 1
    while True:
        at = _read_pair(value, at, pairs)
        if value[at : at + 1] != b";":
            return at
        at += 1


def _read_pair(value: bytes, start: int, pairs: _Pairs) -> int:
    """Read ``key=value`` into ``pairs``; return the place of the comma or semicolon after it, or the end."""
    found = _KEY.match(value, start)
    if not found:
        raise DecodeError("xfcc_pair", start)
    key = found[1].lower()
    if key not in _KEYS:
        raise DecodeError("xfcc_key", start)
    if key in _ONCE and key in pairs:
        raise DecodeError("xfcc_repeated", start)
    at = found.end()
    read_value = _read_quoted if value.startswith(b'"', at) else _read_unquoted
    text, at = read_value(value, at)
    pairs.setdefault(key, []).append(text)
    return at


def _read_quoted(value: bytes, opening: int) -> tuple[_Value, int]:
    closing = value.find(b'"', opening + 1)
    if closing < 0 or value.find(b"\\", opening, closing) >= 0:
        found = _QUOTED.match(value, opening)
        closing = found.end() if found else opening
    if value.startswith(b"\\", closing):
        raise DecodeError("xfcc_escape", closing)
    if closing == len(value):
        raise DecodeError("xfcc_quote", opening)
    at = closing + 1
    if value[at : at + 1] not in {b"", b",", b";"}:
        raise DecodeError("xfcc_quote", at)
    return _Value(value[opening + 1 : closing], opening + 1), at


def _read_unquoted(value: bytes, start: int) -> tuple[_Value, int]:
    found = _UNQUOTED.match(value, start)
    at = found.end() if found else start
    text = value[start:at]
    if value.startswith(b'"', at):
        raise DecodeError("xfcc_quote", at)
    if text.endswith(b"\\"):
        raise DecodeError("xfcc_escape", at - 1)
    return _Value(text, start), at


def _decoded(pairs: _Pairs, most_certificates: int) -> Element:
    sha256 = pairs[b"hash"][0] if b"hash" in pairs else None
    if sha256 and not _SHA256.fullmatch(sha256.text):
        raise DecodeError("xfcc_hash", sha256.at)
    cert = _certificates(pairs, b"cert", 1)
    chain = _certificates(pairs, b"chain", most_certificates)
    if cert and chain and cert[0] != chain[0]:
        raise DecodeError("xfcc_chain", pairs[b"chain"][0].at)
    ders = chain or cert
    if sha256 and ders and hashlib.sha256(ders[0]).digest() != bytes.fromhex(sha256.text.decode()):
        raise DecodeError("xfcc_hash", sha256.at)
    certificates = list(map(Certificate, ders))
    if certificates:
        _check_names(pairs, certificates[0])
    subject = pairs[b"subject"][0].text.decode() if b"subject" in pairs else None
    return (
        _texts(pairs, b"by"),
        sha256.text.decode() if sha256 else None,
        link(certificates) if certificates else None,
        subject,
        _texts(pairs, b"uri"),
        _texts(pairs, b"dns"),
    )


def _certificates(pairs: _Pairs, key: bytes, most: int) -> list[bytes]:
    """Return the DER of each certificate in the value of ``key``: at least one, or none without such a pair."""
    if key not in pairs:
        return []
    value = pairs[key][0]
    try:
        return decode_url_pem(value.text, most)
    except DecodeError as error:
        raise DecodeError(error.code, value.at + error.offset) from None


def _check_names(pairs: _Pairs, certificate: PeerCertificate) -> None:
    """Check that ``URI`` and ``DNS``, where they are there, are the subject alternative names of the certificate.

    Envoy writes all names of a kind since 1.22 (before, the first URI), and ``URI=`` where there is none. It escapes
    nothing, so a delimiter in a name cuts it: what is left may be another name of the certificate, and only the whole
    name, which is missing then, shows the cut.
    """
    for key, kind in ((b"uri", "uri"), (b"dns", "dns")):
        values = pairs.get(key)
        if not values:
            continue
        names = {str(name).encode("latin-1") for found, name in certificate.subject_alt_names if found == kind} - {b""}
        stranger = next((value for value in values if value.text and value.text not in names), None)
        if stranger:
            raise DecodeError("xfcc_names", stranger.at)
        if not names <= {value.text for value in values}:
            raise DecodeError("xfcc_names", values[0].at)


def _texts(pairs: _Pairs, key: bytes) -> tuple[str, ...]:
    return tuple(value.text.decode() for value in pairs.get(key, ()))
