"""A certificate (RFC 5280, section 4.1): the whole structure is checked at once, fields are read when asked for."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from clientcert._fallback import der, general_name, limits, name, objects
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clientcert._fallback.der import Span
    from clientcert.certificate import Attributes, GeneralNameKind

__all__ = ["Certificate"]

_VERSION = 0xA0
_ISSUER_UNIQUE_ID = 0x81
_SUBJECT_UNIQUE_ID = 0x82
_EXTENSIONS = 0xA3

# OBJECT IDENTIFIER contents.
_KEY_USAGE = bytes.fromhex("551d0f")
_SUBJECT_ALT_NAME = bytes.fromhex("551d11")
_BASIC_CONSTRAINTS = bytes.fromhex("551d13")
_EXTENDED_KEY_USAGE = bytes.fromhex("551d25")
_INFO_ACCESS = bytes.fromhex("2b06010505070101")
_RSA = bytes.fromhex("2a864886f70d010101")
_EC = bytes.fromhex("2a8648ce3d0201")

_KEY_CERT_SIGN = 5  # the bit's number (RFC 5280, section 4.2.1.3)
_RSA_ALGORITHM = der.encode(der.SEQUENCE, der.encode(der.OBJECT_IDENTIFIER, _RSA) + der.encode(der.NULL, b""))
_LONGEST_EXPONENT = 2**64 - 1  # Node.js prints one machine word, all ones where the exponent does not fit

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UTC_TIME = re.compile(rb"\d{12}Z")
_GENERALIZED_TIME = re.compile(rb"\d{14}Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Certificate:
    """A certificate that has the structure it should have; ``clientcert.certificate.DecodedCertificate``."""

    __slots__ = (
        "_extensions",
        "_issuer",
        "_key",
        "_keys",
        "_not_after",
        "_not_before",
        "_serial",
        "_spki",
        "_subject",
        "der",
    )

    der: bytes
    _serial: Span
    _issuer: Span
    _not_before: int  # the offsets of the Time elements
    _not_after: int
    _subject: Span
    _spki: Span
    _extensions: dict[bytes, Span]  # extnValue by extnID, the first where one occurs twice
    _key: dict[str, Any] | None
    _keys: tuple[str, ...] | None

    def __init__(self, data: bytes) -> None:
        if len(data) > limits.CERTIFICATE_BYTES:
            raise DecodeError("too_large", limits.CERTIFICATE_BYTES)
        self.der = data
        self._key = self._keys = None
        start, end = der.expect(data, 0, len(data), der.SEQUENCE)
        der.finish(end, len(data), "trailing_data")
        at = self._check_tbs(*der.expect(data, start, end, der.SEQUENCE))
        _, at = _algorithm(data, at, end)
        _, at = der.bit_string(data, at, end)
        der.finish(at, end)

    def _check_tbs(self, at: int, end: int) -> int:
        data = self.der
        if der.is_next(data, at, end, _VERSION):
            start, at = der.expect(data, at, end, _VERSION)
            der.finish(der.integer(data, start, at)[1], at)
        self._serial = der.integer(data, at, end)
        _, at = _algorithm(data, self._serial[1], end)
        self._issuer = name.check(data, at, end)
        self._not_before, at = der.expect(data, self._issuer[1], end, der.SEQUENCE)
        self._not_after = _time(data, self._not_before, at)
        der.finish(_time(data, self._not_after, at), at)
        self._subject = name.check(data, at, end)
        self._spki = _public_key_info(data, self._subject[1], end)
        _, at = self._spki
        for tag in (_ISSUER_UNIQUE_ID, _SUBJECT_UNIQUE_ID):
            if der.is_next(data, at, end, tag):
                _, at = der.bit_string(data, at, end, tag)
        self._extensions = {}
        if der.is_next(data, at, end, _EXTENSIONS):
            start, at = der.expect(data, at, end, _EXTENSIONS)
            start, stop = der.expect(data, start, at, der.SEQUENCE)
            while start < stop:
                start = self._check_extension(start, stop)
            der.finish(stop, at)
        der.finish(at, end)
        return end

    def _check_extension(self, extension: int, end: int) -> int:
        data = self.der
        at, stop = der.expect(data, extension, end, der.SEQUENCE)
        start, at = der.oid(data, at, stop)
        extension_id = data[start:at]
        if der.is_next(data, at, stop, der.BOOLEAN):
            _, at = der.boolean(data, at, stop)
        value, at = der.expect(data, at, stop, der.OCTET_STRING)
        der.finish(at, stop)
        check = _CHECKED.get(extension_id)
        if check:
            if extension_id in self._extensions:
                raise DecodeError("duplicate_extension", extension)
            try:
                check(data, value, at)
            except DecodeError:
                raise DecodeError("extension", extension) from None
        self._extensions.setdefault(extension_id, (value, at))
        return stop

    def keys(self) -> tuple[str, ...]:
        """Return the keys that Node.js has for this certificate, in its order."""
        if self._keys is None:
            self._keys = (
                "subject",
                "issuer",
                *(("subjectaltname",) if _SUBJECT_ALT_NAME in self._extensions else ()),
                *(("infoAccess",) if _INFO_ACCESS in self._extensions else ()),
                "ca",
                *self._public_key(),
                "valid_from",
                "valid_to",
                "fingerprint",
                "fingerprint256",
                "fingerprint512",
                *(("ext_key_usage",) if _EXTENDED_KEY_USAGE in self._extensions else ()),
                "serialNumber",
                "raw",
            )
        return self._keys

    def field(self, key: str) -> Any:
        """Return the value of one of ``keys()``."""
        if key not in self.keys():
            raise KeyError(key)
        reader = self._READERS.get(key)
        return reader(self) if reader else self._public_key()[key]

    def attributes(self, which: Literal["subject", "issuer"]) -> Attributes:
        """Return dotted OID and value of each attribute of a distinguished name."""
        span = self._subject if which == "subject" else self._issuer
        return tuple((objects.dotted(oid), value) for oid, value, _, _ in name.attributes(self.der, span))

    def general_names(self) -> tuple[tuple[GeneralNameKind, Any], ...]:
        """Return kind and value of each subject alternative name that has a typed value."""
        span = self._extensions.get(_SUBJECT_ALT_NAME)
        if span is None:
            return ()
        found = (general_name.typed(self.der, *where) for where in general_name.read_all(self.der, *span))
        return tuple(typed for typed in found if typed is not None)

    def validity(self) -> tuple[int, int]:
        """Return notBefore and notAfter in seconds since 1970."""
        return self._seconds(self._not_before), self._seconds(self._not_after)

    def extension(self, oid: str) -> bytes | None:
        """Return the content of the extension's extnValue, or None."""
        for extension_id, (start, stop) in self._extensions.items():
            if objects.dotted(extension_id) == oid:
                return self.der[start:stop]
        return None

    def spki(self) -> bytes:
        """Return the DER of the SubjectPublicKeyInfo."""
        return self.der[slice(*self._spki)]

    def _subject_alt_name(self) -> str:
        return ", ".join(
            general_name.printed(self.der, *where)
            for where in general_name.read_all(self.der, *self._extensions[_SUBJECT_ALT_NAME])
        )

    def _info_access(self) -> dict[str, tuple[str, ...]] | None:
        """Return the locations by method and kind, as Node.js splits OpenSSL's text; None if it does not parse."""
        values: dict[str, list[str]] = {}
        try:
            for method, location in _access_descriptions(self.der, *self._extensions[_INFO_ACCESS]):
                kind, _, value = general_name.printed(self.der, *location).partition(":")
                key = f"{objects.long_name(method)} - {kind}"
                values.setdefault(key, []).append(json.loads(value) if value.startswith('"') else value)
        except DecodeError:
            return None
        return {key: tuple(found) for key, found in values.items()}

    def _is_ca(self) -> bool:
        usage = self._extensions.get(_KEY_USAGE)
        if usage and not _has_bit(self.der, usage, _KEY_CERT_SIGN):
            return False
        constraints = self._extensions.get(_BASIC_CONSTRAINTS)
        if constraints is None:
            return False
        at, end = der.expect(self.der, *constraints, der.SEQUENCE)
        return der.is_next(self.der, at, end, der.BOOLEAN) and self.der[der.boolean(self.der, at, end)[0]] != 0

    def _extended_key_usage(self) -> tuple[str, ...]:
        return tuple(map(objects.dotted, _key_purposes(self.der, *self._extensions[_EXTENDED_KEY_USAGE])))

    def _public_key(self) -> dict[str, Any]:
        """Return the keys and values that Node.js has for an RSA or EC key: none where OpenSSL cannot decode it."""
        if self._key is None:
            data = self.der
            at, end = der.expect(data, *self._spki, der.SEQUENCE)
            at, stop = der.expect(data, at, end, der.SEQUENCE)
            start, parameters = der.oid(data, at, stop)
            unused_bits, _ = der.bit_string(data, stop, end)
            reader = _KEYS.get(data[start:parameters])
            key: dict[str, Any] = {}
            if reader and data[unused_bits] == 0:  # a key is whole bytes
                with suppress(DecodeError):
                    key = reader(data[parameters:stop], data[unused_bits + 1 : end])
            self._key = key
        return self._key

    def _serial_number(self) -> str:
        serial = int.from_bytes(self.der[slice(*self._serial)], signed=True)
        digits = f"{abs(serial):X}"
        # Whole bytes, as OpenSSL's BN_bn2hex prints them; zero is one digit.
        padding = "0" if serial and len(digits) % 2 else ""
        return f"{'-' if serial < 0 else ''}{padding}{digits}"

    def _fingerprint(self, algorithm: str) -> str:
        return hashlib.new(algorithm, self.der, usedforsecurity=False).digest().hex(":").upper()

    def _printed_time(self, at: int) -> str:
        time = _datetime(self.der, at)
        if time is None:
            return "Bad time value"
        return f"{_MONTHS[time.month - 1]} {time.day:2} {time:%H:%M:%S} {time.year} GMT"

    def _seconds(self, at: int) -> int:
        time = _datetime(self.der, at)
        if time is None:
            raise DecodeError("time", at)
        return (time - _EPOCH) // timedelta(seconds=1)

    _READERS: ClassVar[dict[str, Callable[[Certificate], Any]]] = {
        "subject": lambda self: name.as_object(self.der, self._subject),
        "issuer": lambda self: name.as_object(self.der, self._issuer),
        "subjectaltname": _subject_alt_name,
        "infoAccess": _info_access,
        "ca": _is_ca,
        "valid_from": lambda self: self._printed_time(self._not_before),
        "valid_to": lambda self: self._printed_time(self._not_after),
        "fingerprint": lambda self: self._fingerprint("sha1"),
        "fingerprint256": lambda self: self._fingerprint("sha256"),
        "fingerprint512": lambda self: self._fingerprint("sha512"),
        "ext_key_usage": _extended_key_usage,
        "serialNumber": _serial_number,
        "raw": lambda self: self.der,
    }


