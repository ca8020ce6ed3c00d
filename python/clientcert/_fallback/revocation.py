"""The serial numbers in a certificate revocation list (RFC 5280, section 5.1).

Not accepted: an entry with a critical extension, which is of another CA than the list, or means nobody knows what.
"""

from __future__ import annotations

from clientcert._fallback import der, limits
from clientcert.errors import DecodeError

__all__ = ["RevokedSerials"]

_EXTENSIONS = 0xA0
_TIMES = frozenset({der.UTC_TIME, der.GENERALIZED_TIME})
_FAULT = "revocation_list"


class RevokedSerials:
    """The serial numbers of the certificates that one list revokes: each the content of its INTEGER."""

    __slots__ = ("_serials",)

    def __init__(self, data: bytes, /) -> None:
        end = len(data)
        start, stop = der.expect(data, 0, end, der.SEQUENCE, _FAULT)
        der.finish(stop, end, _FAULT)
        at, end = der.expect(data, start, stop, der.SEQUENCE, _FAULT)
        if der.is_next(data, at, end, der.INTEGER):
            at = _integer(data, at, end)
        _, at = der.expect(data, at, end, der.SEQUENCE, _FAULT)  # signature
        _, at = der.expect(data, at, end, der.SEQUENCE, _FAULT)  # issuer
        at = _time(data, at, end)  # thisUpdate
        if at < end and data[at] in _TIMES:
            _, _, at = der.read(data, at, end)  # nextUpdate
        serials: set[bytes] = set()
        if der.is_next(data, at, end, der.SEQUENCE):
            entry, at = der.expect(data, at, end, der.SEQUENCE, _FAULT)
            while entry < at:
                serial, entry = _entry(data, entry, at)
                serials.add(serial)
        extensions = der.optional(data, at, end, _EXTENSIONS)
        der.finish(at if extensions is None else extensions[1], end, _FAULT)
        self._serials = frozenset(serials)

    def __contains__(self, serial: bytes, /) -> bool:
        return serial in self._serials

    def __len__(self) -> int:
        return len(self._serials)


def _entry(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    """Return the serial number of an entry, and the offset of the next."""
    start, stop = der.expect(data, at, end, der.SEQUENCE, _FAULT)
    at = _integer(data, start, stop)
    inner, _ = der.expect(data, start, stop, der.INTEGER, _FAULT)
    if at - inner > limits.SERIAL_BYTES:
        raise DecodeError(_FAULT, start)
    serial = data[inner:at]
    at = _time(data, at, stop)
    if der.is_next(data, at, stop, der.SEQUENCE):
        extension, at = der.expect(data, at, stop, der.SEQUENCE, _FAULT)
        while extension < at:
            extension = _extension(data, extension, at)
    der.finish(at, stop, _FAULT)
    return serial, stop


def _extension(data: bytes, at: int, end: int) -> int:
    start, stop = der.expect(data, at, end, der.SEQUENCE, _FAULT)
    _, inner = der.oid(data, start, stop, _FAULT)
    if der.is_next(data, inner, stop, der.BOOLEAN):
        _, first, last = der.read(data, inner, stop)
        if data[first:last] != b"\0":
            raise DecodeError("extension", at)
        inner = last
    _, inner = der.expect(data, inner, stop, der.OCTET_STRING, _FAULT)
    der.finish(inner, stop, _FAULT)
    return stop


def _integer(data: bytes, at: int, end: int) -> int:
    """Return the end of an INTEGER, which has no more bytes than the value needs (X.690, section 8.3.2)."""
    start, stop = der.expect(data, at, end, der.INTEGER, _FAULT)
    is_padded = stop - start > 1 and (data[start] << 1 | data[start + 1] >> 7) in {0x000, 0x1FF}
    if start == stop or is_padded:
        raise DecodeError(_FAULT, at)
    return stop


def _time(data: bytes, at: int, end: int) -> int:
    """Return the end of a Time."""
    if at == end:
        raise DecodeError(_FAULT, at)
    tag, _, stop = der.read(data, at, end)
    if tag not in _TIMES:
        raise DecodeError(_FAULT, at)
    return stop
