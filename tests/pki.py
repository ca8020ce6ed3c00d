"""Certificates and lists of revocations with whatever a test puts into them, or leaves out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from clientcert import _backend
from clientcert.certificate import link

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
DIGITAL_SIGNATURE = ("digital_signature",)
SIGNS_CERTIFICATES = ("key_cert_sign", "crl_sign")

_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    x509: x509.Certificate
    key: Any

    @property
    def der(self) -> bytes:
        return self.x509.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.x509.public_bytes(Encoding.PEM)


def key_usage(*names):
    return x509.KeyUsage(**{name: name in names for name in _USAGES})


def name(common_name, **attributes):
    pairs = [x509.NameAttribute(getattr(NameOID, key.upper()), value) for key, value in attributes.items()]
    return x509.Name([*pairs, *([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])])


def issue(
    subject,
    issuer=None,
    *,
    extensions,
    key=None,
    not_before=NOW - DAY,
    not_after=NOW + DAY,
    algorithm=None,
    signing_key=None,
    serial_number=None,
):
    """Return a certificate with ``extensions``, pairs of an extension and whether it is critical."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = subject if isinstance(subject, x509.Name) else name(subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.x509.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(serial_number or x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    signer = signing_key or (issuer.key if issuer else key)
    return Issued(builder.sign(signer, algorithm or hashes.SHA256()), key)


def authority(
    subject, issuer=None, *, usage=SIGNS_CERTIFICATES, path_length=None, is_ca=True, critical=True, extra=(), **fields
):
    extensions = [(x509.BasicConstraints(ca=is_ca, path_length=path_length if is_ca else None), critical)]
    if usage is not None:
        extensions.append((key_usage(*usage), critical))
    return issue(subject, issuer, extensions=[*extensions, *extra], **fields)


def client(
    subject, issuer, *, usage=DIGITAL_SIGNATURE, purposes=(CLIENT_AUTH,), critical=True, is_ca=False, extra=(), **fields
):
    extensions = []
    if is_ca is not None:
        extensions.append((x509.BasicConstraints(ca=is_ca, path_length=None), critical))
    if usage is not None:
        extensions.append((key_usage(*usage), critical))
    if purposes:
        extensions.append((x509.ExtendedKeyUsage(purposes), False))
    return issue(subject, issuer, extensions=[*extensions, *extra], **fields)


def names(*texts):
    kinds = {"dns": x509.DNSName, "uri": x509.UniformResourceIdentifier, "email": x509.RFC822Name}
    return [kinds[text.partition(":")[0]](text.partition(":")[2]) for text in texts]


def alternative_names(*texts):
    return x509.SubjectAlternativeName(names(*texts)), False


def constraints(*, permitted=None, excluded=None, critical=True):
    return x509.NameConstraints(permitted, excluded), critical


def unknown_extension(*, critical):
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00"), critical


def rsa_key(bits):
    return rsa.generate_private_key(65537, bits)


def presented(*certificates):
    """Return what the backend in use decodes: the first certificate, with the others as its chain."""
    return link([_backend.core.parse_der(each if isinstance(each, bytes) else each.der) for each in certificates])


def with_no_times(der):
    """Return a certificate whose UTCTimes name no time, which makes its signature wrong, too."""
    return re.sub(rb"\x17\r\d{12}Z", b"\x17\r991399999999Z", der)


def revocation_list(
    issuer,
    serials=(),
    *,
    this_update=NOW - DAY,
    next_update=NOW + DAY,
    extensions=(),
    entry_extensions=(),
    signing_key=None,
    algorithm=None,
):
    """Return a list of revocations in DER."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.x509.subject)
        .last_update(this_update)
        .next_update(next_update)
    )
    for serial in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(this_update)
        for extension, critical in entry_extensions:
            entry = entry.add_extension(extension, critical=critical)
        builder = builder.add_revoked_certificate(entry.build())
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signing_key or issuer.key, algorithm or hashes.SHA256()).public_bytes(Encoding.DER)


def scope(**fields):
    """Return an issuingDistributionPoint with these fields."""
    fields = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    } | fields
    return x509.IssuingDistributionPoint(**fields), True
