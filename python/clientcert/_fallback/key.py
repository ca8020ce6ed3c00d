"""The subject's public key, for the two kinds whose numbers Node.js shows: RSA and elliptic curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clientcert._fallback import algorithm, curve, der, objects
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from clientcert._fallback.curve import BinaryField, Named, PrimeField

__all__ = ["check", "read"]

# OBJECT IDENTIFIERs. Next to rsaEncryption, OpenSSL takes `rsa` of X.509 (1988) for it.
_RSA_ENCRYPTION = bytes.fromhex("06092a864886f70d010101")
_RSA = (_RSA_ENCRYPTION, bytes.fromhex("060455080101"))
_EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
_PRIME_FIELD = bytes.fromhex("06072a8648ce3d0101")
_BINARY_FIELD = bytes.fromhex("06072a8648ce3d0102")
_TRINOMIAL_BASIS = bytes.fromhex("06092a8648ce3d01020302")
_PENTANOMIAL_BASIS = bytes.fromhex("06092a8648ce3d01020303")

_RSA_ALGORITHM = der.encode(der.SEQUENCE, _RSA_ENCRYPTION + der.encode(der.NULL, b""))
# By the length of an RSAPublicKey whose exponent has three bytes, as 65537 has, the headers of SEQUENCE and modulus.
_PLAIN_RSA = {
    270: bytes.fromhex("3082010a02820101"),  # 2048 bits
    398: bytes.fromhex("3082018a02820181"),  # 3072 bits
    526: bytes.fromhex("3082020a02820201"),  # 4096 bits
}
_PLAIN_EXPONENT = b"\x02\x03"
_LONGEST_EXPONENT = 2**64 - 1  # Node.js prints one machine word, all ones where the exponent does not fit
_VERSION = b"\1"  # ecpVer1, the only one of RFC 3279, section 2.3.5


def _info(data: bytes, at: int, end: int) -> tuple[int, int, bytes, int]:
    """Check that the next element is a SubjectPublicKeyInfo (RFC 5280, section 4.1).

    Return where the algorithm begins, where its parameters end and the BIT STRING begins, the key without unused bits,
    and where the whole ends.
    """
    at, end = der.expect(data, at, end, der.SEQUENCE)
    start, key_at = algorithm.check(data, at, end)
    bits, stop = der.bit_string(data, key_at, end)
    der.finish(stop, end)
    key = data[bits + 1 : stop]
    if data[bits]:
        # As OpenSSL does (`c2i_ASN1_BIT_STRING`).
        key = key[:-1] + bytes((key[-1] & -1 << data[bits] & 0xFF,))
    return start, key_at, key, stop


def check(data: bytes, at: int, end: int) -> der.Span:
    """Check that the next element is a SubjectPublicKeyInfo, and in it what is shown of a key; return where it is.

    `DecodeError` with the code ``der`` at the BIT STRING for an RSA key that is not DER, which OpenSSL may read. With
    ``curve`` at explicit parameters that are not those of a curve with a name. RFC 5480, section 2.1.1, forbids all of
    them: whoever chooses the generator may know the private key to anybody's public key (CVE-2020-0601).
    """
    start, key_at, key, stop = _info(data, at, end)
    if data.startswith(_RSA, start):
        try:
            _numbers(key)
        except DecodeError as error:
            if error.code == "der":
                raise DecodeError("der", key_at) from None
    elif data.startswith(_EC_PUBLIC_KEY, start):
        parameters = start + len(_EC_PUBLIC_KEY)
        if der.is_next(data, parameters, key_at, der.SEQUENCE):
            try:
                _explicit(data[parameters:key_at])
            except DecodeError:
                raise DecodeError("curve", parameters) from None
    return at, stop


def read(spki: bytes) -> dict[str, Any]:
    """Return the keys and values that Node.js has for a SubjectPublicKeyInfo.

    There are none for other kinds, and for keys that OpenSSL cannot decode.
    """
    start, key_at, key, _ = _info(spki, 0, len(spki))
    try:
        if spki.startswith(_RSA, start):
            return _rsa(*_numbers(key))
        if spki.startswith(_EC_PUBLIC_KEY, start):
            return _ec(spki[start + len(_EC_PUBLIC_KEY) : key_at], key)
    except DecodeError:
        pass
    return {}


def _numbers(content: bytes) -> tuple[bytes, bytes]:
    """Return modulus and exponent of an RSAPublicKey (RFC 8017, appendix A.1.1)."""
    headers = _PLAIN_RSA.get(len(content))
    if headers and content.startswith(headers) and content[-5:-3] == _PLAIN_EXPONENT:
        return content[len(headers) : -5], content[-3:]
    at, end = der.expect(content, 0, len(content), der.SEQUENCE)
    # OpenSSL reads both numbers as magnitudes, whatever the sign bit says, and ignores what follows the key.
    start, at = der.expect(content, at, end, der.INTEGER)
    modulus = content[start:at]
    start, at = der.expect(content, at, end, der.INTEGER)
    exponent = content[start:at]
    der.finish(at, end)
    return modulus, exponent


def _rsa(*numbers: bytes) -> dict[str, Any]:
    modulus, exponent = map(int.from_bytes, numbers)
    key = der.encode(der.BIT_STRING, b"\0" + der.encode(der.SEQUENCE, _integer(modulus) + _integer(exponent)))
    return {
        "modulus": f"{modulus:X}",
        "bits": modulus.bit_length(),
        "exponent": f"{min(exponent, _LONGEST_EXPONENT):#x}",
        "pubkey": der.encode(der.SEQUENCE, _RSA_ALGORITHM + key),
    }


def _integer(number: int) -> bytes:
    """Return the INTEGER of a number that is not negative: it has one bit for the sign."""
    return der.encode(der.INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def _ec(parameters: bytes, encoded: bytes) -> dict[str, Any]:
    """Read a point on the curve that EcpkParameters (RFC 3279, section 2.3.5) describe."""
    if der.is_next(parameters, 0, len(parameters), der.OBJECT_IDENTIFIER):
        start, at = der.oid(parameters, 0, len(parameters))
        named = curve.named().get(objects.dotted(parameters[start:at]))
    else:
        named = _explicit(parameters)
    point = named.curve.decode(encoded) if named else None
    if named is None or point is None or named.name == "SM2":  # to OpenSSL, a key on SM2 is of another kind
        return {}
    pubkey = encoded if encoded[0] == curve.UNCOMPRESSED else named.curve.encode(point)
    key: dict[str, Any] = {"bits": named.order.bit_length(), "pubkey": pubkey, "asn1Curve": named.name}
    if named.nist:
        key["nistCurve"] = named.nist
    return key


def _explicit(parameters: bytes) -> Named:
    """Return the curve that ECParameters (RFC 3279, section 2.3.5) are those of; `DecodeError` if it has no name.

    OpenSSL believes any version, seed and cofactor, and reduces the coefficients. Here only the seed may be any,
    because ``curves.txt`` has none and nothing is computed from it.
    """
    at, end = der.expect(parameters, 0, len(parameters), der.SEQUENCE)
    start, field = der.integer(parameters, at, end)
    version = parameters[start:field]
    _, at = der.expect(parameters, field, end, der.SEQUENCE)
    field_id = parameters[field:at]
    start, at = der.expect(parameters, at, end, der.SEQUENCE)
    a, start = _octets(parameters, start, at)
    b, start = _octets(parameters, start, at)
    if start < at:
        seed = der.bit_string(parameters, start, at)
        _check(seed[1] - seed[0] > 1 and der.has_zero_padding(parameters, seed))
        _, start = seed
    der.finish(start, at)
    start, at = der.expect(parameters, at, end, der.OCTET_STRING)
    base = parameters[start:at]
    order, at = _natural(parameters, at, end)
    cofactor = None
    if at < end:
        cofactor, at = _natural(parameters, at, end)
    der.finish(at, end)
    _check(version == _VERSION)
    for named in curve.named().values():
        found = named.curve
        if (
            (found.a, found.b, named.order) == (a, b, order)  # the numbers first: they cost least
            and _field_id(found.field) == field_id
            and cofactor in {None, named.cofactor}
            and found.decode(base) == named.generator
        ):
            return named
    raise DecodeError("curve", 0)


def _field_id(field: PrimeField | BinaryField) -> bytes:
    """Return the DER of a FieldID (RFC 3279, section 2.3.5)."""
    if isinstance(field, curve.PrimeField):
        kind, parameters = _PRIME_FIELD, _integer(field.p)
    else:
        *exponents, _ = field.exponents  # without that of the last term, 1
        numbers = b"".join(map(_integer, reversed(exponents)))
        if len(exponents) == 1:
            basis = _TRINOMIAL_BASIS + numbers
        else:
            basis = _PENTANOMIAL_BASIS + der.encode(der.SEQUENCE, numbers)
        kind, parameters = _BINARY_FIELD, der.encode(der.SEQUENCE, _integer(field.bits) + basis)
    return der.encode(der.SEQUENCE, kind + parameters)


def _octets(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the number of an OCTET STRING, and where it ends."""
    start, at = der.expect(data, at, end, der.OCTET_STRING)
    return int.from_bytes(data[start:at]), at


def _natural(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return an INTEGER that is not negative, and where it ends."""
    start, at = der.integer(data, at, end)
    number = int.from_bytes(data[start:at], signed=True)
    _check(number >= 0)
    return number, at


def _check(is_valid: bool) -> None:  # noqa: FBT001 - what is checked says what it is
    """Refuse parameters: which of them is at fault does not matter, the offset is that of all."""
    if not is_valid:
        raise DecodeError("curve", 0)
