"""The status of certificates: whether one has been revoked before it ran out.

::

    TrustAnchors(["ca.pem"], revocation=[RevocationLists(["ca.crl"]), OCSPResponses(stapled)])

`RevocationLists` are files, or what they hold. `OCSPResponses` come from a function of yours. `OCSPFetcher` is the one
thing in the package that opens a connection, to hosts that it is told, and nobody has one who has not made it: no
address in a certificate is asked unless its host is listed.

What is not known is not good. A list or a response that is out of date, of another issuer, or signed by nobody who may
is passed over, and where nothing is left, the certificate is refused as ``revocation_unknown``.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import new as new_hash
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from clientcert import _backend
from clientcert.errors import ConfigurationError, DecodeError
from clientcert.reload import Reloaded, SourceStatus, files_in, readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["ListSource", "OCSPResponses", "RevocationLists", "RevocationSource", "RevocationStatus"]

ListSource = str | os.PathLike[str] | bytes
"""A file or a directory by its path, or the content of such a file."""

_SOURCE_TYPES = (str, os.PathLike, bytes)
_SUFFIXES = frozenset({".pem", ".crl"})
_PEM = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)

# SHA-1 is left out: two lists with one signature can be made (RFC 9155 says as much of TLS).
_DIGESTS = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_RSA_BITS = 2048

# Clocks of responders are not ours (RFC 6960, section 4.2.2.1); five minutes are what OpenSSL's ocsp takes.
_CLOCK_SKEW = timedelta(minutes=5)

# Of a response: a delegated responder's certificate and its signature, and no more.
_RESPONSE_BYTES = 64 * 1024


_RESPONDER_EXTENSIONS = frozenset({x509.ExtendedKeyUsage, x509.KeyUsage, x509.BasicConstraints})


class RevocationStatus(NamedTuple):
    """What one source knows of a certificate: that it is revoked, that it is not until then, or neither.

    ``detail`` is for logs, and holds nothing of the certificate.
    """

    revoked: bool
    good_until: datetime | None
    detail: str


class RevocationSource(Protocol):
    """Whoever knows of revocations, for `clientcert.validation.TrustAnchors`. Threads call it at the same time."""

    def status_of(self, certificate: x509.Certificate, issuer: x509.Certificate, moment: datetime) -> RevocationStatus:
        """Return the status at ``moment`` of a certificate that ``issuer`` has issued."""
        ...

    def material(self) -> object:
        """Return what the status rests upon: another object, as soon as that is another."""

    def source_status(self) -> SourceStatus | None:
        """Return what is loaded of which files, None where there are none."""

    def reload(self) -> None:
        """Look at the files now."""


def _unknown(detail: str) -> RevocationStatus:
    return RevocationStatus(revoked=False, good_until=None, detail=detail)


_REVOKED_BY_LIST = RevocationStatus(revoked=True, good_until=None, detail="its issuer's list of revocations has it")
_REVOKED_BY_RESPONSE = RevocationStatus(revoked=True, good_until=None, detail="an OCSP response says so")


# Lists.


@dataclass(frozen=True, slots=True, eq=False)
class _List:
    """One list, with what is needed of it. ``verified`` are the keys that its signature was verified with."""

    crl: x509.CertificateRevocationList
    serials: Any
    this_update: datetime
    next_update: datetime
    names: frozenset[x509.GeneralName] | None
    of_users: bool
    of_authorities: bool
    verified: dict[bytes, bool] = field(default_factory=dict[bytes, bool])

    def covers(self, certificate: x509.Certificate) -> bool:
        """Return whether the list would have ``certificate`` if that were revoked (RFC 5280, section 6.3.3 (b))."""
        if self.of_users and _is_ca(certificate):
            return False
        if self.of_authorities and not _is_ca(certificate):
            return False
        return self.names is None or not self.names.isdisjoint(_distribution_points(certificate))

    def is_signed_by(self, issuer: x509.Certificate) -> bool:
        """Return whether the key of ``issuer`` has signed the list. It takes long for a long list, and only once."""
        public_key = issuer.public_key()
        key = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        # Threads may find it out twice; the keys are those of CAs that a path was validated with, and so they are few.
        if key not in self.verified:
            algorithm = self.crl.signature_hash_algorithm
            self.verified[key] = isinstance(algorithm, _DIGESTS) and _is_valid(
                lambda: self.crl.is_signature_valid(public_key)  # type: ignore[arg-type]  # of another kind, it raises
            )
        return self.verified[key]


class RevocationLists:
    """Certificate revocation lists (RFC 5280, section 5), from files that are read again when they change.

    A certificate is good if a list of its issuer does not have it: one that the issuer's own key has signed, that is
    for such certificates and, where it is for distribution points, for one that the certificate names. With
    ``stale="allow"``, a list counts after its nextUpdate, too, as long as there is no newer one.

    A directory stands for the files in it whose names end in ``.crl`` or ``.pem``.

    Raises `ConfigurationError` for what is no list, and for an indirect or delta list, one for some reasons or for
    attribute certificates alone, one without nextUpdate, and one with a critical extension that is not known: to pass
    over it would mean to pass over revocations.
    """

    def __init__(self, sources: ListSource | Iterable[ListSource], *, stale: Literal["fail", "allow"] = "fail") -> None:
        if stale not in {"fail", "allow"}:
            raise ConfigurationError('stale must be "fail" or "allow"')
        items = [sources] if isinstance(sources, _SOURCE_TYPES) else list(sources)
        if not items or not all(isinstance(item, _SOURCE_TYPES) for item in items):
            raise ConfigurationError(
                "lists of revocations are files, directories, or the bytes of such a file: RevocationLists(['ca.crl'])"
            )
        paths = [Path(item) for item in items if not isinstance(item, bytes)]
        given = [item for item in items if isinstance(item, bytes)]
        self._stale = stale
        self._lists = Reloaded("lists of revocations", paths, _SUFFIXES, lambda: _load(paths, given))

    def status_of(self, certificate: x509.Certificate, issuer: x509.Certificate, moment: datetime) -> RevocationStatus:
        """Return what the lists of ``issuer`` say of ``certificate``."""
        usage = _extension(issuer, x509.KeyUsage)
        if usage is not None and not usage.crl_sign:
            return _unknown("its issuer may not sign lists of revocations")
        lists = [
            each for each in self._lists.current().get(_issuer_name(issuer.subject), ()) if each.covers(certificate)
        ]
        if not lists:
            return _unknown("no list of revocations is of its issuer, and for it")
        lists = [each for each in lists if each.is_signed_by(issuer)]
        if not lists:
            return _unknown("its issuer has signed no list of revocations")
        if self._stale == "allow":
            newest = max(each.this_update for each in lists)
            usable = [
                each
                for each in lists
                if each.this_update <= moment and (moment <= each.next_update or each.this_update == newest)
            ]
        else:
            usable = [each for each in lists if each.this_update <= moment <= each.next_update]
        if not usable:
            return _unknown(
                "no list of revocations of its issuer is current: each is past its nextUpdate, or not yet due"
            )
        serial = _integer(certificate.serial_number)
        if any(serial in each.serials for each in usable):
            return _REVOKED_BY_LIST
        until = min(each.next_update for each in usable)
        return RevocationStatus(revoked=False, good_until=max(until, moment), detail="")

    def material(self) -> object:
        """Return the lists in use."""
        return self._lists.current()

    def source_status(self) -> SourceStatus:
        """Return what is in use, since when, and why a newer file is not."""
        return self._lists.status()

    def reload(self) -> None:
        """Look at the files now."""
        self._lists.check()


def _load(paths: Sequence[Path], given: Sequence[bytes]) -> Mapping[bytes, tuple[_List, ...]]:
    lists: dict[bytes, tuple[_List, ...]] = {}
    contents = ((repr(str(path)), readable(path)) for path in files_in(paths, _SUFFIXES))
    for name, content in chain(contents, (("what was given", each) for each in given)):
        for crl in _crls(content, name):
            issuer = _issuer_name(crl.issuer)
            lists[issuer] = (*lists.get(issuer, ()), _list(crl, name))
    if not lists:
        raise ConfigurationError("there is no list of revocations, and every certificate would be refused")
    return lists


def _crls(content: bytes, name: str) -> list[x509.CertificateRevocationList]:
    try:
        if b"-----BEGIN" not in content:
            return [x509.load_der_x509_crl(content)]
        blocks = _PEM.findall(content)
        if len(blocks) != content.count(b"-----BEGIN"):
            raise ConfigurationError(f"{name} has a block in PEM that is not a whole X509 CRL")
        return [x509.load_pem_x509_crl(block) for block in blocks]
    except ValueError as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{name} is not a list of revocations in PEM or DER: {error}") from error


def _list(crl: x509.CertificateRevocationList, name: str) -> _List:
    next_update = crl.next_update_utc
    if next_update is None:
        raise ConfigurationError(f"{name}: a list of revocations needs a nextUpdate (RFC 5280, section 5.1.2.5)")
    try:
        extensions = list(crl.extensions)
        serials = _backend.core.RevokedSerials(crl.public_bytes(Encoding.DER))
    except DecodeError as error:
        fault = "is an indirect list, or has entries that are not known" if error.code == "extension" else str(error)
        raise ConfigurationError(f"{name}: {fault}") from error
    except Exception as error:
        raise ConfigurationError(f"{name} has extensions that cannot be read") from error
    point: x509.IssuingDistributionPoint | None = None
    for extension in extensions:
        if isinstance(extension.value, x509.DeltaCRLIndicator):
            raise ConfigurationError(f"{name} is a delta list: name the complete ones")
        if isinstance(extension.value, x509.IssuingDistributionPoint):
            point = extension.value
        elif extension.critical:
            raise ConfigurationError(f"{name} has a critical extension that is not known")
    if point is not None:
        _check_scope(point, name)
    return _List(
        crl,
        serials,
        crl.last_update_utc,
        next_update,
        None if point is None or point.full_name is None else frozenset(point.full_name),
        of_users=point is not None and point.only_contains_user_certs,
        of_authorities=point is not None and point.only_contains_ca_certs,
    )


def _check_scope(point: x509.IssuingDistributionPoint, name: str) -> None:
    if point.indirect_crl:
        raise ConfigurationError(f"{name} is an indirect list, of other issuers' certificates")
    if point.only_some_reasons is not None:
        raise ConfigurationError(f"{name} is a list for some reasons of revocation only")
    if point.only_contains_attribute_certs:
        raise ConfigurationError(f"{name} is a list of attribute certificates")
    if point.relative_name is not None:
        raise ConfigurationError(f"{name} names its distribution point in relation to its issuer, which is not known")


def _distribution_points(certificate: x509.Certificate) -> set[x509.GeneralName]:
    points = _extension(certificate, x509.CRLDistributionPoints)
    return {name for point in points or () if point.crl_issuer is None for name in point.full_name or ()}


def _is_ca(certificate: x509.Certificate) -> bool:
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _extension(certificate: x509.Certificate, kind: type[Any]) -> Any:
    return next((each.value for each in certificate.extensions if isinstance(each.value, kind)), None)


def _issuer_name(name: x509.Name) -> bytes:
    return name.public_bytes()


def _integer(number: int) -> bytes:
    """Return the content of an INTEGER in DER (X.690, section 8.3)."""
    return number.to_bytes(number.bit_length() // 8 + 1, signed=True)


def _is_valid(verify: Callable[[], object]) -> bool:
    """Return whether a signature was verified: ``verify`` may say no, or raise."""
    try:
        return verify() is not False
    except Exception:  # noqa: BLE001 - InvalidSignature, and others for keys and algorithms that do not go together
        return False


# OCSP.


class OCSPResponses:
    """OCSP responses (RFC 6960) from a function of yours, which has them from wherever it likes.

    ``response_for(certificate, issuer)`` is called with the DER of both, on the request's path, and returns the DER of
    a response, or None. It is called again once the response has run out; until then a verdict is kept. What it raises
    propagates.

    A response counts if it is of this certificate, has a nextUpdate that is not past, and is signed by the issuer or by
    a responder that the issuer has certified for it: OCSPSigning, within its validity, and ``id-pkix-ocsp-nocheck``,
    for nobody asks whether the responder itself has been revoked.
    """

    def __init__(self, response_for: Callable[[bytes, bytes], bytes | None]) -> None:
        if not callable(response_for):
            raise ConfigurationError("OCSPResponses takes a function: response_for(certificate, issuer)")
        self._response_for = response_for

    def status_of(self, certificate: x509.Certificate, issuer: x509.Certificate, moment: datetime) -> RevocationStatus:
        """Return what a response says of ``certificate``."""
        der = self._response_for(certificate.public_bytes(Encoding.DER), issuer.public_bytes(Encoding.DER))
        if der is None:
            return _unknown("there is no OCSP response for it")
        if len(der) > _RESPONSE_BYTES:
            return _unknown(f"its OCSP response has more than {_RESPONSE_BYTES} bytes")
        try:
            return _answer(ocsp.load_der_ocsp_response(der), certificate, issuer, moment)
        except Exception:  # noqa: BLE001 - cryptography has many for a response that it cannot read
            return _unknown("its OCSP response cannot be read")

    def material(self) -> object:
        """Return what never changes: a response says itself until when it holds."""
        return self

    def source_status(self) -> None:
        """Return None: there are no files."""

    def reload(self) -> None:
        """Do nothing: there are no files."""


def _answer(  # noqa: PLR0911 - one for each thing that must be so
    response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate, moment: datetime
) -> RevocationStatus:
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return _unknown("the OCSP responder gives no answer for it")
    single = next((each for each in response.responses if _is_about(each, certificate, issuer)), None)
    if single is None:
        return _unknown("its OCSP response is about another certificate")
    if any(extension.critical for extension in chain(response.extensions, response.single_extensions)):
        return _unknown("its OCSP response has a critical extension that is not known")
    until = single.next_update_utc
    if until is None or not single.this_update_utc - _CLOCK_SKEW <= moment <= until:
        return _unknown("its OCSP response is past its nextUpdate, has none, or is not yet due")
    if not _is_from_responder(response, issuer, moment):
        return _unknown("its OCSP response is signed by nobody who may")
    if single.certificate_status is ocsp.OCSPCertStatus.GOOD:
        return RevocationStatus(revoked=False, good_until=until, detail="")
    is_revoked = single.certificate_status is ocsp.OCSPCertStatus.REVOKED
    return _REVOKED_BY_RESPONSE if is_revoked else _unknown("the OCSP responder does not know it")


def _is_about(single: ocsp.OCSPSingleResponse, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether the response's CertID is that of ``certificate`` (RFC 6960, section 4.1.1)."""
    algorithm = single.hash_algorithm.name
    name = new_hash(algorithm, issuer.subject.public_bytes(), usedforsecurity=False).digest()
    key = new_hash(algorithm, _key_bits(issuer), usedforsecurity=False).digest()
    return (single.serial_number, single.issuer_name_hash, single.issuer_key_hash) == (
        certificate.serial_number,
        name,
        key,
    )


