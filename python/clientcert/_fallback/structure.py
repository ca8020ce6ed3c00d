"""The structure of a certificate (RFC 5280, section 4.1), checked element by element: what is in it, and where.

Whatever is refused is refused here and in what is called from here, from left to right. `usual` recognises most
certificates in less time, and refuses none.
"""

from __future__ import annotations

from clientcert._fallback import algorithm, der, extensions, key, name
from clientcert.errors import DecodeError

__all__ = ["Outline", "outline"]

Outline = tuple[der.Span, name.Pairs, int, int, name.Pairs, tuple[str, ...], der.Span, dict[bytes, der.Span], bool]
"""Where the serial number is; the issuer; where notBefore and notAfter are; the subject; those of the two names with a
value that is no string; where the SubjectPublicKeyInfo is; where each extnValue is, by extnID, the first one's of
several; whether this is a CA's."""

_VERSION = 0xA0
_ISSUER_UNIQUE_ID = 0x81
_SUBJECT_UNIQUE_ID = 0x82
_EXTENSIONS = 0xA3


def outline(data: bytes) -> Outline:
    """Check the whole of a certificate, but for its times; return what `Certificate` keeps of it."""
    start, end = der.expect(data, 0, len(data), der.SEQUENCE)
    der.finish(end, len(data), "trailing_data")
    at, tbs_end = der.expect(data, start, end, der.SEQUENCE)
    if der.is_next(data, at, tbs_end, _VERSION):
        start, at = der.expect(data, at, tbs_end, _VERSION)
        der.finish(der.integer(data, start, at)[1], at)
    serial = _, at = der.integer(data, at, tbs_end)
    _, at = algorithm.check(data, at, tbs_end)
    issuer, issuer_is_text, at = name.read(data, at, tbs_end)
    not_before, not_after, at = _validity(data, at, tbs_end)
    subject, subject_is_text, at = name.read(data, at, tbs_end)
    are_text = {"subject": subject_is_text, "issuer": issuer_is_text}
    spki = _, at = key.check(data, at, tbs_end)
    for tag in (_ISSUER_UNIQUE_ID, _SUBJECT_UNIQUE_ID):
        if der.optional(data, at, tbs_end, tag):
            _, at = der.bit_string(data, at, tbs_end, tag)
    listed = at, at
    found: dict[bytes, der.Span] = {}
    if der.is_next(data, at, tbs_end, _EXTENSIONS):
        start, at = der.expect(data, at, tbs_end, _EXTENSIONS)
        listed = der.expect(data, start, at, der.SEQUENCE)
        found = extensions.read(data, *listed)
        der.finish(listed[1], at)
    der.finish(at, tbs_end)
    _, signature = algorithm.check(data, tbs_end, end)
    bits = _, at = der.bit_string(data, signature, end)
    if not der.has_zero_padding(data, bits):  # OpenSSL encodes it anew, and Node.js shows that as `raw`
        raise DecodeError("der", signature)
    der.finish(at, end)
    not_text = tuple([which for which, is_text in are_text.items() if not is_text])
    is_ca = extensions.is_ca(data, listed, found)
    return serial, issuer, not_before, not_after, subject, not_text, spki, found, is_ca


def _validity(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Check that the next element is a Validity, whatever its times say; return where these begin, and its end."""
    not_before, stop = der.expect(data, at, end, der.SEQUENCE)
    not_after = _time(data, not_before, stop)
    der.finish(_time(data, not_after, stop), stop)
    return not_before, not_after, stop


def _time(data: bytes, at: int, end: int) -> int:
    """Check that the next element is a Time, whatever it says; return its end."""
    _, stop = der.optional(data, at, end, der.UTC_TIME) or der.expect(data, at, end, der.GENERALIZED_TIME)
    return stop