def _algorithm(data: bytes, at: int, end: int) -> Span:
    """Check an AlgorithmIdentifier, whose parameters may be anything."""
    start, stop = der.expect(data, at, end, der.SEQUENCE)
    _, at = der.oid(data, start, stop)
    if at < stop:
        _, _, at = der.read(data, at, stop)
    der.finish(at, stop)
    return start, stop


def _time(data: bytes, at: int, end: int) -> int:
    """Check that the next element is a Time, whatever it says; return its end."""
    tag = der.UTC_TIME if der.is_next(data, at, end, der.UTC_TIME) else der.GENERALIZED_TIME
    return der.expect(data, at, end, tag)[1]


def _public_key_info(data: bytes, at: int, end: int) -> Span:
    """Check a SubjectPublicKeyInfo; return where the whole of it begins and ends."""
    start, stop = der.expect(data, at, end, der.SEQUENCE)
    _, start = _algorithm(data, start, stop)
    der.finish(der.bit_string(data, start, stop)[1], stop)
    return at, stop


# What is inside extnValue, from `at` to `end`: exactly one element.


def _check_general_names(data: bytes, at: int, end: int) -> None:
    for _ in general_name.read_all(data, at, end):
        pass


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


def _check_key_usage(data: bytes, at: int, end: int) -> None:
    der.finish(der.bit_string(data, at, end)[1], end)