def _key_bits(certificate: x509.Certificate) -> bytes:
    """Return the subjectPublicKey without the tag, the length and the number of unused bits."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _is_from_responder(response: ocsp.OCSPResponse, issuer: x509.Certificate, moment: datetime) -> bool:
    signers = [issuer, *(each for each in response.certificates if _is_delegated(each, issuer, moment))]
    return any(_has_signed(signer, response) for signer in signers)


def _is_delegated(responder: x509.Certificate, issuer: x509.Certificate, moment: datetime) -> bool:
    """Return whether ``issuer`` lets ``responder`` answer for it (RFC 6960, section 4.2.2.2)."""
    usages = _extension(responder, x509.ExtendedKeyUsage)
    usage = _extension(responder, x509.KeyUsage)
    return (
        usages is not None
        and ExtendedKeyUsageOID.OCSP_SIGNING in usages
        and (usage is None or usage.digital_signature)
        and _extension(responder, x509.OCSPNoCheck) is not None
        and not any(each.critical and type(each.value) not in _RESPONDER_EXTENSIONS for each in responder.extensions)
        and responder.not_valid_before_utc <= moment <= responder.not_valid_after_utc
        and isinstance(responder.signature_hash_algorithm, _DIGESTS)
        and _is_valid(lambda: responder.verify_directly_issued_by(issuer))
    )


def _has_signed(signer: x509.Certificate, response: ocsp.OCSPResponse) -> bool:
    key = signer.public_key()
    algorithm = response.signature_hash_algorithm
    if not isinstance(algorithm, _DIGESTS):
        return False
    signature, signed = response.signature, response.tbs_response_bytes
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _is_valid(lambda: key.verify(signature, signed, ec.ECDSA(algorithm)))
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS:
        return _is_valid(lambda: key.verify(signature, signed, padding.PKCS1v15(), algorithm))
    return False
