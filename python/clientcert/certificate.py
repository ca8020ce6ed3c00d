"""`PeerCertificate` and its parts, as users see them.

A certificate is a read-only mapping with the keys, the order and the values of the object that Node.js builds
(``X509Certificate.toLegacyObject()``); what X.509 offers beyond that is there as attributes. Fields are decoded when
they are first read, and nothing reachable from a certificate can be changed: one is shared by every request that
presents it.

`PeerCertificate` has what can be said of a certificate in terms of its parts. Each backend has a subclass, which reads
these out of the DER.
"""

from __future__ import annotations

import base64
import hashlib
import re
from abc import ABCMeta, abstractmethod
from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, NoReturn, Self, cast

from clientcert.decoded import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from clientcert.decoded import Attributes, GeneralName

__all__ = [
    "ATTRIBUTE_TYPES",
    "PeerCertificate",
    "XfccElement",
]

ATTRIBUTE_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "CN": "2.5.4.3",
        "SN": "2.5.4.4",
        "serialNumber": "2.5.4.5",
        "C": "2.5.4.6",
        "L": "2.5.4.7",
        "ST": "2.5.4.8",
        "street": "2.5.4.9",
        "O": "2.5.4.10",
        "OU": "2.5.4.11",
        "title": "2.5.4.12",
        "GN": "2.5.4.42",
        "initials": "2.5.4.43",
        "dnQualifier": "2.5.4.46",
        "organizationIdentifier": "2.5.4.97",
        "UID": "0.9.2342.19200300.100.1.1",
        "DC": "0.9.2342.19200300.100.1.25",
        "emailAddress": "1.2.840.113549.1.9.1",
    }
)
"""The short names of attribute types that configuration may use, as Node.js and OpenSSL print them, with their OIDs."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
_PEM_LINE = 64  # RFC 7468, section 2: generators wrap at exactly 64 characters
_REPR_SUBJECT = 80  # characters: enough to recognise a subject, while a name may hold kilobytes of attacker text

# SPIFFE ID, sections 2.1 and 2.2: the characters of a trust domain and of a path segment.
_SPIFFE_ID = re.compile(r"spiffe://[a-z0-9._-]{1,255}(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+)*")
_SPIFFE_ID_BYTES = 2048  # SPIFFE ID, section 2.3: the longest that an implementation must support


class _Class(ABCMeta):
    """The class of `PeerCertificate`."""

    if not TYPE_CHECKING:
        # It has no subclasses by registration: to look for those takes twice as long as all else that a policy does.
        __instancecheck__ = type.__instancecheck__


class PeerCertificate(Mapping[str, Any], metaclass=_Class):
    """A client certificate: Node's PeerCertificate as a read-only mapping, and more as attributes.

    Made by `parse_header`, `parse_der` and `parse_pem`; two are equal if their DER is, and one equals any mapping that
    has the same items. A key that Node.js leaves out (``subjectaltname`` where there is none) is absent.
    ``issuerCertificate`` is there where a chain came along: the certificates as they were sent, verified by nobody.
    """

    __slots__ = ()

    # What reads those in a pickle. `clientcert.parse` sets it: a certificate is data, and picks no backend to exist.
    _parse_der: ClassVar[Callable[[bytes], PeerCertificate]]

    # What a backend reads of the DER, beside `__getitem__`.

    @property
    @abstractmethod
    def _der(self) -> bytes:
        """The DER of the whole certificate."""

    @property
    @abstractmethod
    def _issuer(self) -> PeerCertificate | None:
        """The value of ``issuerCertificate``, if there is one."""

    @abstractmethod
    def _linked_to(self, issuer: PeerCertificate | None, /) -> PeerCertificate:
        """Return this certificate with another ``issuerCertificate``, or with none."""

    @abstractmethod
    def _keys(self) -> tuple[str, ...]:
        """Return the keys that Node.js has for this certificate, in its order, without ``issuerCertificate``."""

    @abstractmethod
    def _whole(self) -> dict[str, Any]:
        """Return all fields in order, the same dict each time: who goes through the keys goes on to the values."""

    @abstractmethod
    def _spki(self) -> bytes:
        """Return the DER of the SubjectPublicKeyInfo."""

    # The mapping: what Node.js builds.

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole())

    def keys(self) -> KeysView[str]:
        """Return a view of the keys, in Node.js's order."""
        return self._whole().keys()

    def values(self) -> ValuesView[Any]:
        """Return a view of the values, in the order of the keys."""
        return self._whole().values()

    def items(self) -> ItemsView[str, Any]:
        """Return a view of the pairs of key and value, in the order of the keys."""
        return self._whole().items()

    def __len__(self) -> int:
        return len(self._keys()) + (self._issuer is not None)

    def __contains__(self, key: object) -> bool:
        return key in self._keys() or (key == "issuerCertificate" and self._issuer is not None)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PeerCertificate):
            return self._der == other._der
        if isinstance(other, Mapping):
            return bool(self.to_dict() == plain(cast("Mapping[str, Any]", other)))
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._der)

    def __repr__(self) -> str:
        # OpenSSL shows no part of a name that has an attribute it cannot show: then Node.js leaves the key out.
        subject = ", ".join(f"{key}={value}" for key, value in self.get("subject", {}).items())
        if len(subject) > _REPR_SUBJECT:
            subject = subject[: _REPR_SUBJECT - 1] + "…"
        return f"<PeerCertificate {subject!r} sha256={hashlib.sha256(self._der).hexdigest()}>"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"PeerCertificate is immutable: {name!r} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"PeerCertificate is immutable: {name!r} cannot be deleted")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (tuple(certificate["raw"] for certificate in self.chain),)

    # Beyond Node.js.

    @property
    def not_before(self) -> datetime:
        """The start of the validity period, in UTC; `DecodeError` where the certificate holds no valid time."""
        return _datetime(self.validity_seconds[0])

    @property
    def not_after(self) -> datetime:
        """The last second of the validity period, in UTC; `DecodeError` where the certificate holds no valid time."""
        return _datetime(self.validity_seconds[1])

    @property
    @abstractmethod
    def validity_seconds(self) -> tuple[int, int]:
        """The validity period, notBefore and notAfter, in seconds since 1970, as `time.time()` counts.

        Reading it raises `DecodeError` where either is no time.
        """

    @property
    @abstractmethod
    def subject_alt_names(self) -> tuple[GeneralName, ...]:
        """The subject alternative names in certificate order, each with its kind.

        Left out are x400Address, ediPartyName and addresses that are neither 4 nor 16 bytes long: nothing can be
        compared with them. `extension` has them.
        """

    @property
    @abstractmethod
    def subject_attributes(self) -> Attributes:
        """The subject's attributes in certificate order: dotted OID and value, decoded from the DER."""

    @property
    @abstractmethod
    def issuer_attributes(self) -> Attributes:
        """The issuer's attributes in certificate order: dotted OID and value, decoded from the DER."""

    @property
    def chain(self) -> tuple[PeerCertificate, ...]:
        """The certificate and those that came with it, in the order sent. Nobody has verified the rest."""
        chain: list[PeerCertificate] = []
        certificate: PeerCertificate | None = self
        while certificate is not None:
            chain.append(certificate)
            certificate = certificate._issuer  # noqa: SLF001 - of this class
        return tuple(chain)

    @property
    def spiffe_id(self) -> str | None:
        """The SPIFFE ID, or None: an X.509-SVID has exactly one URI, and it is one (X.509-SVID, section 2)."""
        uris = [name.value for name in self.subject_alt_names if name.kind == "uri"]
        return uris[0] if len(uris) == 1 and isinstance(uris[0], str) and is_spiffe_id(uris[0]) else None

    @property
    def thumbprint(self) -> str:
        """The SHA-256 of the DER in unpadded base64url, as in ``cnf`` / ``x5t#S256`` (RFC 8705, section 3.1)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self._der).digest()).rstrip(b"=").decode()

    @property
    def spki_sha256(self) -> str:
        """The SHA-256 of the SubjectPublicKeyInfo, 64 lower-case hex digits."""
        return hashlib.sha256(self._spki()).hexdigest()

    @abstractmethod
    def extension(self, oid: str) -> bytes | None:
        """Return the DER inside the extension with this dotted OID, or None where the certificate has none."""

    def without_chain(self) -> PeerCertificate:
        """Return this certificate alone, without ``issuerCertificate``."""
        return self if self._issuer is None else self._linked_to(None)

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the mapping as new plain dicts, lists, str and bytes."""

    def to_json(self) -> str:
        """Return the mapping as JSON, with ``raw`` and ``pubkey`` in base64."""
        import json  # noqa: PLC0415 - for this alone: it takes long to import

        return json.dumps(self.to_dict(), default=lambda data: base64.b64encode(data).decode(), ensure_ascii=False)

    def to_pem(self, *, chain: bool = False) -> str:
        """Return the certificate, or the whole chain, in PEM (RFC 7468)."""
        return "".join(_pem(certificate["raw"]) for certificate in (self.chain if chain else (self,)))