def _check_extended_key_usage(data: bytes, at: int, end: int) -> None:
    for _ in _key_purposes(data, at, end):
        pass


def _key_purposes(data: bytes, at: int, end: int) -> Iterator[bytes]:
    at, stop = der.expect(data, at, end, der.SEQUENCE)
    der.finish(stop, end)
    while at < end:
        start, at = der.oid(data, at, end)
        yield data[start:at]


def _access_descriptions(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, tuple[int, int, int]]]:
    """Yield the method of each AccessDescription, and tag, start and end of its location."""
    at, end = der.expect(data, at, end, der.SEQUENCE)  # OpenSSL ignores what follows
    while at < end:
        description, at = der.expect(data, at, end, der.SEQUENCE)
        start, stop = der.oid(data, description, at)
        location = general_name.read(data, stop, at)
        der.finish(location[2], at)
        yield data[start:stop], location


_CHECKED: dict[bytes, Callable[[bytes, int, int], None]] = {
    _SUBJECT_ALT_NAME: _check_general_names,
    _BASIC_CONSTRAINTS: _check_basic_constraints,
    _KEY_USAGE: _check_key_usage,
    _EXTENDED_KEY_USAGE: _check_extended_key_usage,
}
"""The extensions that access decisions rest on."""


def _has_bit(data: bytes, span: Span, number: int) -> bool:
    """Say whether a BIT STRING has this bit, and has it set."""
    start, stop = der.bit_string(data, *span)
    if number >= 8 * (stop - start - 1) - data[start]:
        return False
    return bool(data[start + 1 + number // 8] & 0x80 >> number % 8)


def _rsa_key(_: bytes, content: bytes) -> dict[str, Any]:
    """Return what Node.js has for an RSAPublicKey (RFC 8017, appendix A.1.1)."""
    at, end = der.expect(content, 0, len(content), der.SEQUENCE)
    # OpenSSL reads both numbers as magnitudes, whatever the sign bit says, and ignores what follows the key.
    start, at = der.expect(content, at, end, der.INTEGER)
    modulus = int.from_bytes(content[start:at])
    start, at = der.expect(content, at, end, der.INTEGER)
    exponent = int.from_bytes(content[start:at])
    der.finish(at, end)
    numbers = b"".join(der.encode(der.INTEGER, _magnitude(number)) for number in (modulus, exponent))
    key = der.encode(der.BIT_STRING, b"\0" + der.encode(der.SEQUENCE, numbers))
    return {
        "modulus": f"{modulus:X}",
        "bits": modulus.bit_length(),
        "exponent": f"{min(exponent, _LONGEST_EXPONENT):#x}",
        "pubkey": der.encode(der.SEQUENCE, _RSA_ALGORITHM + key),
    }


def _magnitude(number: int) -> bytes:
    """Return the content of the INTEGER that a number which is not negative has: one bit for the sign."""
    return number.to_bytes(number.bit_length() // 8 + 1)


def _ec_key(parameters: bytes, point: bytes) -> dict[str, Any]:
    """Return what Node.js has for a point (SEC 1, section 2.3.3) on a named curve."""
    curve = objects.curve(parameters[slice(*der.oid(parameters, 0, len(parameters)))])
    if curve is None or not point:
        return {}
    coordinates = _COORDINATES.get(point[0])
    if coordinates is None or len(point) != 1 + coordinates * curve.field_bytes:
        return {}
    key: dict[str, Any] = {"bits": curve.order_bits, "pubkey": point, "asn1Curve": curve.name}
    if curve.nist:
        key["nistCurve"] = curve.nist
    return key


_KEYS: dict[bytes, Callable[[bytes, bytes], dict[str, Any]]] = {_RSA: _rsa_key, _EC: _ec_key}
"""What reads the parameters and the key of an algorithm."""

_COORDINATES = {0x02: 1, 0x03: 1, 0x04: 2, 0x06: 2, 0x07: 2}
"""How many coordinates follow the first byte of a point: compressed, uncompressed, hybrid."""


def _datetime(data: bytes, at: int) -> datetime | None:
    """Return the Time at ``at`` in the form of RFC 5280, section 4.1.2.5; None for any other."""
    tag, start, stop = der.read(data, at, len(data))
    content = data[start:stop]
    if tag == der.UTC_TIME and _UTC_TIME.fullmatch(content):
        content = (b"19" if content >= b"50" else b"20") + content
    elif tag != der.GENERALIZED_TIME or not _GENERALIZED_TIME.fullmatch(content):
        return None
    month, day, hour, minute, second = (int(content[at : at + 2]) for at in range(4, 14, 2))
    try:
        return datetime(int(content[:4]), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
