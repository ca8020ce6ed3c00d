"""Elliptic curves: the points on them (SEC 1, sections 2.2 and 2.3), and the ones that OpenSSL has a name for.

Nothing here is secret, so nothing takes care of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import count
from typing import NamedTuple

from clientcert._fallback import objects

__all__ = ["UNCOMPRESSED", "BinaryField", "Curve", "Named", "Point", "PrimeField", "named"]

_COMPRESSED, UNCOMPRESSED, _HYBRID = 0x02, 0x04, 0x06  # the first byte of a point, without the bit for y
_FORMS = {0x02: _COMPRESSED, 0x03: _COMPRESSED, 0x04: UNCOMPRESSED, 0x06: _HYBRID, 0x07: _HYBRID}


class Point(NamedTuple):
    """A point in affine coordinates."""

    x: int
    y: int


@dataclass(frozen=True)
class PrimeField:
    """The integers modulo a prime p: y² = x³ + ax + b."""

    p: int

    @cached_property
    def bits(self) -> int:
        """The bits of an element."""
        return self.p.bit_length()

    @property
    def elements(self) -> int:
        """How many there are."""
        return self.p

    def has(self, value: int) -> bool:
        """Say whether this is an element."""
        return value < self.p

    def contains(self, a: int, b: int, point: Point) -> bool:
        """Say whether the curve with these coefficients goes through a point."""
        x, y = point
        return ((x * x + a) * x + b - y * y) % self.p == 0

    def parity(self, point: Point) -> int:
        """Return what tells the two points with the same x apart."""
        return point.y & 1

    def solve(self, a: int, b: int, x: int, bit: int) -> int | None:
        """Return the y of the curve's point with this x and this parity; None or any other number if there is none."""
        y = _square_root(((x * x + a) * x + b) % self.p, self.p)
        if y is None or y & 1 == bit:
            return y
        return self.p - y if y else None


def _square_root(n: int, p: int) -> int | None:
    """Return a square root modulo a prime, by the algorithm of Tonelli and Shanks."""
    if n == 0:
        return 0
    order = (p - 1 & 1 - p).bit_length() - 1  # how often 2 divides p - 1
    odd = p >> order
    non_residue = next(candidate for candidate in count(2) if pow(candidate, p >> 1, p) == p - 1)
    generator = pow(non_residue, odd, p)
    root, error = pow(n, (odd >> 1) + 1, p), pow(n, odd, p)
    while error != 1:
        steps = _squarings(error, p, order)
        if steps is None:  # n has no root
            return None
        for _ in range(order - steps - 1):
            generator = generator * generator % p
        root = root * generator % p
        generator = generator * generator % p
        error = error * generator % p
        order = steps
    return root


def _squarings(number: int, p: int, bound: int) -> int | None:
    """Return how often this has to be squared to be one, if it is less often than the bound."""
    for squarings in range(1, bound):
        number = number * number % p
        if number == 1:
            return squarings
    return None


