"""Distinguished names: subject, issuer and directoryName (RFC 5280, section 4.1.2.4)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from clientcert._fallback import der, limits, objects
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Attribute", "Pairs", "as_object", "as_pairs", "as_rfc2253", "attributes", "read", "relative"]

# UTF8String and UniversalString. NumericString, PrintableString, T61String and IA5String: OpenSSL reads all of them as
# ISO 8859-1, whatever their alphabet should be.
_CODECS = {0x0C: "utf-8", der.UNIVERSAL_STRING: "utf-32-be"} | dict.fromkeys((0x12, 0x13, 0x14, 0x16), "latin-1")
# OpenSSL takes values of these types though they are no strings: BIT STRING, SEQUENCE, and what ``tag2bit`` in its
# crypto/asn1/tasn_dec.c calls unknown. Node.js then shows nothing of the name.
_NO_TEXT = frozenset({der.BIT_STRING, der.SEQUENCE, 0x07, 0x08, 0x09, 0x0B, 0x0D, 0x0E, 0x0F, 0x1D})
_PIECES = frozenset(range(der.CONSTRUCTED, 0x40)) - {der.SEQUENCE, der.SET}

_ID_AT = b"\x06\x03\x55\x04"  # the attribute types of X.520 (RFC 5280, appendix A.1), without the last arc
_PLAIN = 11  # bytes of SET, SEQUENCE, such a type and the header of a string, all shorter than 128 bytes
_REMEMBERED = 1024  # of those: as many as there are types and lengths of values, a few dozen in practice

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


Pairs = tuple[tuple[bytes, str], ...]
"""The attributes of a Name: the content of each one's OBJECT IDENTIFIER, and its value."""


def read(data: bytes, at: int, end: int) -> tuple[Pairs, bool, int]:
    """Read the next element, which must be a Name; return also whether all values are strings, and where it ends."""
    at, end = der.expect(data, at, end, der.SEQUENCE, "name")
    pairs: list[tuple[bytes, str]] = []
    is_text = True
    while at < end:
        value = at + _PLAIN
        if plain := _plain(data[at:value]):
            oid, codec, length = plain
            stop = value + length
            if stop <= end and len(pairs) < limits.NAME_ATTRIBUTES:
                try:
                    pairs.append((oid, data[value:stop].decode(codec)))
                except UnicodeDecodeError:
                    raise DecodeError("name", value - 2) from None
                at = stop
                continue
        start, at = der.expect(data, at, end, der.SET, "name")
        for attribute in relative(data, start, at, len(pairs)):
            pairs.append((attribute.oid, attribute.value))
            is_text &= attribute.is_text
    return tuple(pairs), is_text, end


@lru_cache(_REMEMBERED)
def _plain(header: bytes) -> tuple[bytes, str, int] | None:
    """Read all of an RDN but the value, at once: nearly every RDN is one string of a type of X.520.

    Return the type, and the codec and the length of the value; None where the RDN is not of this form.
    """
    if len(header) < _PLAIN or not header.isascii():  # lengths and arcs from 128 on take further bytes
        return None
    *_, tag, length = header
    codec = _CODECS.get(tag)
    # SET and SEQUENCE end where the value ends.
    if codec is None or header[:8] != bytes((der.SET, length + 9, der.SEQUENCE, length + 7)) + _ID_AT:
        return None
    return header[6:9], codec, length


def attributes(data: bytes, at: int, end: int) -> Iterator[Attribute]:
    """Yield the attributes of the next element, which must be a Name, checking each."""
    at, end = der.expect(data, at, end, der.SEQUENCE, "name")
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
        if tag in _CODECS:
            return content.decode(_CODECS[tag])
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


def as_pairs(pairs: Pairs) -> tuple[tuple[str, str], ...]:
    """Return dotted OID and value of each attribute."""
    return tuple([(objects.dotted(oid), value) for oid, value in pairs])


def as_object(pairs: Pairs) -> dict[str, str | tuple[str, ...]]:
    """Return a name as Node.js shows it: short names, and tuples where an attribute occurs more than once."""
    single: dict[str, str | tuple[str, ...]] = {objects.short_name(oid): value for oid, value in pairs}
    if len(single) == len(pairs):
        return single
    values: dict[str, list[str]] = {}
    for oid, value in pairs:
        values.setdefault(objects.short_name(oid), []).append(value)
    return {key: found[0] if len(found) == 1 else tuple(found) for key, found in values.items()}


def as_rfc2253(data: bytes, at: int, end: int) -> str:
    """Return a name as OpenSSL prints it with XN_FLAG_RFC2253, but without escapes for control and other characters."""
    parts: list[str] = []
    # RFC 2253, section 2.1: the last RDN first. OpenSSL turns the attributes of an RDN round, too.
    for attribute in reversed(list(attributes(data, at, end))):
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
