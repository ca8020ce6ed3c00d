"""Elliptic curves: the points on them (SEC 1, sections 2.2 and 2.3), and the ones that OpenSSL has a name for.

Nothing here is secret, so nothing takes care of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple, Protocol

from clientcert._fallback import limits, objects

__all__ = ["COMPRESSED", "HYBRID", "UNCOMPRESSED", "BinaryField", "Curve", "Named", "Point", "PrimeField", "named"]

COMPRESSED, UNCOMPRESSED, HYBRID = 0x02, 0x04, 0x06
"""The first byte of a point, without the bit for y."""

_FORMS = {0x02: COMPRESSED, 0x03: COMPRESSED, 0x04: UNCOMPRESSED, 0x06: HYBRID, 0x07: HYBRID}
_NON_RESIDUES = range(2, 82)
"""The candidates for a number without a square root that OpenSSL tries (``BN_mod_sqrt``)."""


class Point(NamedTuple):
    """A point in affine coordinates."""

    x: int
    y: int


class Field(Protocol):
    """What the coordinates of a curve's points are."""

    @property
    def bits(self) -> int:
        """The bits of an element."""

    def has(self, value: int) -> bool:
        """Say whether this is an element."""

    def reduce(self, value: int) -> int:
        """Return the element that a number of any size stands for."""

    def contains(self, a: int, b: int, point: Point) -> bool:
        """Say whether the curve with these coefficients goes through a point."""

    def parity(self, point: Point) -> int | None:
        """Return what tells the two points with the same x apart."""

    def solve(self, a: int, b: int, x: int, bit: int) -> int | None:
        """Return the y of the curve's point with this x and this parity, if there is one."""


@dataclass(frozen=True)
class Curve:
    """A curve: its field, and its coefficients as elements of that."""

    field: Field
    a: int
    b: int

    @property
    def _bytes(self) -> int:
        return (self.field.bits + 7) // 8

    def decode(self, encoded: bytes) -> Point | None:
        """Return the point of an encoding (SEC 1, section 2.3.4); None where it is not on the curve, or at infinity."""
        form = form_of(encoded)
        size = self._bytes
        if form is None or len(encoded) != 1 + (1 if form == COMPRESSED else 2) * size:
            return None
        bit = encoded[0] & 1
        x, y = int.from_bytes(encoded[1 : size + 1]), int.from_bytes(encoded[size + 1 :])
        if not (self.field.has(x) and self.field.has(y)):
            return None
        if form == COMPRESSED:
            solution = self.field.solve(self.a, self.b, x, bit)
            if solution is None:
                return None
            y = solution
        point = Point(x, y)
        if form == HYBRID and self.field.parity(point) != bit:
            return None
        return point if self.field.contains(self.a, self.b, point) else None

    def encode(self, point: Point, form: int) -> bytes | None:
        """Return the encoding of a point (SEC 1, section 2.3.3)."""
        bit = 0 if form == UNCOMPRESSED else self.field.parity(point)
        if bit is None:
            return None
        coordinates = point[:1] if form == COMPRESSED else point
        return bytes((form | bit,)) + b"".join(coordinate.to_bytes(self._bytes) for coordinate in coordinates)


def form_of(encoded: bytes) -> int | None:
    """Return what the first byte of a point says; None for the point at infinity, too."""
    return _FORMS.get(encoded[0]) if encoded else None


@dataclass(frozen=True)
class PrimeField:
    """The integers modulo p: y² = x³ + ax + b. OpenSSL does not ask whether p is prime."""

    p: int

    @property
    def bits(self) -> int:
        return self.p.bit_length()

    def has(self, value: int) -> bool:
        return value < self.p

    def reduce(self, value: int) -> int:
        return value % self.p

    def contains(self, a: int, b: int, point: Point) -> bool:
        x, y = point
        return ((x * x + a) * x + b - y * y) % self.p == 0

    def parity(self, point: Point) -> int:
        return point.y & 1

    def solve(self, a: int, b: int, x: int, bit: int) -> int | None:
        y = _square_root(((x * x + a) * x + b) % self.p, self.p)
        if y is None or y & 1 == bit:
            return y
        return self.p - y if y else None


def _square_root(n: int, p: int) -> int | None:
    """Return a square root of ``n``; for a ``p`` that is not prime, the one that OpenSSL finds, if any."""
    if n <= 1:
        return n
    twos = _trailing_zeros(p - 1)
    root: int | None
    if twos == 1:
        root = pow(n, (p >> 2) + 1, p)
    elif twos == 2:  # noqa: PLR2004 - p is 5 modulo 8
        b = pow(2 * n, p >> 3, p)
        root = n * b * (2 * n * b * b - 1) % p
    else:
        root = _tonelli_shanks(n, p, twos) if twos <= limits.TWO_ADICITY else None
    return root if root is not None and root * root % p == n else None


def _tonelli_shanks(n: int, p: int, twos: int) -> int | None:
    """Return what the algorithm of Tonelli and Shanks does, for p - 1 with at least three factors 2."""
    odd = p >> twos
    symbols = ((candidate, _jacobi(candidate, p)) for candidate in _NON_RESIDUES)
    candidate, symbol = next(((candidate, symbol) for candidate, symbol in symbols if symbol != 1), (0, 0))
    z = pow(candidate, odd, p)
    if symbol == 0 or z == 1:  # p is not prime
        return None
    x = pow(n, odd >> 1, p)
    b = x * x * n % p
    x = x * n % p
    order = twos
    while b != 1:
        steps = _squarings(b, p, order)
        if steps is None:
            return None
        for _ in range(order - steps - 1):
            z = z * z % p
        x = x * z % p
        z = z * z % p
        b = b * z % p
        order = steps
    return x


