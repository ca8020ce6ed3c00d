"""Path validation: whether a path leads from a client's certificate to a trust anchor (RFC 5280, section 6).

::

    strategy = ClientCertStrategy(
        allow_cn(["alice"]),
        certificate_source="aws-alb",
        trusted_proxies=["10.0.0.0/8"],
        trust_anchors=TrustAnchors(["/etc/clients/ca.pem"]),
    )

It is for where nobody else validates: a proxy that forwards what clients send. It says that a CA has issued the
certificate, not that the client has its key: that is for the TLS layer of the proxy, and ``trusted_proxies``.

The path is built and verified by ``cryptography.x509.verification``. What that leaves open is decided here: what is
asked of a client's certificate and of a CA's, what a name constraint means for the names in a subject, and that
policies, which nothing here processes, refuse a path. ``docs/validation.md`` has all of it.

Nothing is kept of one call for the next but verdicts on the very same certificates.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from clientcert.cache import Cache
from clientcert.errors import ConfigurationError, DecodeError, ValidationError
from clientcert.rejection import RejectionReason
from clientcert.reload import Reloaded, SourceStatus, files_in, readable
from clientcert.validity import out_of_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cryptography.x509.verification import Policy

    from clientcert.certificate import PeerCertificate
    from clientcert.revocation import RevocationSource

__all__ = ["AnchorSource", "TrustAnchors", "ValidatedPath", "ValidationStatus", "trust_anchors_from"]

AnchorSource = str | os.PathLike[str] | bytes | x509.Certificate
"""A file or a directory by its path; the content of such a file; or a certificate."""

_SUFFIXES = frozenset({".pem", ".crt", ".cer", ".der"})

_SOURCE_TYPES = (str, os.PathLike, bytes, x509.Certificate)

# RFC 5280 has no bound. Private PKIs have one or two intermediates, the bridge of the US government up to five.
_INTERMEDIATES = 8

# What a client brings is bounded by its decoder; this bounds what the TLS layer of a server hands over. Go and rustls
# stop after a hundred signatures, ``cryptography`` after 128; with ten certificates no path takes as many.
_MOST_CERTIFICATES = 11

# A verdict ends with a reload, and with the first certificate or list of revocations to run out; and after an hour, so
# that no mistake in that lasts.
_VERDICT_SECONDS = 3600

_NO_PATH = "no path leads to a trust anchor"

_DNS_NAME = re.compile(r"\*?[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)+\.?")

_NO_USAGE = "the certificate does not say what it is for, and must say clientAuth"
_NOT_FOR_CLIENTS = "the certificate, or a CA of the path, is not for clientAuth"
_IS_A_CA = "the certificate is that of a CA, or may sign certificates"
_MAY_NOT_SIGN = "by its keyUsage, the certificate is not for signatures, which is how a client proves to have the key"
_NO_CA = "a certificate of the path may not issue others"
_DIRECTORY_CONSTRAINT = "a CA of the path has a name constraint on distinguished names, which is not known"
_CONSTRAINED_EMAIL = "a subject has an email address that no alternative name repeats, where a CA's are constrained"
_CONSTRAINED_DNS = "a common name is a DNS name that no alternative name repeats, where a CA's are constrained"
_POLICIES = "a certificate of the path has constraints on policies, or maps them, which is not known"
_UNREADABLE = "a certificate of the path cannot be read"
_TOO_MANY = f"more than {_MOST_CERTIFICATES} certificates came along"

_DETAILS = {
    "signature does not match": "a signature of the path does not verify",
    "not valid at validation time": "a certificate of the path is not valid now",
    "cA must be asserted": _NO_CA,
    "has no basicConstraints": _NO_CA,
    "path length constraint violated": "a CA of the path may not have so many CAs below it",
    "exceeds max depth": f"the path has more than {_INTERMEDIATES} intermediates",
    "Forbidden public key algorithm": "a CA of the path has a key of an algorithm that is not accepted",
    "Forbidden signature algorithm": "a signature of the path is of an algorithm that is not accepted",
    "RSA key is too weak": "a CA of the path has an RSA key of less than 2048 bits",
    "unaccounted-for critical extension": "a certificate of the path has a critical extension that is not known",
    "name constraint": "a name constraint of the path is not met, or is of a kind that is not known",
    "X509v3": "a certificate of the path is not of version 3",
    "Exceeded maximum": "the certificates take more work than a path may",
}
"""What the verifier says, and what is said of it. Its own text may have names of certificates in it."""

_OWN_DETAILS = (_NO_USAGE, _NOT_FOR_CLIENTS, _IS_A_CA, _MAY_NOT_SIGN, _NO_CA, _DIRECTORY_CONSTRAINT)


@dataclass(frozen=True, slots=True)
class ValidatedPath:
    """A path that has been validated, in DER: the certificate, what is between, and the trust anchor.

    ``valid_until`` is when it must be validated anew, in seconds since 1970.
    """

    certificates: tuple[bytes, ...]
    valid_until: int


@dataclass(frozen=True, slots=True)
class ValidationStatus:
    """What is in use of the files of trust anchors and of revocations."""

    anchors: SourceStatus
    revocation: tuple[SourceStatus, ...] = ()


class _Anchors(NamedTuple):
    """What was loaded at one time."""

    certificates: tuple[x509.Certificate, ...]
    store: Store


class _Verdict(NamedTuple):
    """``material`` is what it rests upon: the anchors and revocations that were in use."""

    path: ValidatedPath
    since: int
    material: tuple[object, ...]


class TrustAnchors:
    """The CAs whose certificates are accepted, and what else is asked of a path to them.

    A client's certificate must have ``clientAuth`` in its extendedKeyUsage. Without ``require_client_auth`` the
    extension may be absent, but not say otherwise; with ``allow_any_usage`` anyExtendedKeyUsage is enough.

    ``revocation`` is asked of each certificate of the path but the anchor, of the client's alone with
    ``check_intermediates=False``: see `clientcert.revocation`. Of several, each is asked: what one says is revoked is
    refused, and so is what none knows.

    Files and directories are read again when they change (see `clientcert.reload`). A directory stands for the files
    in it whose names end in ``.pem``, ``.crt``, ``.cer`` or ``.der``.

    Raises `ConfigurationError` for what is no certificate of a CA, and where there is none.
    """

    def __init__(
        self,
        sources: AnchorSource | Iterable[AnchorSource],
        *,
        require_client_auth: bool = True,
        allow_any_usage: bool = False,
        revocation: RevocationSource | Iterable[RevocationSource] = (),
        check_intermediates: bool = True,
    ) -> None:
        for option, value in (
            ("require_client_auth", require_client_auth),
            ("allow_any_usage", allow_any_usage),
            ("check_intermediates", check_intermediates),
        ):
            if not isinstance(value, bool):
                raise ConfigurationError(f"{option} must be True or False, not {value!r}")
        items = [sources] if isinstance(sources, _SOURCE_TYPES) else _sources(sources)
        paths = [Path(item) for item in items if isinstance(item, str | os.PathLike)]
        given = [item for item in items if isinstance(item, bytes | x509.Certificate)]
        self._anchors = Reloaded("trust anchors", paths, _SUFFIXES, lambda: _load(paths, given))
        self._revocation = tuple(revocation) if isinstance(revocation, Iterable) else (revocation,)
        if not all(hasattr(source, "status_of") for source in self._revocation):
            raise ConfigurationError("revocation takes RevocationLists(...), OCSPResponses(...), or a list of these")
        self._check_intermediates = check_intermediates
        self._end_entity_policy = _end_entity_policy(is_required=require_client_auth, allow_any=allow_any_usage)
        self._verdicts: Cache[tuple[bytes, bytes], _Verdict] = Cache(lambda key, _: sum(map(len, key)))
        self._description = ", ".join(map(_described, items))

    def __repr__(self) -> str:
        return f"TrustAnchors([{self._description}])"

    @property
    def checks_revocation(self) -> bool:
        """Whether the status of certificates is asked for."""
        return bool(self._revocation)

    def status(self) -> ValidationStatus:
        """Return what is in use, since when, and why a newer file is not."""
        statuses = (source.source_status() for source in self._revocation)
        return ValidationStatus(self._anchors.status(), tuple(status for status in statuses if status is not None))

    def reload(self) -> None:
        """Look at the files now, rather than within two seconds; what is wrong with them is in ``status()``."""
        self._anchors.check()
        for source in self._revocation:
            source.reload()

    def validate(self, certificate: PeerCertificate, *, at: datetime | None = None) -> ValidatedPath:
        """Return a path from ``certificate`` to a trust anchor, valid now, or at ``at``.

        What is in ``certificate.chain`` after it may be part of the path, and is not trusted. Raises
        `ValidationError`.
        """
        chain = certificate.chain
        if len(chain) > _MOST_CERTIFICATES:
            raise ValidationError(RejectionReason.UNTRUSTED_ISSUER, _TOO_MANY)
        if at is not None:
            if at.tzinfo is None:
                raise ConfigurationError("a time needs its time zone: datetime.now(UTC)")
            return self._validate(chain, int(at.timestamp()), self._anchors.current())
        now = int(time.time())
        ders = [part["raw"] for part in chain]
        # DER says where it ends: no other certificates in a row are the same bytes.
        key = sha256(ders[0]).digest(), sha256(b"".join(ders[1:])).digest()
        anchors = self._anchors.current()
        material = (anchors, *(source.material() for source in self._revocation))
        verdict = self._verdicts.get(key)
        if verdict is not None and _holds(verdict, now, material):
            return verdict.path
        path = self._validate(chain, now, anchors)
        self._verdicts.put(key, _Verdict(path, now, material))
        return path

    def _validate(self, chain: tuple[PeerCertificate, ...], now: int, anchors: _Anchors) -> ValidatedPath:
        try:
            objection = out_of_time(chain[0], now)
        except DecodeError:
            objection = RejectionReason.UNTRUSTED_ISSUER, _UNREADABLE
        if objection is not None:
            raise ValidationError(*objection)
        moment = datetime.fromtimestamp(now, UTC)
        path = self._path([part["raw"] for part in chain], moment, anchors)
        until = min(int(certificate.not_valid_after_utc.timestamp()) for certificate in path)
        ends = [until, now + _VERDICT_SECONDS]
        if self._revocation:
            below = path[:-1] if self._check_intermediates else path[:1]
            for certificate, issuer in zip(below, path[1:], strict=False):
                ends.append(self._not_revoked(certificate, issuer, moment))
        return ValidatedPath(tuple(certificate.public_bytes(Encoding.DER) for certificate in path), min(ends))

    def _path(self, ders: Sequence[bytes], moment: datetime, anchors: _Anchors) -> list[x509.Certificate]:
        verifier = (
            PolicyBuilder()
            .store(anchors.store)
            .time(moment.replace(tzinfo=None))
            .max_chain_depth(_INTERMEDIATES)
            .extension_policies(ca_policy=_CA_POLICY, ee_policy=self._end_entity_policy)
            .build_client_verifier()
        )
        try:
            leaf, *intermediates = map(x509.load_der_x509_certificate, ders)
            path = verifier.verify(leaf, intermediates).chain
            detail = _objection(path)
            if detail is None:
                return path
        except VerificationError as error:
            detail = _detail(str(error))
        except Exception:  # noqa: BLE001 - cryptography has many for a certificate that it cannot read
            detail = _UNREADABLE
        raise ValidationError(RejectionReason.UNTRUSTED_ISSUER, detail)

    def _not_revoked(self, certificate: x509.Certificate, issuer: x509.Certificate, moment: datetime) -> int:
        """Return until when the certificate is known not to be revoked; `ValidationError` where it is not known."""
        statuses = [source.status_of(certificate, issuer, moment) for source in self._revocation]
        for status in statuses:
            if status.revoked:
                raise ValidationError(RejectionReason.REVOKED, status.detail)
        known = [status.good_until for status in statuses if status.good_until is not None]
        if not known:
            details = "; ".join(status.detail for status in statuses)
            raise ValidationError(RejectionReason.REVOCATION_UNKNOWN, details)
        return int(min(known).timestamp())


def trust_anchors_from(value: TrustAnchors | AnchorSource | Iterable[AnchorSource]) -> TrustAnchors:
    """Return the trust anchors that an option means: itself, or where they are read from."""
    return value if isinstance(value, TrustAnchors) else TrustAnchors(value)


def _holds(verdict: _Verdict, now: int, material: tuple[object, ...]) -> bool:
    # By identity: a reload makes a new object, whatever is in it.
    is_same = all(one is other for one, other in zip(verdict.material, material, strict=True))
    return is_same and verdict.since <= now <= verdict.path.valid_until


# The sources.


def _sources(sources: Iterable[AnchorSource]) -> list[AnchorSource]:
    items = list(sources) if isinstance(sources, Iterable) else []
    if not items or not all(isinstance(item, _SOURCE_TYPES) for item in items):
        raise ConfigurationError(
            "trust anchors are files, directories, the bytes of such a file, or certificates: TrustAnchors(['ca.pem'])"
        )
    return items


def _described(source: AnchorSource) -> str:
    return repr(os.fspath(source)) if isinstance(source, str | os.PathLike) else f"<{type(source).__name__}>"


def _load(paths: Sequence[Path], given: Sequence[bytes | x509.Certificate]) -> _Anchors:
    certificates: list[x509.Certificate] = []
    for path in files_in(paths, _SUFFIXES):
        certificates.extend(_certificates(readable(path), repr(str(path))))
    for item in given:
        certificates.extend(_certificates(item, "what was given"))
    if not certificates:
        raise ConfigurationError("there is no certificate among the trust anchors, and nobody would be accepted")
    return _Anchors(tuple(certificates), Store(certificates))


def _certificates(source: bytes | x509.Certificate, name: str) -> list[x509.Certificate]:
    if isinstance(source, x509.Certificate):
        found = [source]
    else:
        try:
            if b"-----BEGIN" in source:
                found = x509.load_pem_x509_certificates(source)
            else:
                found = [x509.load_der_x509_certificate(source)]
        except ValueError as error:
            raise ConfigurationError(f"{name} is not a certificate in PEM or DER: {error}") from error
    for certificate in found:
        try:
            is_ca = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except Exception as error:
            raise ConfigurationError(f"a certificate in {name} has no basicConstraints that can be read") from error
        if not is_ca:
            raise ConfigurationError(
                f"a certificate in {name} is not that of a CA: for one client's, write allow_fingerprints([...])"
            )
    return found


# What is asked of each certificate, in RFC 5280's order of extensions (section 4.2.1). Criticality does not count: what
# a CA says of a certificate holds whether or not others may pass over it.


def _end_entity_policy(*, is_required: bool, allow_any: bool) -> ExtensionPolicy:
    usages = {ExtendedKeyUsageOID.CLIENT_AUTH, *((ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,) if allow_any else ())}

    def for_clients(_: Policy, __: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
        if usage is None:
            if is_required:
                raise ValueError(_NO_USAGE)
        elif usages.isdisjoint(usage):
            raise ValueError(_NOT_FOR_CLIENTS)

    return (
        ExtensionPolicy.permit_all()
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign)
        .may_be_present(x509.BasicConstraints, Criticality.AGNOSTIC, _is_no_ca)
        .require_not_present(x509.NameConstraints)
        .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, for_clients)
    )


def _may_sign(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is None:
        return
    if usage.key_cert_sign or usage.crl_sign:
        raise ValueError(_IS_A_CA)
    if not usage.digital_signature:  # RFC 8446, section 4.4.2.2
        raise ValueError(_MAY_NOT_SIGN)


def _is_no_ca(_: Policy, __: x509.Certificate, constraints: x509.BasicConstraints | None) -> None:
    if constraints is not None and constraints.ca:
        raise ValueError(_IS_A_CA)


def _is_ca(_: Policy, __: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:  # recent releases of the verifier say so themselves
        raise ValueError(_NO_CA)


def _may_issue(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError(_NO_CA)


def _may_issue_for_clients(_: Policy, __: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
    if usage is not None and _CA_USAGES.isdisjoint(usage):
        raise ValueError(_NOT_FOR_CLIENTS)


def _are_known(_: Policy, __: x509.Certificate, constraints: x509.NameConstraints | None) -> None:
    # The verifier compares alternative names, and every certificate has a distinguished name besides.
    if constraints is not None and any(isinstance(name, x509.DirectoryName) for name in _constrained(constraints)):
        raise ValueError(_DIRECTORY_CONSTRAINT)


_CA_USAGES = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})

_CA_POLICY = (
    ExtensionPolicy.permit_all()
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_issue)
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _is_ca)
    .may_be_present(x509.NameConstraints, Criticality.AGNOSTIC, _are_known)
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _may_issue_for_clients)
)


# What is asked of a path beyond that.


def _objection(path: Sequence[x509.Certificate]) -> str | None:
    """Return what is wrong with a path that the verifier has accepted."""
    kinds: set[type[x509.GeneralName]] = set()
    for certificate in reversed(path):
        extensions = certificate.extensions
        if _has(extensions, x509.PolicyConstraints.oid) or _has(extensions, x509.ObjectIdentifier("2.5.29.33")):
            return _POLICIES
        # Of the CAs above, for a CA's own constraints do not bind itself (RFC 5280, section 4.2.1.10).
        if x509.RFC822Name in kinds and not _repeats(certificate, NameOID.EMAIL_ADDRESS, x509.RFC822Name):
            return _CONSTRAINED_EMAIL
        if x509.DNSName in kinds and not _repeats(certificate, NameOID.COMMON_NAME, x509.DNSName, _DNS_NAME.fullmatch):
            return _CONSTRAINED_DNS
        if _has(extensions, x509.NameConstraints.oid):
            constraints = extensions.get_extension_for_class(x509.NameConstraints).value
            kinds.update(map(type, _constrained(constraints)))
    return None


def _has(extensions: x509.Extensions, oid: x509.ObjectIdentifier) -> bool:
    return any(extension.oid == oid for extension in extensions)


def _constrained(constraints: x509.NameConstraints) -> list[x509.GeneralName]:
    return [*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ())]


def _repeats(
    certificate: x509.Certificate,
    attribute: x509.ObjectIdentifier,
    kind: type[x509.DNSName | x509.RFC822Name],
    counts: Callable[[str], object] = bool,
) -> bool:
    """Return whether each value of the subject's ``attribute`` that ``counts`` is an alternative name, too.

    Constraints on names bind alternative names, and software reads a DNS name or an address from the subject as well:
    for addresses, RFC 5280 says so (section 4.2.1.10), and OpenSSL does it for DNS names.
    """
    values = {str(part.value) for part in certificate.subject.get_attributes_for_oid(attribute)}
    named: set[str] = set()
    if _has(certificate.extensions, x509.SubjectAlternativeName.oid):
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        named.update(names.get_values_for_type(kind))
    return all(value in named for value in values if counts(value))


def _detail(text: str) -> str:
    """Return what is to be said for what the verifier says."""
    for detail in _OWN_DETAILS:
        if detail in text:
            return detail
    return next((detail for part, detail in _DETAILS.items() if part in text), _NO_PATH)