@dataclass(frozen=True)
class BinaryField:
    """The polynomials over GF(2), each a number whose bits are its coefficients, modulo f: y² + xy = x³ + ax² + b.

    f is irreducible and has few terms.
    """

    f: int

    @cached_property
    def bits(self) -> int:
        return self.f.bit_length() - 1

    @property
    def elements(self) -> int:
        return 1 << self.bits

    @cached_property
    def exponents(self) -> tuple[int, ...]:
        """The exponents of f below its degree, largest first."""
        return tuple(exponent for exponent in reversed(range(self.bits)) if self.f >> exponent & 1)

    def has(self, value: int) -> bool:
        return value.bit_length() <= self.bits

    def _reduce(self, value: int) -> int:
        while high := value >> self.bits:
            value ^= high << self.bits
            for exponent in self.exponents:
                value ^= high << exponent
        return value

    def contains(self, a: int, b: int, point: Point) -> bool:
        x, y = point
        return self._multiply(self._multiply(x ^ a, x) ^ y, x) ^ b == self._square(y)

    def parity(self, point: Point) -> int:
        return self._divide(point.y, point.x) & 1 if point.x else 0

    def solve(self, a: int, b: int, x: int, bit: int) -> int:
        if x == 0:  # there is one point, and no parity
            return self._square_root(b)
        z = self._solve(x ^ a ^ self._divide(b, self._square(x)))
        return self._multiply(x, z & ~1 | bit)

    def _multiply(self, left: int, right: int) -> int:
        product = 0
        while right:
            bit = right & -right
            product ^= left * bit
            right ^= bit
        return self._reduce(product)

    def _square(self, value: int) -> int:
        # A square has a zero between any two coefficients: binary digits, read as those of a number to base 4.
        return self._reduce(int(f"{value:b}", 4))

    def _square_root(self, value: int) -> int:
        """Return the square root: squaring as often as the degree is the identity."""
        for _ in range(self.bits - 1):
            value = self._square(value)
        return value

    def _divide(self, dividend: int, divisor: int) -> int:
        """Return the quotient by Euclid's algorithm; the divisor is not zero."""
        long, short, of_long, of_short = self.f, divisor, 0, 1
        while short != 1:
            shift = long.bit_length() - short.bit_length()
            if shift < 0:
                long, short, of_long, of_short = short, long, of_short, of_long
                continue
            long ^= short << shift
            of_long ^= of_short << shift
        return self._multiply(dividend, self._reduce(of_short))

    def _solve(self, value: int) -> int:
        """Return the solution of z² + z = ``value`` (IEEE 1363, section A.4.7), if there is one."""
        if self.bits % 2:  # the half-trace
            z = value
            for _ in range(self.bits // 2):
                z = self._square(self._square(z)) ^ value
        else:
            # By Newton's identities this is a monomial of trace 1. A polynomial without odd exponents is reducible.
            odd = next(exponent for exponent in self.exponents if exponent % 2)
            w = monomial = 1 << self.bits - odd
            z = 0
            for _ in range(self.bits - 1):
                square = self._square(w)
                z = self._square(z) ^ self._multiply(square, value)
                w = square ^ monomial
        return z


@dataclass(frozen=True)
class Curve:
    """A curve: its field, and its coefficients as elements of that."""

    field: PrimeField | BinaryField
    a: int
    b: int

    @cached_property
    def _bytes(self) -> int:
        return (self.field.bits + 7) // 8

    def decode(self, encoded: bytes) -> Point | None:
        """Return the point of an encoding (SEC 1, section 2.3.4); None where it is not on the curve, or at infinity."""
        form = _FORMS.get(encoded[0]) if encoded else None
        size = self._bytes
        if form is None or len(encoded) != 1 + (1 if form == _COMPRESSED else 2) * size:
            return None
        bit = encoded[0] & 1
        x, y = int.from_bytes(encoded[1 : size + 1]), int.from_bytes(encoded[size + 1 :])
        if not (self.field.has(x) and self.field.has(y)):
            return None
        if form == _COMPRESSED:
            solution = self.field.solve(self.a, self.b, x, bit)
            if solution is None:
                return None
            y = solution
        point = Point(x, y)
        if form == _HYBRID and self.field.parity(point) != bit:
            return None
        return point if self.field.contains(self.a, self.b, point) else None

    def encode(self, point: Point) -> bytes:
        """Return the uncompressed encoding of a point (SEC 1, section 2.3.3)."""
        return bytes((UNCOMPRESSED,)) + b"".join(coordinate.to_bytes(self._bytes) for coordinate in point)


class Named(NamedTuple):
    """A curve that OpenSSL has a name for, NIST's where there is one, and the order of its generator."""

    name: str
    nist: str | None
    curve: Curve
    generator: Point
    order: int

    @property
    def cofactor(self) -> int:
        """The number of the curve's points, divided by the order.

        By the theorem of Hasse it has nearly as many points as its field has elements.
        """
        return (self.curve.field.elements + self.order // 2) // self.order


@cache
def named() -> dict[str, Named]:
    """Return them by dotted OID, or by name where they have none, in the order of OpenSSL's list.

    Where two have the same parameters, it shows the first.
    """
    curves: dict[str, Named] = {}
    for oid, name, nist, kind, *numbers in objects.rows("curves.txt"):
        modulus, a, b, x, y, order = (int(number, 16) for number in numbers)
        field = BinaryField(modulus) if kind == "binary" else PrimeField(modulus)
        key = name if oid == "-" else oid
        curves[key] = Named(name, None if nist == "-" else nist, Curve(field, a, b), Point(x, y), order)
    return curves