def _squarings(number: int, p: int, bound: int) -> int | None:
    """Return how often this has to be squared to be one, if it is less often than the bound."""
    for count in range(1, bound):
        number = number * number % p
        if number == 1:
            return count
    return None


def _jacobi(above: int, below: int) -> int:
    """Return the Jacobi symbol of one number over an odd one."""
    sign = 1
    above %= below
    while above:
        twos = _trailing_zeros(above)
        above >>= twos
        if twos % 2 and below % 8 in {3, 5}:
            sign = -sign
        if above % 4 == below % 4 == 3:  # noqa: PLR2004 - quadratic reciprocity
            sign = -sign
        above, below = below % above, above
    return sign if below == 1 else 0


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1


@dataclass(frozen=True)
class BinaryField:
    """The polynomials over GF(2), each a number whose bits are its coefficients, modulo f: y² + xy = x³ + ax² + b.

    f has few terms. OpenSSL does not ask whether it is irreducible.
    """

    f: int

    @cached_property
    def bits(self) -> int:
        return self.f.bit_length() - 1

    @cached_property
    def _exponents(self) -> tuple[int, ...]:
        """The exponents of f below its degree, largest first."""
        return tuple(exponent for exponent in reversed(range(self.bits)) if self.f >> exponent & 1)

    def has(self, value: int) -> bool:
        return value.bit_length() <= self.bits

    def reduce(self, value: int) -> int:
        while high := value >> self.bits:
            value ^= high << self.bits
            for exponent in self._exponents:
                value ^= high << exponent
        return value

    def contains(self, a: int, b: int, point: Point) -> bool:
        x, y = point
        return self._multiply(self._multiply(x ^ a, x) ^ y, x) ^ b == self._square(y)

    def parity(self, point: Point) -> int | None:
        if point.x == 0:
            return 0
        quotient = self._divide(point.y, point.x)
        return None if quotient is None else quotient & 1

    def solve(self, a: int, b: int, x: int, bit: int) -> int | None:
        if x == 0:  # there is one point, and no parity
            return self._square_root(b)
        quotient = self._divide(b, self._square(x))
        if quotient is None:
            return None
        z = self._solve(x ^ a ^ quotient)
        return None if z is None else self._multiply(x, z & ~1 | bit)

    def _multiply(self, left: int, right: int) -> int:
        product = 0
        while right:
            bit = right & -right
            product ^= left * bit
            right ^= bit
        return self.reduce(product)

    def _square(self, value: int) -> int:
        # A square has a zero between any two coefficients: binary digits, read as those of a number to base 4.
        return self.reduce(int(f"{value:b}", 4))

    def _square_root(self, value: int) -> int:
        """Return the square root in a field, where squaring as often as the degree is the identity."""
        for _ in range(self.bits - 1):
            value = self._square(value)
        return value

    def _divide(self, dividend: int, divisor: int) -> int | None:
        """Return the quotient by Euclid's algorithm; None where there is no inverse."""
        long, short, of_long, of_short = self.f, divisor, 0, 1
        while short != 1:
            shift = long.bit_length() - short.bit_length()
            if shift < 0:
                long, short, of_long, of_short = short, long, of_short, of_long
                continue
            long ^= short << shift
            of_long ^= of_short << shift
            if long == 0:
                return None
        return self._multiply(dividend, self.reduce(of_short))

    def _solve(self, value: int) -> int | None:
        """Return a solution of z² + z = ``value`` (IEEE 1363, section A.4.7)."""
        if 4 * self._exponents[0] > 3 * self.bits:
            return None  # every reduction takes many steps: no named curve is like this
        if self.bits % 2:  # the half-trace
            z = value
            for _ in range(self.bits // 2):
                z = self._square(self._square(z)) ^ value
        else:
            # By Newton's identities this is a monomial of trace 1. A polynomial without odd exponents is a square.
            odd = next((exponent for exponent in self._exponents if exponent % 2), None)
            if odd is None:
                return None
            w = monomial = 1 << self.bits - odd
            z = 0
            for _ in range(self.bits - 1):
                square = self._square(w)
                z = self._square(z) ^ self._multiply(square, value)
                w = square ^ monomial
        return z if self._square(z) ^ z == value else None


class Named(NamedTuple):
    """A curve that OpenSSL has a name for, NIST's where there is one, and the order of its generator."""

    name: str
    nist: str | None
    curve: Curve
    generator: Point
    order: int


@cache
def named() -> dict[str, Named]:
    """Return them by dotted OID, or by name where they have none, in the order of OpenSSL's list."""
    curves = {}
    for oid, name, nist, kind, *numbers in objects.rows("curves.txt"):
        modulus, a, b, x, y, order = (int(number, 16) for number in numbers)
        field = BinaryField(modulus) if kind == "binary" else PrimeField(modulus)
        key = name if oid == "-" else oid
        curves[key] = Named(name, None if nist == "-" else nist, Curve(field, a, b), Point(x, y), order)
    return curves
