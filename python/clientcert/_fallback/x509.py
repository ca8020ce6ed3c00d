"""A certificate (RFC 5280, section 4.1): the whole structure is checked at once, fields are read when asked for."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from clientcert._fallback import extensions, general_name, key, limits, name, objects, structure, times, usual
from clientcert.certificate import PeerCertificate
from clientcert.decoded import frozen, plain
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clientcert._fallback.structure import Outline
    from clientcert.decoded import Attributes, GeneralName

__all__ = ["Certificate"]

T = TypeVar("T")

_ISSUER = "issuerCertificate"
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


_set = object.__setattr__  # around the one of `PeerCertificate`, which refuses


class Certificate(PeerCertificate):
    """A certificate that has the structure it should have."""

    __slots__ = (
        "__weakref__",
        "_all",
        "_der",  # pyright: ignore[reportIncompatibleMethodOverride]  # more than a property that can be read
        "_fields",
        "_general_names",
        "_issuer",  # pyright: ignore[reportIncompatibleMethodOverride]  # as above
        "_issuer_pairs",
        "_key",
        "_outline",
        "_subject_pairs",
        "_validity",
    )

    _der: bytes
    _issuer: PeerCertificate | None
    _outline: Outline
    _fields: dict[str, Any]  # filled as fields are read
    # These are there once they have been read: all fields in order, what is read of the key, and what policies and the
    # check of the validity ask for on every request.
    _all: dict[str, Any]
    _key: dict[str, Any]
    _subject_pairs: Attributes
    _issuer_pairs: Attributes
    _general_names: tuple[GeneralName, ...]
    _validity: tuple[int, int]

    def __init__(self, data: bytes, issuer: PeerCertificate | None = None, outline: Outline | None = None) -> None:
        if len(data) > limits.CERTIFICATE_BYTES:
            raise DecodeError("too_large", limits.CERTIFICATE_BYTES)
        _set(self, "_outline", outline or usual.outline(data) or structure.outline(data))
        _set(self, "_der", data)
        _set(self, "_issuer", issuer)
        _set(self, "_fields", {})

    def _linked_to(self, issuer: PeerCertificate | None, /) -> PeerCertificate:
        if self._issuer is None and issuer is None:
            return self
        return Certificate(self._der, issuer, self._outline)

    def __getitem__(self, key: str) -> Any:
        fields = self._fields
        if key in fields:
            return fields[key]
        if key == _ISSUER and self._issuer is not None:
            return self._issuer
        if not self._has(key):
            raise KeyError(key)
        # Threads may compute a field twice; the values are equal and either may stay.
        value = fields[key] = self._read(key)
        return value

    def _keys(self) -> tuple[str, ...]:
        return tuple(filter(self._has, _KEYS))

    def _whole(self) -> dict[str, Any]:
        whole: dict[str, Any] | None = getattr(self, "_all", None)
        if whole is None:
            # What has been handed out stays the object that it is.
            whole = {key: self[key] for key in self._keys()}
            if self._issuer is not None:
                whole[_ISSUER] = self._issuer
            for slot in ("_fields", "_all", "_key"):
                _set(self, slot, whole)
        return whole

    def to_dict(self) -> dict[str, Any]:
        """Return the mapping as new plain dicts, lists, str and bytes."""
        own = {key: plain(self._read(key)) for key in self._keys()}
        if self._issuer is not None:
            own[_ISSUER] = self._issuer.to_dict()
        return own

    def _has(self, key: str) -> bool:
        if key in _EXTENSION_OF:
            return _EXTENSION_OF[key] in self._outline.extension_ids
        return key not in self._outline.not_text and (key in self._READERS or key in self._public_key())

    def _read(self, key: str) -> Any:
        reader = self._READERS.get(key)
        return reader(self) if reader else self._public_key()[key]

    @property
    def subject_attributes(self) -> Attributes:
        """The subject's attributes in certificate order: dotted OID and value, decoded from the DER."""
        return self._once("_subject_pairs", lambda: name.as_pairs(self._outline.subject))

    @property
    def issuer_attributes(self) -> Attributes:
        """The issuer's attributes in certificate order: dotted OID and value, decoded from the DER."""
        return self._once("_issuer_pairs", lambda: name.as_pairs(self._outline.issuer))

    @property
    def subject_alt_names(self) -> tuple[GeneralName, ...]:
        """The subject alternative names in certificate order that have a typed value."""
        return self._once("_general_names", self._read_general_names)

    def _read_general_names(self) -> tuple[GeneralName, ...]:
        if extensions.SUBJECT_ALT_NAME not in self._outline.extension_ids:
            return ()
        return general_name.typed_all(self._der, *self._outline.extension(extensions.SUBJECT_ALT_NAME))

    @property
    def validity_seconds(self) -> tuple[int, int]:
        """The validity period, notBefore and notAfter, in seconds since 1970."""
        return self._once("_validity", self._read_validity)

    def _read_validity(self) -> tuple[int, int]:
        not_before, not_after = self._outline.times
        return self._seconds(not_before), self._seconds(not_after)

    def _once(self, slot: str, make: Callable[[], T]) -> T:
        """Return what ``make`` returned the first time."""
        known: T | None = getattr(self, slot, None)
        if known is None:
            known = make()
            _set(self, slot, known)
        return known

    def extension(self, oid: str) -> bytes | None:
        """Return the DER inside the extension with this dotted OID, or None where the certificate has none."""
        for extension_id in self._outline.extension_ids:
            if objects.dotted(extension_id) == oid:
                return self._der[slice(*self._outline.extension(extension_id))]
        return None

    def _spki(self) -> bytes:
        return self._der[slice(*self._outline.spki)]

    def _subject_alt_name(self) -> str:
        names = general_name.read_all(self._der, *self._outline.extension(extensions.SUBJECT_ALT_NAME))
        return ", ".join([general_name.printed(self._der, *where) for where in names])

    def _info_access(self) -> Any:
        """Return the locations by method and kind, as Node.js splits OpenSSL's text; None if it does not parse."""
        values: dict[str, list[str]] = {}
        try:
            for method, location in extensions.access_descriptions(
                self._der, *self._outline.extension(extensions.INFO_ACCESS)
            ):
                kind, _, value = general_name.printed(self._der, *location).partition(":")
                key = f"{objects.long_name(method)} - {kind}"
                values.setdefault(key, []).append(json.loads(value) if value.startswith('"') else value)
        except DecodeError:
            return None
        return frozen({key: tuple(found) for key, found in values.items()})

    def _extended_key_usage(self) -> Any:
        purposes = extensions.key_purposes(self._der, *self._outline.extension(extensions.EXTENDED_KEY_USAGE))
        return frozen(tuple([objects.dotted(purpose)[: objects.VALUE_CHARACTERS] for purpose in purposes]))

    def _public_key(self) -> dict[str, Any]:
        """Return the keys and values that Node.js has for an RSA or EC key: none where OpenSSL cannot decode it."""
        return self._once("_key", lambda: key.read(self._spki()))

    def _serial_number(self) -> str:
        serial = int.from_bytes(self._der[slice(*self._outline.serial)], signed=True)
        digits = f"{abs(serial):X}"
        # Whole bytes, as OpenSSL's BN_bn2hex prints them; zero is one digit.
        padding = "0" if serial and len(digits) % 2 else ""
        return f"{'-' if serial < 0 else ''}{padding}{digits}"

    def _fingerprint(self, digest: Callable[..., hashlib._Hash]) -> str:
        return digest(self._der, usedforsecurity=False).digest().hex(":").upper()

    def _printed_time(self, at: int) -> str:
        time = times.read(self._der, at)
        return "Bad time value" if time is None else str(time)

    def _seconds(self, at: int) -> int:
        time = times.read(self._der, at)
        if time is None:
            raise DecodeError("time", at)
        return time.timestamp

    _READERS: ClassVar[dict[str, Callable[[Certificate], Any]]] = {
        "subject": lambda self: frozen(name.as_object(self._outline.subject)),
        "issuer": lambda self: frozen(name.as_object(self._outline.issuer)),
        "subjectaltname": _subject_alt_name,
        "infoAccess": _info_access,
        "ca": lambda self: self._outline.is_ca,
        "valid_from": lambda self: self._printed_time(self._outline.times[0]),
        "valid_to": lambda self: self._printed_time(self._outline.times[1]),
        "fingerprint": lambda self: self._fingerprint(hashlib.sha1),
        "fingerprint256": lambda self: self._fingerprint(hashlib.sha256),
        "fingerprint512": lambda self: self._fingerprint(hashlib.sha512),
        "ext_key_usage": _extended_key_usage,
        "serialNumber": _serial_number,
        "raw": lambda self: self._der,
    }
