"""Extensions (RFC 5280, section 4.2): where each is, and the checks of those that decisions rest on."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from clientcert._fallback import ca, der, general_name
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clientcert._fallback.der import Span

__all__ = [
    "EXTENDED_KEY_USAGE",
    "INFO_ACCESS",
    "SUBJECT_ALT_NAME",
    "access_descriptions",
    "is_ca",
    "key_purposes",
    "read",
]

# OBJECT IDENTIFIER contents.
SUBJECT_ALT_NAME = bytes.fromhex("551d11")
EXTENDED_KEY_USAGE = bytes.fromhex("551d25")
INFO_ACCESS = bytes.fromhex("2b06010505070101")
_KEY_USAGE = bytes.fromhex("551d0f")
_BASIC_CONSTRAINTS = bytes.fromhex("551d13")

_ID_CE = b"\x06\x03\x55\x1d"  # the extensions of X.509 (RFC 5280, section 4.2.1), without the last arc
_PLAIN = 9  # bytes of a SEQUENCE, such an extnID and the header of what follows, all shorter than 128 bytes
_CRITICAL = 3  # bytes of a BOOLEAN
_SHORT = 32  # bytes of a content that is worth remembering: three key purposes
_REMEMBERED = 1024  # of each: as many as there are extensions and lengths of their values, a few dozen in practice

_KEY_CERT_SIGN = 5  # the bit's number (RFC 5280, section 4.2.1.3)


def read(data: bytes, at: int, end: int) -> dict[bytes, Span]:
    """Check the extensions up to ``end``; return where the extnValue of each extnID is, the first one's of several."""
    found: dict[bytes, Span] = {}
    while at < end:
        extension_id, value, stop = _extension(data, at, end)
        if check := _CHECKED.get(extension_id):
            if extension_id in found:
                raise DecodeError("duplicate_extension", at)
            try:
                if stop - value > _SHORT or extension_id == SUBJECT_ALT_NAME:
                    check(data, value, stop)
                else:
                    _check_short(check, data[value:stop])
            except DecodeError as error:
                if error.code == "too_many_names":
                    raise
                raise DecodeError("extension", at) from None
        elif extension_id == INFO_ACCESS:
            _parses(data, at, (value, stop), _check_info_access)
        found.setdefault(extension_id, (value, stop))
        at = stop
    return found


@lru_cache(_REMEMBERED)
def _check_short(check: Callable[[bytes, int, int], None], content: bytes) -> None:
    """Check a content that is the same in many certificates, once."""
    check(content, 0, len(content))


def _extension(data: bytes, at: int, end: int) -> tuple[bytes, int, int]:
    """Check that the next element is an Extension; return its extnID, and where the content of its extnValue is."""
    if plain := _plain(data[at : at + _PLAIN]):
        extension_id, start, header, length = plain
        value = at + start
        stop = value + length
        if stop <= end and data[value - 2 : value] == header:
            return extension_id, value, stop
    at, stop = der.expect(data, at, end, der.SEQUENCE)
    start, at = der.oid(data, at, stop)
    extension_id = data[start:at]
    if der.is_next(data, at, stop, der.BOOLEAN):
        _, at = der.boolean(data, at, stop)
    value, at = der.expect(data, at, stop, der.OCTET_STRING)
    der.finish(at, stop)
    return extension_id, value, stop


@lru_cache(_REMEMBERED)
def _plain(header: bytes) -> tuple[bytes, int, bytes, int] | None:
    """Read the beginning of an Extension at once, as nearly all of them have it.

    Return its extnID, and of the content of its extnValue the place, the header before it and the length; None where
    the Extension is not of this form.
    """
    if len(header) < _PLAIN or not header.isascii():  # lengths and arcs from 128 on take further bytes
        return None
    _, stop, *_, tag, length = header
    start = _PLAIN + _CRITICAL if (tag, length) == (der.BOOLEAN, 1) else _PLAIN
    length = stop + 2 - start
    if length < 0 or header[:6] != bytes((der.SEQUENCE, stop)) + _ID_CE:
        return None
    return header[4:7], start, bytes((der.OCTET_STRING, length)), length


