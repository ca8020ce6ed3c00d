"""The text in the DER of one string, as extensions and otherNames hold it."""

from __future__ import annotations

__all__ = ["der_text"]

# X.690, section 8.23; X.680, table 8: UTF8String, NumericString, PrintableString, IA5String, VisibleString, BMPString.
_CODECS = {0x0C: "utf-8", 0x12: "ascii", 0x13: "ascii", 0x16: "ascii", 0x1A: "ascii", 0x1E: "utf-16-be"}

_LONG_FORM = 0x80


def der_text(der: bytes) -> str | None:
    """Return the text of a string that takes up all of ``der``; None for other types, and for what is no DER."""
    codec = _CODECS.get(der[0]) if len(der) > 1 else None
    if codec is None:
        return None
    content, length = der[2:], der[1]
    if length >= _LONG_FORM:
        size = length - _LONG_FORM
        length, content = int.from_bytes(content[:size]), content[size:]
        if length < _LONG_FORM or der[2] == 0:  # X.690, section 10.1: as few octets as the length needs
            return None
    if length != len(content):
        return None
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        return None