class XfccElement(NamedTuple):
    """One element of an ``x-forwarded-client-cert`` header: what one proxy says of its client.

    ``certificate`` is decoded from ``Cert`` or ``Chain``. Where it is there, ``hash`` is its SHA-256, and ``uri`` and
    ``dns`` are its names, each unless it is absent; without it, they are what anybody may have written. ``subject`` is
    text as the proxy wrote it (RFC 2253): not to be compared, `PeerCertificate` has the values. ``by``, ``uri`` and
    ``dns`` may repeat.
    """

    by: tuple[str, ...]
    hash: str | None
    certificate: PeerCertificate | None
    subject: str | None
    uri: tuple[str, ...]
    dns: tuple[str, ...]


def is_spiffe_id(text: str) -> bool:
    """Return whether ``text`` is a SPIFFE ID (SPIFFE ID, section 2)."""
    return len(text) <= _SPIFFE_ID_BYTES and _SPIFFE_ID.fullmatch(text) is not None


def link(certificates: Sequence[PeerCertificate]) -> PeerCertificate:
    """Return the first certificate, with each next one as the ``issuerCertificate`` of the one before."""
    issuer: PeerCertificate | None = None
    for certificate in reversed(certificates[1:]):
        issuer = certificate._linked_to(issuer)  # noqa: SLF001 - of a class here
    return certificates[0]._linked_to(issuer)  # noqa: SLF001 - of a class here


def _datetime(seconds: int) -> datetime:
    """Return the moment so many seconds after 1970; for one in year 0, the first that a datetime can be."""
    return _EPOCH + timedelta(seconds=max(seconds, _FIRST_SECOND))


def _restore(ders: tuple[bytes, ...]) -> PeerCertificate:
    return link([PeerCertificate._parse_der(der) for der in ders])  # noqa: SLF001 - of a class here


def _pem(der: bytes) -> str:
    text = base64.b64encode(der).decode()
    lines = [text[at : at + _PEM_LINE] for at in range(0, len(text), _PEM_LINE)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])
