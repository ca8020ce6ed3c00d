"""Strict DER (X.690, section 10.1): one element at an offset, inside the end of its parent.

Every function takes the certificate's bytes, the offset of an element and the end of the element around it. Those that
check an element return the start and the end of its content; the end is the offset of the next element. ``fault`` is
the code for an element that is missing, out of place or invalid.
"""

from __future__ import annotations

from clientcert._fallback import limits
from clientcert.errors import DecodeError

__all__ = [
    "BIT_STRING",
    "BMP_STRING",
    "BOOLEAN",
    "CONSTRUCTED",
    "GENERALIZED_TIME",
    "INTEGER",
    "NULL",
    "OBJECT_IDENTIFIER",
    "OCTET_STRING",
    "SEQUENCE",
    "SET",
    "UNIVERSAL_STRING",
    "UTC_TIME",
    "Span",
    "bit_string",
    "boolean",
    "check_oid",
    "encode",
    "expect",
    "finish",
    "has_zero_padding",
    "header",
    "integer",
    "is_next",
    "oid",
    "open_type",
    "optional",
    "read",
]

Span = tuple[int, int]

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OBJECT_IDENTIFIER = 0x06
ENUMERATED = 0x0A
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
UNIVERSAL_STRING = 0x1C
BMP_STRING = 0x1E
SEQUENCE = 0x30
SET = 0x31
CONSTRUCTED = 0x20
"""The bit of a constructed encoding (X.690, section 8.1.2.5)."""

_UNIVERSAL = 0x40  # the first tag of another class
_PRIMITIVE_CONSTRUCTIONS = frozenset({0x10, 0x11})  # SEQUENCE and SET in an encoding that they do not have
_END_OF_CONTENTS = b"\0\0"
_WIDTHS = {UNIVERSAL_STRING: 4, BMP_STRING: 2}
_LONG_TAG = 0x1F  # a tag number above 30, in further bytes: RFC 5280 has none
_LONG_LENGTH = 0x80
_SIGNS = (0x00, 0xFF)  # a byte of nothing but the sign
_SIGN_BIT = 0x80
_PADDING = b"\x80"
_LENGTH_BYTES = 4  # a certificate ends long before 4 GiB; a list of revocations may go beyond 16 MiB


