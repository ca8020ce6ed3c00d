"""A certificate (RFC 5280, section 4.1): the whole structure is checked at once, fields are read when asked for."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from clientcert._fallback import ca, der, general_name, key, limits, name, objects, times
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

_KEY_CERT_SIGN = 5  # the bit's number (RFC 5280, section 4.2.1.3)


class Certificate:
    """A certificate that has the structure it should have; ``clientcert.certificate.DecodedCertificate``."""

    __slots__ = (
        "_extensions",
        "_is_ca",
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
    _is_ca: bool
    _key: dict[str, Any] | None
    _keys: tuple[str, ...] | None

    def __init__(self, data: bytes) -> None:
        if len(data) > limits.CERTIFICATE_BYTES:
            raise DecodeError("too_large", limits.CERTIFICATE_BYTES)
        self.der = data
        self._key = self._keys = None
        start, end = der.expect(data, 0, len(data), der.SEQUENCE)
        der.finish(end, len(data), "trailing_data")
        extensions: list[tuple[bytes, int, Span]] = []
        at = self._check_tbs(*der.expect(data, start, end, der.SEQUENCE), extensions)
        _, signature = _algorithm(data, at, end)
        bits = der.bit_string(data, signature, end)
        if not der.has_zero_padding(data, bits):  # OpenSSL encodes it anew, and Node.js shows that as `raw`
            raise DecodeError("der", signature)
        der.finish(bits[1], end)
        self._is_ca = self._check_ca(extensions)

    def _check_tbs(self, at: int, end: int, extensions: list[tuple[bytes, int, Span]]) -> int:
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
            if der.optional(data, at, end, tag):
                _, at = der.bit_string(data, at, end, tag)
        self._extensions = {}
        if der.is_next(data, at, end, _EXTENSIONS):
            start, at = der.expect(data, at, end, _EXTENSIONS)
            start, stop = der.expect(data, start, at, der.SEQUENCE)
            while start < stop:
                start = self._check_extension(start, stop, extensions)
            der.finish(stop, at)
        der.finish(at, end)
        return end

    def _check_extension(self, extension: int, end: int, extensions: list[tuple[bytes, int, Span]]) -> int:
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
            except DecodeError as error:
                if error.code == "too_many_names":
                    raise
                raise DecodeError("extension", extension) from None
        if extension_id == _INFO_ACCESS:
            _parses(data, extension, (value, at), _check_info_access)
        self._extensions.setdefault(extension_id, (value, at))
        extensions.append((extension_id, extension, (value, at)))
        return stop

    def _check_ca(self, extensions: list[tuple[bytes, int, Span]]) -> bool:
        """Return OpenSSL's ``X509_check_ca(...) == 1``.

        basicConstraints says so, keyUsage does not forbid it, and what else OpenSSL decodes parses and is there once.
        """
        usage = self._extensions.get(_KEY_USAGE)
        if usage and not _has_bit(self.der, usage, _KEY_CERT_SIGN):
            return False
        constraints = self._extensions.get(_BASIC_CONSTRAINTS)
        if constraints is None or not _says_ca(self.der, *constraints):
            return False
        is_ca = ca.PROXY_CERT_INFO not in self._extensions
        seen: set[bytes] = set()
        for extension_id, extension, span in extensions:
            check = ca.CHECKED.get(extension_id)
            if check:
                is_ca &= _parses(self.der, extension, span, check) and extension_id not in seen
                seen.add(extension_id)
        return is_ca

    def keys(self) -> tuple[str, ...]:
        """Return the keys that Node.js has for this certificate, in its order."""
        if self._keys is None:
            self._keys = (
                *(("subject",) if name.is_text(self.der, self._subject) else ()),
                *(("issuer",) if name.is_text(self.der, self._issuer) else ()),
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

    def fields(self) -> dict[str, Any]:
        """Return a new dict of all of ``keys()`` with their values."""
        return {key: self.field(key) for key in self.keys()}

    def attributes(self, which: Literal["subject", "issuer"]) -> Attributes:
        """Return dotted OID and value of each attribute of a distinguished name."""
        span = self._subject if which == "subject" else self._issuer
        return name.as_pairs(self.der, span)

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

    def _extended_key_usage(self) -> tuple[str, ...]:
        purposes = _key_purposes(self.der, *self._extensions[_EXTENDED_KEY_USAGE])
        return tuple(objects.dotted(purpose)[: objects.VALUE_CHARACTERS] for purpose in purposes)

    def _public_key(self) -> dict[str, Any]:
        """Return the keys and values that Node.js has for an RSA or EC key: none where OpenSSL cannot decode it."""
        if self._key is None:
            self._key = key.read(self.spki())
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
        time = times.read(self.der, at)
        return "Bad time value" if time is None else str(time)

    def _seconds(self, at: int) -> int:
        time = times.read(self.der, at)
        if time is None:
            raise DecodeError("time", at)
        return time.timestamp

    _READERS: ClassVar[dict[str, Callable[[Certificate], Any]]] = {
        "subject": lambda self: name.as_object(self.der, self._subject),
        "issuer": lambda self: name.as_object(self.der, self._issuer),
        "subjectaltname": _subject_alt_name,
        "infoAccess": _info_access,
        "ca": lambda self: self._is_ca,
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
        _, _, at = der.open_type(data, at, stop)
    der.finish(at, stop)
    return start, stop


def _time(data: bytes, at: int, end: int) -> int:
    """Check that the next element is a Time, whatever it says; return its end."""
    _, stop = der.optional(data, at, end, der.UTC_TIME) or der.expect(data, at, end, der.GENERALIZED_TIME)
    return stop


def _public_key_info(data: bytes, at: int, end: int) -> Span:
    """Check a SubjectPublicKeyInfo; return where the whole of it begins and ends."""
    start, stop = der.expect(data, at, end, der.SEQUENCE)
    _, start = _algorithm(data, start, stop)
    der.finish(der.bit_string(data, start, stop)[1], stop)
    key.check(data, at, stop)
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


def _says_ca(data: bytes, at: int, end: int) -> bool:
    at, end = der.expect(data, at, end, der.SEQUENCE)
    return der.is_next(data, at, end, der.BOOLEAN) and data[der.boolean(data, at, end)[0]] != 0


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


def _check_info_access(data: bytes, at: int, end: int) -> None:
    for _ in _access_descriptions(data, at, end):
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
