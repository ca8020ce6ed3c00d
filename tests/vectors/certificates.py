"""Certificates for the vectors, built byte by byte: valid ones, and each way to be wrong.

Nothing here is random and nothing is signed: a decoder does not look at signatures, so eight fixed bytes stand for one.
"""

from __future__ import annotations

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8, PRINTABLE, T61, IA5, UNIVERSAL, BMP = 0x0C, 0x13, 0x14, 0x16, 0x1C, 0x1E
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31
EMAIL, DNS, URI, IP, REGISTERED_ID = 0x81, 0x82, 0x86, 0x87, 0x88
OTHER_NAME, X400, DIRECTORY, EDI_PARTY = 0xA0, 0xA3, 0xA4, 0xA5

CN, C, O, OU, EMAIL_ADDRESS = "2.5.4.3", "2.5.4.6", "2.5.4.10", "2.5.4.11", "1.2.840.113549.1.9.1"  # noqa: E741 - its name
KEY_USAGE, SUBJECT_ALT_NAME, BASIC_CONSTRAINTS, EXT_KEY_USAGE = "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.37"
INFO_ACCESS, OCSP, CA_ISSUERS = "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.48.1", "1.3.6.1.5.5.7.48.2"
UPN, SRV_NAME, SMTP_UTF8_MAILBOX = "1.3.6.1.4.1.311.20.2.3", "1.3.6.1.5.5.7.8.7", "1.3.6.1.5.5.7.8.9"
SUBJECT_KEY_ID, AUTHORITY_KEY_ID, NAME_CONSTRAINTS = "2.5.29.14", "2.5.29.35", "2.5.29.30"
CRL_DISTRIBUTION_POINTS, NETSCAPE_TYPE = "2.5.29.31", "2.16.840.1.113730.1.1"
ADDRESS_BLOCKS, AUTONOMOUS_SYSTEMS = "1.3.6.1.5.5.7.1.7", "1.3.6.1.5.5.7.1.8"
PROXY_CERT_INFO = "1.3.6.1.5.5.7.1.14"
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
RSA, EC, ED25519, SHA256_RSA = "1.2.840.113549.1.1.1", "1.2.840.10045.2.1", "1.3.101.112", "1.2.840.113549.1.1.11"
P256, SECT163K1, WTLS8 = "1.2.840.10045.3.1.7", "1.3.132.0.1", "2.23.43.1.4.8"

# The generators of P-256 (FIPS 186-4, D.1.2.3) and of two odd curves (`openssl ecparam -text`): points on the curve.
G_P256 = bytes.fromhex(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
G_SECT163K1 = bytes.fromhex("0402fe13c0537bbc11acaa07d793de4e6d5e5c94eee80289070fb05d38ff58321f2e800536d538ccdaa3d9")
G_WTLS8 = bytes.fromhex("0400000000000000000000000000010000000000000000000000000002")
MODULUS = (0xC0 << 1016 | 0x3039).to_bytes(128)


def tlv(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    size = (len(content).bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + len(content).to_bytes(size) + content


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    content = b""
    for arc in (40 * first + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | arc & 0x7F)
        content += bytes(reversed(digits))
    return tlv(OID, content)


def attribute(kind: str, value: bytes | str, tag: int = UTF8) -> bytes:
    return tlv(SEQUENCE, oid(kind), tlv(tag, value.encode() if isinstance(value, str) else value))


def name(*rdns: bytes | tuple[bytes, ...]) -> bytes:
    return tlv(SEQUENCE, *(tlv(SET, *(rdn if isinstance(rdn, tuple) else (rdn,))) for rdn in rdns))


def rsa(
    modulus: bytes = b"\0" + MODULUS, exponent: bytes = b"\1\0\1", *, parameters: bytes = tlv(NULL), after: bytes = b""
) -> bytes:
    key = tlv(SEQUENCE, tlv(INTEGER, modulus), tlv(INTEGER, exponent)) + after
    return tlv(SEQUENCE, tlv(SEQUENCE, oid(RSA), parameters), tlv(BIT_STRING, b"\0", key))


def ec(point: bytes = G_P256, curve: bytes = oid(P256)) -> bytes:
    return tlv(SEQUENCE, tlv(SEQUENCE, oid(EC), curve), tlv(BIT_STRING, b"\0", point))


def extension(kind: str, content: bytes, critical: bytes = b"") -> bytes:
    return tlv(SEQUENCE, oid(kind), critical, tlv(OCTET_STRING, content))


def subject_alt_name(*names: bytes) -> bytes:
    return extension(SUBJECT_ALT_NAME, tlv(SEQUENCE, *names))


def basic_constraints(*contents: bytes) -> bytes:
    return extension(BASIC_CONSTRAINTS, tlv(SEQUENCE, *contents), tlv(BOOLEAN, b"\xff"))


def key_usage(bits: bytes) -> bytes:
    return extension(KEY_USAGE, tlv(BIT_STRING, bits), tlv(BOOLEAN, b"\xff"))


def info_access(*descriptions: tuple[str, bytes]) -> bytes:
    return extension(INFO_ACCESS, tlv(SEQUENCE, *(tlv(SEQUENCE, oid(kind), where) for kind, where in descriptions)))


def other_name(kind: str, value: bytes) -> bytes:
    return tlv(OTHER_NAME, oid(kind), tlv(0xA0, value))


ALGORITHM = tlv(SEQUENCE, oid(SHA256_RSA), tlv(NULL))
VERSION_3 = tlv(0xA0, tlv(INTEGER, b"\2"))
SIGNATURE = tlv(BIT_STRING, b"\0" + bytes(8))
NOT_BEFORE, NOT_AFTER = tlv(UTC_TIME, b"260101000000Z"), tlv(UTC_TIME, b"351231235959Z")
ISSUER, CLIENT = name(attribute(CN, "Test Issuer")), name(attribute(CN, "client"))


def tbs(
    *,
    version: bytes = VERSION_3,
    serial: bytes = tlv(INTEGER, b"\1"),
    algorithm: bytes = ALGORITHM,
    issuer: bytes = ISSUER,
    validity: bytes = tlv(SEQUENCE, NOT_BEFORE, NOT_AFTER),
    subject: bytes = CLIENT,
    key: bytes = ec(),
    unique_ids: bytes = b"",
    extensions: tuple[bytes, ...] = (),
    after: bytes = b"",
) -> bytes:
    tail = tlv(0xA3, tlv(SEQUENCE, *extensions)) if extensions else b""
    return tlv(SEQUENCE, version, serial, algorithm, issuer, validity, subject, key, unique_ids, tail, after)


def certificate(**fields: object) -> bytes:
    return tlv(SEQUENCE, tbs(**fields), ALGORITHM, SIGNATURE)  # type: ignore[arg-type]


LEAF = certificate(
    serial=tlv(INTEGER, b"\x5a\x01"),
    extensions=(
        key_usage(b"\x07\x80"),
        extension(EXT_KEY_USAGE, tlv(SEQUENCE, oid(CLIENT_AUTH))),
        subject_alt_name(tlv(DNS, b"client.example"), tlv(URI, b"spiffe://example.org/client")),
    ),
)
INTERMEDIATE = certificate(
    subject=ISSUER,
    issuer=name(attribute(CN, "Test Root")),
    extensions=(basic_constraints(tlv(BOOLEAN, b"\xff"), tlv(INTEGER, b"\0")), key_usage(b"\x01\x06")),
)
ROOT = certificate(
    subject=name(attribute(CN, "Test Root")),
    issuer=name(attribute(CN, "Test Root")),
    extensions=(basic_constraints(tlv(BOOLEAN, b"\xff")),),
)
