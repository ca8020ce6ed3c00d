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
# One curve whose field needs the general algorithm for square roots, and one binary curve of even degree.
SECP224R1, C2PNB208W1, SM2 = "1.3.132.0.33", "1.2.840.10045.3.0.10", "1.2.156.10197.1.301"
G_P224 = bytes.fromhex(
    "04b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21bd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34"
)
G_C2PNB208W1 = bytes.fromhex(
    "0489fdfbe4abe193df9559ecf07ac0ce78554e2784eb8c1ed1a57a0f55b51a06e78e9ac38a035ff520d8b01781beb1a6bb08617de3"
)
G_SM2 = bytes.fromhex(
    "0432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)
# P-256 in numbers (FIPS 186-4, D.1.2.3), and the polynomial of c2pnb208w1 (ANSI X9.62).
P_P256 = 2**256 - 2**224 + 2**192 + 2**96 - 1
B_P256 = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
N_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# Twice the generator of P-256, the generators and orders of two binary curves; the second has no OBJECT IDENTIFIER.
G2_P256 = bytes.fromhex(
    "047cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978"
    "07775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1"
)
G_SECT233K1 = bytes.fromhex(
    "04017232ba853a7e731af129f22ff4149563a419c26bf50a4c9d6eefad612601db537dece819b7f70f555a67c427a8cd9bf18aeb9b56e0c11056fae6a3"
)
N_SECT163K1 = 0x4000000000000000000020108A2E0CC0D99F8A5EF
N_SECT233K1 = 0x8000000000000000000000000000069D5BB915BCD46EFB1AD5F173ABDF
G_OAKLEY3, N_OAKLEY3 = b"\4" + bytes(19) + b"\x7b" + bytes(18) + b"\1\xc8", 0x2AAAAAAAAAAAAAAAAAAC7F3C7881BD0868FA86C
X962_PRIME, X962_BINARY = "1.2.840.10045.1.1", "1.2.840.10045.1.2"
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


def integer(value: int) -> bytes:
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def prime_field(p: int = P_P256) -> bytes:
    return tlv(SEQUENCE, oid(X962_PRIME), integer(p))


def binary_field(degree: int, *exponents: int) -> bytes:
    """The basis is a trinomial's for one exponent, a pentanomial's for three."""
    kind, basis = (2, integer(*exponents)) if len(exponents) == 1 else (3, tlv(SEQUENCE, *map(integer, exponents)))
    return tlv(SEQUENCE, oid(X962_BINARY), tlv(SEQUENCE, integer(degree), oid(f"{X962_BINARY}.3.{kind}"), basis))


def ec_parameters(
    *,
    version: bytes = tlv(INTEGER, b"\1"),
    field: bytes = prime_field(),
    a: bytes = (P_P256 - 3).to_bytes(32),
    b: bytes = B_P256.to_bytes(32),
    seed: bytes = b"",
    base: bytes = G_P256,
    order: bytes = integer(N_P256),
    cofactor: bytes = tlv(INTEGER, b"\1"),
    after: bytes = b"",
) -> bytes:
    """ECParameters (RFC 3279, section 2.3.5): P-256 in numbers."""
    curve = tlv(SEQUENCE, tlv(OCTET_STRING, a), tlv(OCTET_STRING, b), seed)
    return tlv(SEQUENCE, version, field, curve, tlv(OCTET_STRING, base), order, cofactor, after)


def sect233k1(**changed: bytes) -> bytes:
    """ECParameters of a binary curve, with some of them changed."""
    usual = {"field": binary_field(233, 74), "a": b"\0", "b": b"\1", "base": G_SECT233K1}
    return ec_parameters(**(usual | {"order": integer(N_SECT233K1), "cofactor": integer(4)} | changed))


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
