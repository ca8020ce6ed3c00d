"""The structure of a certificate (RFC 5280, section 4.1), checked element by element: what is in it, and where.

Whatever is refused is refused here and in what is called from here, from left to right. `usual` recognises most
certificates in less time, and refuses none.
"""

from __future__ import annotations

from array import array
from itertools import chain
from struct import Struct
from typing import NamedTuple

from clientcert._fallback import algorithm, der, extensions, key, name
from clientcert.errors import DecodeError

__all__ = ["Outline", "outline", "outlined"]

_SPAN = Struct("II")
_SERIAL, _SPKI, _TIMES, _FIRST_EXTENSION = range(4)


class Outline(NamedTuple):
    """What is kept of a certificate beside its DER. Caches hold many, so that little room is taken."""

    issuer: name.Pairs
    subject: name.Pairs
    not_text: tuple[str, ...]  # those of these two with a value that is no string
    is_ca: bool
    extension_ids: tuple[bytes, ...]  # extnID of each extension, the first one's of several
    spans: bytes  # a tuple of two numbers for each would take ten times as much

    @property
    def serial(self) -> der.Span:
        """Where the serial number is."""
        return self._span(_SERIAL)

    @property
    def spki(self) -> der.Span:
        """Where the SubjectPublicKeyInfo is."""
        return self._span(_SPKI)

    @property
    def times(self) -> tuple[int, int]:
        """Where notBefore and notAfter begin."""
        return self._span(_TIMES)

    def extension(self, extension_id: bytes) -> der.Span:
        """Return where the extnValue of one of `extension_ids` is."""
        return self._span(_FIRST_EXTENSION + self.extension_ids.index(extension_id))

    def _span(self, number: int) -> der.Span:
        start, stop = _SPAN.unpack_from(self.spans, number * _SPAN.size)
        return start, stop


def outlined(  # noqa: PLR0913, PLR0917 - one for each part, in the order of the certificate
    serial: der.Span,
    issuer: name.Pairs,
    times: tuple[int, int],
    subject: name.Pairs,
    not_text: tuple[str, ...],
    spki: der.Span,
    found: dict[bytes, der.Span],
    *,
    is_ca: bool,
) -> Outline:
    """Return the outline of a certificate with these parts; ``found`` has each extnValue by extnID."""
    spans = array("I", (*serial, *spki, *times, *chain.from_iterable(found.values())))
    return Outline(issuer, subject, not_text, is_ca, tuple(found), spans.tobytes())


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
    return outlined(serial, issuer, (not_before, not_after), subject, not_text, spki, found, is_ca=is_ca)


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
