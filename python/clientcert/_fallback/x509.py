"""A certificate (RFC 5280, section 4.1): the whole structure is checked at once, fields are read when asked for."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from clientcert._fallback import extensions, general_name, key, limits, name, objects, structure, times, usual
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clientcert._fallback.der import Span
    from clientcert._fallback.name import Pairs
    from clientcert.certificate import Attributes, GeneralNameKind

__all__ = ["Certificate"]

_KEYS = (
    "subject",
    "issuer",
    "subjectaltname",
    "infoAccess",
    "ca",
    "modulus",
    "bits",
    "exponent",
    "pubkey",
    "asn1Curve",
    "nistCurve",
    "valid_from",
    "valid_to",
    "fingerprint",
    "fingerprint256",
    "fingerprint512",
    "ext_key_usage",
    "serialNumber",
    "raw",
)
"""The keys of Node.js's object, in its order."""

_EXTENSION_OF = {
    "subjectaltname": extensions.SUBJECT_ALT_NAME,
    "infoAccess": extensions.INFO_ACCESS,
    "ext_key_usage": extensions.EXTENDED_KEY_USAGE,
}
"""The extension that a key needs to be there."""


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
        "_not_text",
        "_serial",
        "_spki",
        "_subject",
        "der",
    )

    der: bytes
    _serial: Span
    _issuer: Pairs
    _not_before: int  # the offsets of the Time elements
    _not_after: int
    _subject: Pairs
    _not_text: tuple[str, ...]  # those of these two with a value that is no string
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
        (
            self._serial,
            self._issuer,
            self._not_before,
            self._not_after,
            self._subject,
            self._not_text,
            self._spki,
            self._extensions,
            self._is_ca,
        ) = usual.outline(data) or structure.outline(data)

    def keys(self) -> tuple[str, ...]:
        """Return the keys that Node.js has for this certificate, in its order."""
        if self._keys is None:
            self._keys = tuple(filter(self._has, _KEYS))
        return self._keys

    def field(self, key: str) -> Any:
        """Return the value of one of ``keys()``."""
        if not self._has(key):
            raise KeyError(key)
        return self._read(key)

    def fields(self) -> dict[str, Any]:
        """Return a new dict of all of ``keys()`` with their values."""
        return {key: self._read(key) for key in self.keys()}

    def _has(self, key: str) -> bool:
        if key in _EXTENSION_OF:
            return _EXTENSION_OF[key] in self._extensions
        return key not in self._not_text and (key in self._READERS or key in self._public_key())

    def _read(self, key: str) -> Any:
        reader = self._READERS.get(key)
        return reader(self) if reader else self._public_key()[key]

    def attributes(self, which: Literal["subject", "issuer"]) -> Attributes:
        """Return dotted OID and value of each attribute of a distinguished name."""
        return name.as_pairs(self._subject if which == "subject" else self._issuer)

    def general_names(self) -> tuple[tuple[GeneralNameKind, Any], ...]:
        """Return kind and value of each subject alternative name that has a typed value."""
        span = self._extensions.get(extensions.SUBJECT_ALT_NAME)
        return general_name.typed_all(self.der, *span) if span else ()

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
        names = general_name.read_all(self.der, *self._extensions[extensions.SUBJECT_ALT_NAME])
        return ", ".join([general_name.printed(self.der, *where) for where in names])

    def _info_access(self) -> dict[str, tuple[str, ...]] | None:
        """Return the locations by method and kind, as Node.js splits OpenSSL's text; None if it does not parse."""
        values: dict[str, list[str]] = {}
        try:
            for method, location in extensions.access_descriptions(self.der, *self._extensions[extensions.INFO_ACCESS]):
                kind, _, value = general_name.printed(self.der, *location).partition(":")
                key = f"{objects.long_name(method)} - {kind}"
                values.setdefault(key, []).append(json.loads(value) if value.startswith('"') else value)
        except DecodeError:
            return None
        return {key: tuple(found) for key, found in values.items()}

    def _extended_key_usage(self) -> tuple[str, ...]:
        purposes = extensions.key_purposes(self.der, *self._extensions[extensions.EXTENDED_KEY_USAGE])
        return tuple([objects.dotted(purpose)[: objects.VALUE_CHARACTERS] for purpose in purposes])

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

    def _fingerprint(self, digest: Callable[..., hashlib._Hash]) -> str:
        return digest(self.der, usedforsecurity=False).digest().hex(":").upper()

    def _printed_time(self, at: int) -> str:
        time = times.read(self.der, at)
        return "Bad time value" if time is None else str(time)

    def _seconds(self, at: int) -> int:
        time = times.read(self.der, at)
        if time is None:
            raise DecodeError("time", at)
        return time.timestamp

    _READERS: ClassVar[dict[str, Callable[[Certificate], Any]]] = {
        "subject": lambda self: name.as_object(self._subject),
        "issuer": lambda self: name.as_object(self._issuer),
        "subjectaltname": _subject_alt_name,
        "infoAccess": _info_access,
        "ca": lambda self: self._is_ca,
        "valid_from": lambda self: self._printed_time(self._not_before),
        "valid_to": lambda self: self._printed_time(self._not_after),
        "fingerprint": lambda self: self._fingerprint(hashlib.sha1),
        "fingerprint256": lambda self: self._fingerprint(hashlib.sha256),
        "fingerprint512": lambda self: self._fingerprint(hashlib.sha512),
        "ext_key_usage": _extended_key_usage,
        "serialNumber": _serial_number,
        "raw": lambda self: self.der,
    }
