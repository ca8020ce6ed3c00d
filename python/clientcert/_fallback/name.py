"""Distinguished names: subject, issuer and directoryName (RFC 5280, section 4.1.2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clientcert._fallback import der, objects
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Attribute", "as_object", "as_rfc2253", "attributes", "check"]

_UTF8_STRING = 0x0C
# NumericString, PrintableString, T61String, IA5String and VisibleString: OpenSSL reads all of them as ISO 8859-1,
# whatever their alphabet should be.
_LATIN1_STRINGS = frozenset({0x12, 0x13, 0x14, 0x16, 0x1A})
_UNIVERSAL_STRING = 0x1C
_BMP_STRING = 0x1E

# RFC 2253, section 2.4.
_RFC2253 = str.maketrans({character: f"\\{character}" for character in ',+"\\<>;'})


class Attribute(NamedTuple):
    """One attribute: its type's OBJECT IDENTIFIER content, its value, the value's element, its place."""

    oid: bytes
    value: str
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
    while at < end:
        rdn = at
        start, at = der.expect(data, rdn, end, der.SET, "name")
        if start == at:
            raise DecodeError("name", rdn)
        attribute = start
        while attribute < at:
            is_joined = attribute > start
            inner, attribute = der.expect(data, attribute, at, der.SEQUENCE, "name")
            type_start, type_end = der.oid(data, inner, attribute, "name")
            if type_end == attribute:
                raise DecodeError("name", type_end)
            tag, value_start, value_end = der.read(data, type_end, attribute)
            try:
                value = _text(tag, data[value_start:value_end])
            except ValueError:
                raise DecodeError("name", type_end) from None
            der.finish(value_end, attribute, "name")
            yield Attribute(data[type_start:type_end], value, data[type_end:value_end], is_joined)


def _text(tag: int, content: bytes) -> str:
    """Return the text of a string; ValueError if it is not valid in its type, or of no string type."""
    if tag == _UTF8_STRING:
        return content.decode()
    if tag in _LATIN1_STRINGS:
        return content.decode("latin-1")
    if tag == _UNIVERSAL_STRING:
        return content.decode("utf-32-be")
    if tag == _BMP_STRING:
        text = content.decode("utf-16-be")
        if 2 * len(text) == len(content):  # UCS-2: a surrogate is no character, not even in a pair
            return text
    raise ValueError("no string")


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
        is_known = objects.is_known(attribute.oid)
        value = _escape(attribute.value) if is_known else f"#{attribute.element.hex().upper()}"
        parts += (objects.short_name(attribute.oid), "=", value, "+" if attribute.is_joined else ",")
    return "".join(parts[:-1])


def _escape(value: str) -> str:
    escaped = value.translate(_RFC2253)
    if value[:1] == " " or (value[:1] == "#" and len(value) > 1):  # OpenSSL takes a lone character for the last one
        escaped = f"\\{escaped}"
    if value[-1:] == " " and len(value) > 1:
        escaped = f"{escaped[:-1]}\\ "
    return escaped
