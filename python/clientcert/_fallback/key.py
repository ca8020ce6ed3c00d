"""The subject's public key, for the two kinds whose numbers Node.js shows: RSA and elliptic curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clientcert._fallback import curve, der, limits, objects
from clientcert.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clientcert._fallback.curve import BinaryField, Curve, Named, Point, PrimeField

__all__ = ["read"]

# OBJECT IDENTIFIER contents. Next to rsaEncryption, OpenSSL takes `rsa` of X.509 (1988) for it.
_RSA_ENCRYPTION = bytes.fromhex("2a864886f70d010101")
_RSA = bytes.fromhex("55080101")
_EC_PUBLIC_KEY = bytes.fromhex("2a8648ce3d0201")
_PRIME_FIELD = bytes.fromhex("2a8648ce3d0101")
_BINARY_FIELD = bytes.fromhex("2a8648ce3d0102")
_TRINOMIAL_BASIS = bytes.fromhex("2a8648ce3d01020302")
_PENTANOMIAL_BASIS = bytes.fromhex("2a8648ce3d01020303")

_RSA_ALGORITHM = der.encode(
    der.SEQUENCE, der.encode(der.OBJECT_IDENTIFIER, _RSA_ENCRYPTION) + der.encode(der.NULL, b"")
)
_LONGEST_EXPONENT = 2**64 - 1  # Node.js prints one machine word, all ones where the exponent does not fit
_VERSION_BYTES = 4  # the largest version: OpenSSL has it in 32 bits
_SHORTEST_MODULUS = 3  # bits of p, for OpenSSL


def read(spki: bytes) -> dict[str, Any]:
    """Return the keys and values that Node.js has for a SubjectPublicKeyInfo.

    There are none for other kinds, and for keys that OpenSSL cannot decode.
    """
    at, end = der.expect(spki, 0, len(spki), der.SEQUENCE)
    at, stop = der.expect(spki, at, end, der.SEQUENCE)
    start, parameters = der.oid(spki, at, stop)
    bits, _ = der.bit_string(spki, stop, end)
    reader = _READERS.get(spki[start:parameters])
    if reader is None:
        return {}
    content = bytearray(spki[bits + 1 : end])
    if content:
        content[-1] &= -1 << spki[bits] & 0xFF  # as OpenSSL does (`c2i_ASN1_BIT_STRING`)
    try:
        return reader(spki[parameters:stop], bytes(content))
    except DecodeError:
        return {}


def _rsa(_: bytes, content: bytes) -> dict[str, Any]:
    """Read an RSAPublicKey (RFC 8017, appendix A.1.1)."""
    at, end = der.expect(content, 0, len(content), der.SEQUENCE)
    # OpenSSL reads both numbers as magnitudes, whatever the sign bit says, and ignores what follows the key.
    start, at = der.expect(content, at, end, der.INTEGER)
    modulus = int.from_bytes(content[start:at])
    start, at = der.expect(content, at, end, der.INTEGER)
    exponent = int.from_bytes(content[start:at])
    der.finish(at, end)
    numbers = b"".join(der.encode(der.INTEGER, _magnitude(number)) for number in (modulus, exponent))
    key = der.encode(der.BIT_STRING, b"\0" + der.encode(der.SEQUENCE, numbers))
    return {
        "modulus": f"{modulus:X}",
        "bits": modulus.bit_length(),
        "exponent": f"{min(exponent, _LONGEST_EXPONENT):#x}",
        "pubkey": der.encode(der.SEQUENCE, _RSA_ALGORITHM + key),
    }


def _magnitude(number: int) -> bytes:
    """Return the content of the INTEGER that a number which is not negative has: one bit for the sign."""
    return number.to_bytes(number.bit_length() // 8 + 1)


def _ec(parameters: bytes, encoded: bytes) -> dict[str, Any]:
    """Read a point on the curve that EcpkParameters (RFC 3279, section 2.3.5) describe.

    OpenSSL writes it with both coordinates, but on a curve without a name in the form that the generator has.
    """
    if der.is_next(parameters, 0, len(parameters), der.OBJECT_IDENTIFIER):
        start, at = der.oid(parameters, 0, len(parameters))
        named = curve.named().get(objects.dotted(parameters[start:at]))
        return _on_named(named, encoded) if named else {}
    found, generator, form, order = _explicit(parameters)
    for named in curve.named().values():
        if (named.curve, named.generator, named.order) == (found, generator, order):
            return _on_named(named, encoded)
    point = found.decode(encoded)
    pubkey = found.encode(point, form) if point else None
    return {"bits": order.bit_length(), "pubkey": pubkey} if pubkey else {}


def _on_named(named: Named, encoded: bytes) -> dict[str, Any]:
    point = named.curve.decode(encoded)
    if point is None or named.name == "SM2":  # to OpenSSL, a key on this curve is of another kind
        return {}
    pubkey = named.curve.encode(point, curve.UNCOMPRESSED)
    key: dict[str, Any] = {"bits": named.order.bit_length(), "pubkey": pubkey, "asn1Curve": named.name}
    if named.nist:
        key["nistCurve"] = named.nist
    return key


def _explicit(parameters: bytes) -> tuple[Curve, Point, int, int]:
    """Return curve, generator, the generator's form and its order of ECParameters (RFC 3279, section 2.3.5).

    The checks are OpenSSL's (``EC_GROUP_new_from_ecparameters``): it looks neither at the version nor at the seed, and
    believes the order and the cofactor.
    """
    at, end = der.expect(parameters, 0, len(parameters), der.SEQUENCE)
    start, stop = der.expect(parameters, at, end, der.INTEGER)
    if start < stop:  # none is a zero to it
        der.integer(parameters, at, end)
    _check(stop - start <= _VERSION_BYTES)
    start, at = der.expect(parameters, stop, end, der.SEQUENCE)
    field = _field(parameters, start, at)
    start, at = der.expect(parameters, at, end, der.SEQUENCE)
    a, start = _coefficient(parameters, start, at)
    b, start = _coefficient(parameters, start, at)
    if start < at:
        seed, start = der.bit_string(parameters, start, at)
        _check(start - seed > 1)
    der.finish(start, at)
    found = curve.Curve(field, field.reduce(a), field.reduce(b))
    start, at = der.expect(parameters, at, end, der.OCTET_STRING)
    base = parameters[start:at]
    order, at = _natural(parameters, at, end)
    _check(0 < order.bit_length() <= field.bits + 1)  # the bound of Hasse
    if at < end:
        _, at = _natural(parameters, at, end)
    der.finish(at, end)
    generator, form = found.decode(base), curve.form_of(base)
    if generator is None or form is None:
        raise DecodeError("certificate", 0)
    return found, generator, form, order


def _field(data: bytes, at: int, end: int) -> PrimeField | BinaryField:
    """Return what a FieldID (RFC 3279, section 2.3.5) describes."""
    start, at = der.oid(data, at, end)
    kind = data[start:at]
    if kind == _PRIME_FIELD:
        p, at = _natural(data, at, end)
        der.finish(at, end)
        _check(p % 2 == 1 and _SHORTEST_MODULUS <= p.bit_length() <= limits.FIELD_BITS)
        return curve.PrimeField(p)
    _check(kind == _BINARY_FIELD)
    at, stop = der.expect(data, at, end, der.SEQUENCE)
    der.finish(stop, end)
    degree, at = _natural(data, at, stop)
    start, at = der.oid(data, at, stop)
    basis = data[start:at]
    exponents = [0]
    if basis == _TRINOMIAL_BASIS:
        terms, end = 1, stop
    else:
        _check(basis == _PENTANOMIAL_BASIS)
        terms = 3
        at, end = der.expect(data, at, stop, der.SEQUENCE)
        der.finish(end, stop)
    for _ in range(terms):
        exponent, at = _natural(data, at, end)
        exponents.append(exponent)
    der.finish(at, end)
    exponents.append(degree)
    _check(degree <= limits.FIELD_BITS and sorted(set(exponents)) == exponents)
    return curve.BinaryField(sum(1 << exponent for exponent in exponents))


def _coefficient(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the number of an OCTET STRING, and where it ends."""
    start, at = der.expect(data, at, end, der.OCTET_STRING)
    number = int.from_bytes(data[start:at])
    _check(number.bit_length() <= limits.COEFFICIENT_BITS)
    return number, at


def _natural(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return an INTEGER that is not negative, and where it ends."""
    start, at = der.integer(data, at, end)
    number = int.from_bytes(data[start:at], signed=True)
    _check(number >= 0)
    return number, at


def _check(is_valid: bool) -> None:  # noqa: FBT001 - what is checked says what it is
    """Refuse parameters that OpenSSL refuses: where the fault is does not matter, the key is left out."""
    if not is_valid:
        raise DecodeError("certificate", 0)


_READERS: dict[bytes, Callable[[bytes, bytes], dict[str, Any]]] = {
    _RSA_ENCRYPTION: _rsa,
    _RSA: _rsa,
    _EC_PUBLIC_KEY: _ec,
}
"""What reads the parameters and the key of an algorithm."""