def read(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Return the tag of an element, whatever it is, and the start and the end of its content."""
    start = at + 2
    if start > end or data[at] & _LONG_TAG == _LONG_TAG:
        raise DecodeError("der", at)
    length = data[at + 1]
    if length >= _LONG_LENGTH:
        first = start
        start += length - _LONG_LENGTH
        if not first < start <= end or start > first + _LENGTH_BYTES:  # indefinite, or beyond the end
            raise DecodeError("der", at)
        length = int.from_bytes(data[first:start])
        if data[first] == 0 or length < _LONG_LENGTH:  # not minimal
            raise DecodeError("der", at)
    stop = start + length
    if stop > end:
        raise DecodeError("der", at)
    return data[at], start, stop


def expect(data: bytes, at: int, end: int, tag: int, fault: str = "certificate") -> Span:
    """Check that the next element has this tag.

    OpenSSL reads a string in pieces and a primitive SEQUENCE OF: neither is DER (X.690, sections 8.10 and 10.2).
    """
    start = at + 2
    # Nearly all elements are as expected, and shorter than 128 bytes.
    if start <= end and data[at] == tag and (length := data[at + 1]) < _LONG_LENGTH and (stop := start + length) <= end:
        return start, stop
    if at == end:
        raise DecodeError(fault, end)
    found, start, stop = read(data, at, end)
    if found != tag:
        raise DecodeError("der" if found == tag ^ CONSTRUCTED else fault, at)
    return start, stop


def optional(data: bytes, at: int, end: int, tag: int) -> Span | None:
    """Check the next element if it has this tag, which may not be in the other encoding."""
    if at < end and data[at] in {tag, tag ^ CONSTRUCTED}:
        return expect(data, at, end, tag)
    return None


def open_type(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Return what `read` does for an ANY, checked: OpenSSL decodes what has a universal type."""
    tag, start, stop = read(data, at, end)
    if tag == BOOLEAN:
        boolean(data, at, end)
    elif tag in {INTEGER, ENUMERATED}:
        integer(data, at, end, tag)
    elif tag == BIT_STRING:
        if not has_zero_padding(data, bit_string(data, at, end)):
            raise DecodeError("der", at)
    elif tag == OBJECT_IDENTIFIER:
        oid(data, at, end)
    elif (CONSTRUCTED <= tag < _UNIVERSAL and tag not in {SEQUENCE, SET}) or data[at:stop] == _END_OF_CONTENTS:
        raise DecodeError("der", at)
    elif tag in _PRIMITIVE_CONSTRUCTIONS or (stop - start) % _WIDTHS.get(tag, 1) or (tag == NULL and start < stop):
        raise DecodeError("certificate", at)
    return tag, start, stop


def is_next(data: bytes, at: int, end: int, tag: int) -> bool:
    """Say whether there is a next element, with this tag."""
    return at < end and data[at] == tag


def finish(at: int, end: int, fault: str = "certificate") -> None:
    """Check that nothing is left."""
    if at != end:
        raise DecodeError(fault, at)


def boolean(data: bytes, at: int, end: int) -> Span:
    """Check a BOOLEAN: one byte (X.690, section 8.2.1), any value."""
    start, stop = expect(data, at, end, BOOLEAN)
    if stop - start != 1:
        raise DecodeError("certificate", at)
    return start, stop


def integer(data: bytes, at: int, end: int, tag: int = INTEGER) -> Span:
    """Check an INTEGER: at least one byte, and no more than the value needs (X.690, section 8.3.2)."""
    start, stop = expect(data, at, end, tag)
    if start == stop:
        raise DecodeError("certificate", at)
    # The first nine bits may not all be the same.
    if data[start] in _SIGNS and stop - start > 1 and data[start] ^ data[start + 1] < _SIGN_BIT:
        raise DecodeError("certificate", at)
    return start, stop


def bit_string(data: bytes, at: int, end: int, tag: int = BIT_STRING, fault: str = "certificate") -> Span:
    """Check a BIT STRING, whose content begins with the number of unused bits (X.690, section 8.6.2)."""
    start, stop = expect(data, at, end, tag)
    if start == stop or data[start] > 7:  # noqa: PLR2004 - bits of a byte
        raise DecodeError(fault, at)
    if data[start] and stop - start == 1:  # OpenSSL lets bits of nothing be unused
        raise DecodeError("der", at)
    return start, stop


def has_zero_padding(data: bytes, span: Span) -> bool:
    """Say whether the unused bits of a BIT STRING are zero, as in DER (X.690, section 11.2.1)."""
    start, stop = span
    return not data[stop - 1] & (1 << data[start]) - 1


def oid(data: bytes, at: int, end: int, fault: str = "certificate") -> Span:
    """Check an OBJECT IDENTIFIER."""
    start, stop = expect(data, at, end, OBJECT_IDENTIFIER, fault)
    check_oid(data[start:stop], at, fault)
    return start, stop


def check_oid(content: bytes, at: int, fault: str = "certificate") -> None:
    """Check the content of the OBJECT IDENTIFIER at ``at``."""
    if len(content) > limits.OID_BYTES:  # OpenSSL reads it
        raise DecodeError("der", at)
    if not _is_oid(content):
        raise DecodeError(fault, at)


def _is_oid(content: bytes) -> bool:
    """Say whether this is whole sub-identifiers without padding (X.690, section 8.19.2)."""
    if not content or content[-1] >= _LONG_LENGTH:
        return False
    # A sub-identifier goes on after a byte with the high bit: 0x80 pads only where one begins.
    padding = content.find(_PADDING)
    while padding >= 0:
        if padding == 0 or content[padding - 1] < _LONG_LENGTH:
            return False
        padding = content.find(_PADDING, padding + 1)
    return True


def encode(tag: int, content: bytes) -> bytes:
    """Return an element."""
    return header(tag, len(content)) + content


def header(tag: int, length: int) -> bytes:
    """Return tag and length of an element whose content is so long."""
    if length < _LONG_LENGTH:
        return bytes((tag, length))
    size = (length.bit_length() + 7) // 8
    return bytes((tag, _LONG_LENGTH | size)) + length.to_bytes(size)
