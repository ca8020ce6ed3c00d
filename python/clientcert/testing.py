"""A throw-away certificate authority, for tests: real certificates and keys, made in milliseconds, trusted by nobody.

::

    authority = CertificateAuthority()
    client = authority.issue("alice", sans=["uri:spiffe://example.org/alice"])
    headers = proxy_headers(PRESETS["nginx"], client.certificate)

Nothing here knows a test framework, and nothing here is for production: keys are neither encrypted nor kept.
"""

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
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from clientcert.errors import ConfigurationError
from clientcert.gateway import proxy_headers
from clientcert.parse import parse_der
from clientcert.policy import attribute_type

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from clientcert.certificate import PeerCertificate

__all__ = ["CertificateAuthority", "IssuedCertificate", "KeyType", "proxy_headers"]

KeyType = Literal["ec", "rsa"]
"""ECDSA with P-256, the fast one, or RSA with 2048 bits."""

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
        key_type: KeyType = "ec",
        issuer: CertificateAuthority | None = None,
    ) -> None:
        self._key = _new_key(key_type)
        self._name = _name([("CN", common_name)])
        signer = issuer or self
        builder = _builder(signer, self._name, self._key.public_key(), _AUTHORITY_VALIDITY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(ca=True), critical=True)
        self.der: bytes = _sign(builder, signer._key)
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

    def intermediate(self, common_name: str = "clientcert test intermediate CA") -> CertificateAuthority:
        """Return an authority that this one has certified."""
        return CertificateAuthority(common_name, issuer=self)

    def issue(  # noqa: PLR0913 - each is a field of the certificate
        self,
        common_name: str = "client",
        *,
        subject: Sequence[tuple[str, str]] | None = None,
        sans: Sequence[str] = (),
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        key_type: KeyType = "ec",
        server_auth: bool = False,
        serial_number: int | None = None,
    ) -> IssuedCertificate:
        """Return a new certificate with its key: for a TLS client or, with ``server_auth``, for a TLS server.

        ``subject`` replaces ``common_name``: pairs of attribute type (``"O"`` or a dotted OID) and value, in order.
        ``sans`` are typed: ``"dns:…"``, ``"uri:…"``, ``"email:…"``, ``"ip:…"``. Valid from an hour ago for a day,
        unless told otherwise; one of ``not_before`` and ``not_after`` alone moves the other where it must.
        """
        key = _new_key(key_type)
        name = _name([("CN", common_name)] if subject is None else subject)
        builder = _builder(self, name, key.public_key(), _validity(not_before, not_after), serial_number)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(ca=False), critical=True)
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server_auth else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if sans:
            names = x509.SubjectAlternativeName(map(_general_name, sans))
            # Critical where nothing else names the subject (RFC 5280, section 4.2.1.6).
            builder = builder.add_extension(names, critical=not list(name))
        key_pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return IssuedCertificate(_sign(builder, self._key), key_pem.decode(), self._sent_along)


def _builder(
    signer: CertificateAuthority,
    subject: x509.Name,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
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
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer._key.public_key()),
            critical=False,
        )
    )


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _new_key(key_type: KeyType) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    if key_type == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    if key_type == "rsa":
        return rsa.generate_private_key(_RSA_EXPONENT, _RSA_BITS)
    raise ConfigurationError("key_type must be 'ec' or 'rsa'")


def _validity(not_before: datetime | None, not_after: datetime | None) -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    if not_before is None:
        not_before = now - _CLOCK_SKEW
        if not_after is not None and not_after <= not_before:
            not_before = not_after - _LEAF_LIFETIME
    return not_before, not_after or max(now, not_before) + _LEAF_LIFETIME


def _name(attributes: Sequence[tuple[str, str]]) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(x509.ObjectIdentifier(attribute_type(key)), value) for key, value in attributes]
    )


def _general_name(text: str) -> x509.GeneralName:
    kind, _, value = text.partition(":")
    if kind == "dns":
        return x509.DNSName(value)
    if kind == "uri":
        return x509.UniformResourceIdentifier(value)
    if kind == "email":
        return x509.RFC822Name(value)
    if kind == "ip":
        return x509.IPAddress(ip_address(value))
    raise ConfigurationError("each of sans must begin with 'dns:', 'uri:', 'email:' or 'ip:'")


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
