"""Distinguished names: subject, issuer and directoryName (RFC 5280, section 4.1.2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clientcert._fallback import der, limits, objects
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Attribute", "as_object", "as_pairs", "as_rfc2253", "attributes", "check", "is_text", "relative"]

_UTF8_STRING = 0x0C
# NumericString, PrintableString, T61String and IA5String: OpenSSL reads all of them as ISO 8859-1, whatever their
# alphabet should be.
_LATIN1_STRINGS = frozenset({0x12, 0x13, 0x14, 0x16})
# OpenSSL takes values of these types though they are no strings: BIT STRING, SEQUENCE, and what ``tag2bit`` in its
# crypto/asn1/tasn_dec.c calls unknown. Node.js then shows nothing of the name.
_NO_TEXT = frozenset({der.BIT_STRING, der.SEQUENCE, 0x07, 0x08, 0x09, 0x0B, 0x0D, 0x0E, 0x0F, 0x1D})
_PIECES = frozenset(range(der.CONSTRUCTED, 0x40)) - {der.SEQUENCE, der.SET}

# RFC 2253, section 2.4.
_RFC2253 = str.maketrans({character: f"\\{character}" for character in ',+"\\<>;'})


class Attribute(NamedTuple):
    """One attribute: its type's OBJECT IDENTIFIER content, its value, the value's element, its place.

    A value that is no string is ``#`` and its DER in hexadecimal (RFC 4514, section 2.4).
    """

    oid: bytes
    value: str
    is_text: bool
    element: bytes
    is_joined: bool  # to the attribute before it, in one RDN


def check(data: bytes, at: int, end: int) -> der.Span:
    """Check that the next element is a Name."""
    start, stop = der.expect(data, at, end, der.SEQUENCE, "name")
    for _ in attributes(data, (start, stop)):
        pass
    return start, stop


def attributes(data: bytes, span: der.Span) -> Iterator[Attribute]:
    """Yield the attributes of the Name whose content this is, checking each."""
    at, end = span
    count = 0
    while at < end:
        start, at = der.expect(data, at, end, der.SET, "name")
        for attribute in relative(data, start, at, count):
            count += 1
            yield attribute


def relative(data: bytes, at: int, end: int, count: int = 0) -> Iterator[Attribute]:
    """Yield the attributes of the RDN whose content this is, checking each; ``count`` is how many the name has had."""
    rdn = at
    while at < end:
        if count == limits.NAME_ATTRIBUTES:
            raise DecodeError("too_many_names", at)
        count += 1
        is_joined = at > rdn
        inner, at = der.expect(data, at, end, der.SEQUENCE, "name")
        type_start, type_end = der.oid(data, inner, at, "name")
        if type_end == at:
            raise DecodeError("name", type_end)
        tag, _, value_end = der.read(data, type_end, at)
        is_text = tag not in _NO_TEXT
        read = _text if is_text else _dump
        value = read(data, type_end, at)
        der.finish(value_end, at, "name")
        yield Attribute(data[type_start:type_end], value, is_text, data[type_end:value_end], is_joined)


def _text(data: bytes, at: int, end: int) -> str:
    """Return the text of a string, which must be valid in its type."""
    tag, start, stop = der.read(data, at, end)
    content = data[start:stop]
    if tag in _PIECES:
        raise DecodeError("der", at)
    try:
        if tag == _UTF8_STRING:
            return content.decode()
        if tag in _LATIN1_STRINGS:
            return content.decode("latin-1")
        if tag == der.UNIVERSAL_STRING:
            return content.decode("utf-32-be")
        if tag == der.BMP_STRING:
            text = content.decode("utf-16-be")
            if 2 * len(text) == len(content):  # UCS-2: a surrogate is no character, not even in a pair
                return text
    except UnicodeDecodeError:
        pass
    raise DecodeError("name", at)


def _dump(data: bytes, at: int, end: int) -> str:
    """Return the DER of a value in hexadecimal (RFC 4514, section 2.4), as OpenSSL encodes it anew."""
    tag, _, stop = der.read(data, at, end)
    element = data[at:stop]
    if tag == der.BIT_STRING:
        start, _ = der.bit_string(data, at, end, fault="name")
        element = element[:-1] + bytes((element[-1] >> data[start] << data[start],))
    return _hexadecimal(element)


def _hexadecimal(element: bytes) -> str:
    return f"#{element.hex().upper()}"


def as_pairs(data: bytes, span: der.Span) -> tuple[tuple[str, str], ...]:
    """Return dotted OID and value of each attribute."""
    return tuple((objects.dotted(attribute.oid), attribute.value) for attribute in attributes(data, span))


def is_text(data: bytes, span: der.Span) -> bool:
    """Say whether all values are strings."""
    return all(attribute.is_text for attribute in attributes(data, span))


def as_object(data: bytes, span: der.Span) -> dict[str, str | tuple[str, ...]]:
    """Return a name as Node.js shows it: short names, and tuples where an attribute occurs more than once."""
    values: dict[str, list[str]] = {}
    for attribute in attributes(data, span):
        values.setdefault(objects.short_name(attribute.oid), []).append(attribute.value)
    return {key: found[0] if len(found) == 1 else tuple(found) for key, found in values.items()}


def as_rfc2253(data: bytes, span: der.Span) -> str:
    """Return a name as OpenSSL prints it with XN_FLAG_RFC2253, but without escapes for control and other characters."""
    parts: list[str] = []
    # RFC 2253, section 2.1: the last RDN first. OpenSSL turns the attributes of an RDN round, too.
    for attribute in reversed(list(attributes(data, span))):
        value = attribute.value
        if attribute.is_text:
            is_known = objects.is_known(attribute.oid)
            value = _escape(value) if is_known else _hexadecimal(attribute.element)
        parts += (objects.short_name(attribute.oid), "=", value, "+" if attribute.is_joined else ",")
    return "".join(parts[:-1])


def _escape(value: str) -> str:
    escaped = value.translate(_RFC2253)
    if value[:1] == " " or (value[:1] == "#" and len(value) > 1):  # OpenSSL takes a lone character for the last one
        escaped = f"\\{escaped}"
    if value[-1:] == " " and len(value) > 1:
        escaped = f"{escaped[:-1]}\\ "
    return escaped
