"""A certificate authority for tests: real certificates and keys, lists of revocations, OCSP responses."""

# ruff: noqa: SLF001 - an authority uses the key and the name of the one that certifies it

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from clientcert.errors import ConfigurationError
from clientcert.identity_mapping import UPN
from clientcert.parse import parse_der
from clientcert.policy import attribute_type

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from clientcert.certificate import PeerCertificate

    _PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    _PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
    _Extension = tuple[x509.ExtensionType, bool]

__all__ = ["CertificateAuthority", "IssuedCertificate", "KeyType"]

KeyType = Literal["ec", "rsa", "ed25519"]
"""ECDSA with P-256, RSA with 2048 bits, which takes a hundred times as long to make, or Ed25519."""

# Wide enough that a test may issue a certificate for any time: UTCTime ends with 2049 (RFC 5280, section 4.1.2.5).
_AUTHORITY_VALIDITY = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2049, 12, 31, tzinfo=UTC))
_LEAF_LIFETIME = timedelta(days=1)
_CLOCK_SKEW = timedelta(hours=1)

_RSA_BITS = 2048
_RSA_EXPONENT = 65537


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate with its private key, and the certificates between it and the root."""

    der: bytes
    key_pem: str
    intermediates: tuple[bytes, ...] = ()

    @property
    def pem(self) -> str:
        """The certificate in PEM."""
        return ssl.DER_cert_to_PEM_cert(self.der)

    @property
    def chain_pem(self) -> str:
        """The certificate and its intermediates in PEM, as a TLS peer sends them: without the root."""
        return "".join(map(ssl.DER_cert_to_PEM_cert, (self.der, *self.intermediates)))

    @property
    def certificate(self) -> PeerCertificate:
        """The certificate, without its chain, decoded by the backend in use."""
        return parse_der(self.der)

    def write(self, directory: str | os.PathLike[str]) -> tuple[Path, Path]:
        """Write the chain and the key to files in ``directory``, named by the fingerprint, and return their paths.

        The two are what `ssl.SSLContext.load_cert_chain` takes.
        """
        stem = Path(directory, hashlib.sha256(self.der).hexdigest()[:16])
        chain, key = stem.with_suffix(".pem"), stem.with_suffix(".key")
        chain.write_text(self.chain_pem)
        key.touch(mode=0o600)
        key.write_text(self.key_pem)
        return chain, key


class CertificateAuthority:
    """A certificate authority that lives as long as this object: a root, or an intermediate below ``issuer``."""

    def __init__(
        self,
        common_name: str = "clientcert test CA",
        *,
        subject: Sequence[tuple[str, str]] | None = None,
        key_type: KeyType = "ec",
        issuer: CertificateAuthority | None = None,
    ) -> None:
        self._key = _new_key(key_type)
        self._name = _name(common_name, subject)
        signer = issuer or self
        extensions: list[_Extension] = [
            (x509.BasicConstraints(ca=True, path_length=None), True),
            (_key_usage(ca=True), True),
        ]
        builder = _builder(signer, self._name, self._key.public_key(), _AUTHORITY_VALIDITY)
        self.der: bytes = _signed(builder, extensions, signer._key)
        # The root is what the other side has already: it is not sent along.
        self._sent_along: tuple[bytes, ...] = (self.der, *issuer._sent_along) if issuer else ()

    @property
    def pem(self) -> str:
        """The certificate in PEM, as `ssl.SSLContext.load_verify_locations` takes it in ``cadata``."""
        return ssl.DER_cert_to_PEM_cert(self.der)

    @property
    def certificate(self) -> PeerCertificate:
        """The certificate, decoded by the backend in use."""
        return parse_der(self.der)

    def intermediate(
        self,
        common_name: str = "clientcert test intermediate CA",
        *,
        subject: Sequence[tuple[str, str]] | None = None,
        key_type: KeyType = "ec",
    ) -> CertificateAuthority:
        """Return an authority that this one has certified."""
        return CertificateAuthority(common_name, subject=subject, key_type=key_type, issuer=self)

    def issue(  # noqa: PLR0913 - each is a field of the certificate
        self,
        common_name: str = "client",
        *,
        subject: Sequence[tuple[str, str]] | None = None,
        sans: Sequence[str | x509.GeneralName] = (),
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        key_type: KeyType = "ec",
        server_auth: bool = False,
        serial_number: int | None = None,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> IssuedCertificate:
        """Return a new certificate with its key: for a TLS client or, with ``server_auth``, for a TLS server.

        ``subject`` replaces ``common_name``: pairs of attribute type (``"O"`` or a dotted OID) and value, in order.
        ``sans`` are typed: ``"dns:…"``, ``"uri:…"``, ``"email:…"``, ``"ip:…"``, ``"upn:…"``, or any `GeneralName` of
        ``cryptography``. Valid from an hour ago for a day, unless told otherwise; one of ``not_before`` and
        ``not_after`` alone moves the other where it must. ``extensions`` are pairs of an extension and whether it is
        critical. One of a kind that would be there anyway takes its place.
        """
        key = _new_key(key_type)
        name = _name(common_name, subject)
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server_auth else ExtendedKeyUsageOID.CLIENT_AUTH
        usual: list[_Extension] = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_key_usage(ca=False), True),
            (x509.ExtendedKeyUsage([usage]), False),
        ]
        if sans:
            # Critical where nothing else names the subject (RFC 5280, section 4.2.1.6).
            usual.append((x509.SubjectAlternativeName(map(_general_name, sans)), not list(name)))
        given = {extension.oid for extension, _ in extensions}
        usual = [(extension, critical) for extension, critical in usual if extension.oid not in given]
        builder = _builder(self, name, key.public_key(), _validity(not_before, not_after), serial_number)
        key_pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        der = _signed(builder, [*usual, *extensions], self._key)
        return IssuedCertificate(der, key_pem.decode(), self._sent_along)

    def revocation_list(
        self,
        revoked: Iterable[bytes] = (),
        *,
        this_update: datetime | None = None,
        next_update: datetime | None = None,
    ) -> bytes:
        """Return a list of revocations in DER, as `RevocationLists` takes it.

        ``revoked`` are certificates in DER. The times are as for `issue`: a list that has run out is one whose
        ``next_update`` is past.
        """
        this_update, next_update = _validity(this_update, next_update)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(this_update)
            .next_update(next_update)
            # RFC 5280, section 5.2, wants these two in each list.
            .add_extension(_authority_key_identifier(self), critical=False)
            .add_extension(x509.CRLNumber(1), critical=False)
        )
        for der in revoked:
            serial_number = x509.load_der_x509_certificate(der).serial_number
            entry = x509.RevokedCertificateBuilder(serial_number, revocation_date=this_update)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self._key, _digest(self._key)).public_bytes(serialization.Encoding.DER)

    def ocsp_response(
        self,
        certificate: bytes,
        *,
        revoked: bool = False,
        this_update: datetime | None = None,
        next_update: datetime | None = None,
    ) -> bytes:
        """Return an OCSP response in DER, as `OCSPResponses` takes it, about a certificate in DER that is issued here.

        The times are as for `revocation_list`.
        """
        this_update, next_update = _validity(this_update, next_update)
        issuer = x509.load_der_x509_certificate(self.der)
        status = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=x509.load_der_x509_certificate(certificate),
            issuer=issuer,
            algorithm=hashes.SHA1(),  # noqa: S303 - it names the issuer, and is what RFC 5019 asks for
            cert_status=status,
            this_update=this_update,
            next_update=next_update,
            revocation_time=this_update if revoked else None,
            revocation_reason=None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer)
        return builder.sign(self._key, _digest(self._key)).public_bytes(serialization.Encoding.DER)


def _builder(
    signer: CertificateAuthority,
    subject: x509.Name,
    public_key: _PublicKey,
    validity: tuple[datetime, datetime],
    serial_number: int | None = None,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer._name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number() if serial_number is None else serial_number)
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(_authority_key_identifier(signer), critical=False)
    )


def _authority_key_identifier(signer: CertificateAuthority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(signer._key.public_key())


def _signed(builder: x509.CertificateBuilder, extensions: Iterable[_Extension], key: _PrivateKey) -> bytes:
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(key, _digest(key)).public_bytes(serialization.Encoding.DER)


def _new_key(key_type: KeyType) -> _PrivateKey:
    if key_type == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    if key_type == "rsa":
        return rsa.generate_private_key(_RSA_EXPONENT, _RSA_BITS)
    if key_type == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    raise ConfigurationError("key_type must be 'ec', 'rsa' or 'ed25519'")


def _digest(key: _PrivateKey) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()  # Ed25519 has its own


def _validity(begin: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    if begin is None:
        begin = now - _CLOCK_SKEW
        if end is not None and end <= begin:
            begin = end - _LEAF_LIFETIME
    return begin, end or max(now, begin) + _LEAF_LIFETIME


def _name(common_name: str, subject: Sequence[tuple[str, str]] | None) -> x509.Name:
    attributes = [("CN", common_name)] if subject is None else subject
    return x509.Name(
        [x509.NameAttribute(x509.ObjectIdentifier(attribute_type(key)), value) for key, value in attributes]
    )


def _general_name(name: str | x509.GeneralName) -> x509.GeneralName:
    if isinstance(name, x509.GeneralName):
        return name
    kind, _, value = name.partition(":")
    if kind == "dns":
        return x509.DNSName(value)
    if kind == "uri":
        return x509.UniformResourceIdentifier(value)
    if kind == "email":
        return x509.RFC822Name(value)
    if kind == "ip":
        return x509.IPAddress(ip_address(value))
    if kind == "upn":
        return x509.OtherName(x509.ObjectIdentifier(UPN), _utf8_string(value))
    raise ConfigurationError("each of sans must begin with 'dns:', 'uri:', 'email:', 'ip:' or 'upn:'")


def _utf8_string(text: str) -> bytes:
    """Return the DER of a UTF8String."""
    content = text.encode()
    size = len(content)
    if size < 0x80:  # noqa: PLR2004 - where the long form of a length begins (X.690, section 8.1.3)
        return bytes([0x0C, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([0x0C, 0x80 | len(length)]) + length + content


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