def is_ca(data: bytes, span: Span, found: dict[bytes, Span]) -> bool:
    """Return OpenSSL's ``X509_check_ca(...) == 1`` for the extensions in ``span``, which have been read.

    basicConstraints says so, keyUsage does not forbid it, and what else OpenSSL decodes parses and is there once.
    """
    constraints = found.get(_BASIC_CONSTRAINTS)
    if constraints is None or not _says_ca(data, *constraints):
        return False
    usage = found.get(_KEY_USAGE)
    if usage and not _has_bit(data, usage, _KEY_CERT_SIGN):
        return False
    is_ca = ca.PROXY_CERT_INFO not in found
    seen: set[bytes] = set()
    at, end = span
    while at < end:
        extension_id, value, stop = _extension(data, at, end)
        if check := ca.CHECKED.get(extension_id):
            is_ca &= _parses(data, at, (value, stop), check) and extension_id not in seen
            seen.add(extension_id)
        at = stop
    return is_ca


# What is inside extnValue, from `at` to `end`: exactly one element.


def _check_general_names(data: bytes, at: int, end: int) -> None:
    general_name.read_all(data, at, end)


def _check_basic_constraints(data: bytes, at: int, end: int) -> None:
    at, stop = der.expect(data, at, end, der.SEQUENCE)
    der.finish(stop, end)
    if der.is_next(data, at, end, der.BOOLEAN):
        _, at = der.boolean(data, at, end)
    if at < end:
        start, at = der.integer(data, at, end)
        if data[start] & 0x80:  # negative, where INTEGER (0..MAX) belongs
            raise DecodeError("certificate", at)
    der.finish(at, end)


def _says_ca(data: bytes, at: int, end: int) -> bool:
    at, end = der.expect(data, at, end, der.SEQUENCE)
    return der.is_next(data, at, end, der.BOOLEAN) and data[der.boolean(data, at, end)[0]] != 0


def _check_key_usage(data: bytes, at: int, end: int) -> None:
    der.finish(der.bit_string(data, at, end)[1], end)


def _check_extended_key_usage(data: bytes, at: int, end: int) -> None:
    key_purposes(data, at, end)


def key_purposes(data: bytes, at: int, end: int) -> list[bytes]:
    """Return the content of each OBJECT IDENTIFIER of an extendedKeyUsage."""
    at, stop = der.expect(data, at, end, der.SEQUENCE)
    der.finish(stop, end)
    purposes: list[bytes] = []
    while at < end:
        start, at = der.oid(data, at, end)
        purposes.append(data[start:at])
    return purposes


def access_descriptions(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, tuple[int, int, int]]]:
    """Yield the method of each AccessDescription, and tag, start and end of its location."""
    at, end = der.expect(data, at, end, der.SEQUENCE)  # OpenSSL ignores what follows
    while at < end:
        description, at = der.expect(data, at, end, der.SEQUENCE)
        start, stop = der.oid(data, description, at)
        location = general_name.read(data, stop, at)
        der.finish(location[2], at)
        yield data[start:stop], location


def _check_info_access(data: bytes, at: int, end: int) -> None:
    for _ in access_descriptions(data, at, end):
        pass


def _parses(data: bytes, extension: int, span: Span, check: Callable[[bytes, int, int], None]) -> bool:
    """Say whether an extension that may be anything is decoded without a fault. What OpenSSL alone reads is refused."""
    try:
        check(data, *span)
    except DecodeError as error:
        if error.code == "der":
            raise DecodeError("extension", extension) from None
        if error.code == "too_many_names":
            raise
        return False
    return True


_CHECKED: dict[bytes, Callable[[bytes, int, int], None]] = {
    SUBJECT_ALT_NAME: _check_general_names,
    _BASIC_CONSTRAINTS: _check_basic_constraints,
    _KEY_USAGE: _check_key_usage,
    EXTENDED_KEY_USAGE: _check_extended_key_usage,
}
"""The extensions that access decisions rest on."""


def _has_bit(data: bytes, span: Span, number: int) -> bool:
    """Say whether a BIT STRING has this bit, and has it set."""
    start, stop = der.bit_string(data, *span)
    if number >= 8 * (stop - start - 1) - data[start]:
        return False
    return bool(data[start + 1 + number // 8] & 0x80 >> number % 8)
