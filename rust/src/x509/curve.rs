//! Elliptic curves: the points on them (SEC 1, sections 2.2 and 2.3), and the ones that OpenSSL has a name for.
//!
//! Nothing here is secret, so nothing takes care of time.

use std::mem;
use std::sync::LazyLock;

use x509_parser::num_bigint::BigUint;

use super::curve256::Curve256;
use super::objects;

/// A curve that OpenSSL has a name for.
#[derive(Debug)]
pub(super) struct Named {
    oid: &'static str,
    pub(super) short: &'static str,
    pub(super) nist: Option<&'static str>,
    pub(super) curve: Curve,
    pub(super) generator: Point,
    pub(super) order: BigUint,
}

static NAMED: LazyLock<Vec<Named>> = LazyLock::new(|| {
    objects::rows(include_str!("../../../python/clientcert/_fallback/curves.txt")).filter_map(Named::read).collect()
});

impl Named {
    /// A line of `curves.txt`.
    fn read(row: &'static str) -> Option<Self> {
        let mut cells = row.split('\t');
        let (oid, short, nist, kind) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
        let mut number = || BigUint::parse_bytes(cells.next()?.as_bytes(), 16);
        let (modulus, a, b) = (number()?, number()?, number()?);
        let (field, of_256_bits) = match kind {
            "binary" => (Field::Binary(Binary::new(modulus)?), None),
            _ => (Field::Prime(modulus.clone()), Curve256::new(&modulus, &a, &b)),
        };
        Some(Self {
            oid,
            short,
            nist: Some(nist).filter(|nist| *nist != "-"),
            curve: Curve { field, a, b, of_256_bits },
            generator: Point { x: number()?, y: number()? },
            order: number()?,
        })
    }

    /// The curve with this OBJECT IDENTIFIER.
    pub(super) fn with_oid(oid: &[u8]) -> Option<&'static Self> {
        let dotted = objects::dotted(oid);
        Self::all().find(|named| named.oid == dotted)
    }

    /// All of them, in the order of OpenSSL's list: where two have the same parameters, it shows the first.
    pub(super) fn all() -> impl Iterator<Item = &'static Self> {
        NAMED.iter()
    }

    /// The number of the curve's points, divided by the order.
    ///
    /// By the theorem of Hasse it has nearly as many points as its field has elements.
    pub(super) fn cofactor(&self) -> BigUint {
        let elements = match &self.curve.field {
            Field::Prime(p) => p.clone(),
            Field::Binary(Binary { degree, .. }) => BigUint::from(1u8) << *degree,
        };
        (elements + (&self.order >> 1)) / &self.order
    }
}

/// A point in affine coordinates.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: BigUint,
    pub(super) y: BigUint,
}

/// y² = x³ + ax + b over a prime field, y² + xy = x³ + ax² + b over a binary one.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) field: Field,
    pub(super) a: BigUint,
    pub(super) b: BigUint,
    /// The same for a prime of 256 bits.
    of_256_bits: Option<Curve256>,
}

impl Curve {
    /// The point of an encoding (SEC 1, section 2.3.4); None where it is not on the curve, or at infinity.
    pub(super) fn decode(&self, encoded: &[u8]) -> Option<Point> {
        let (first, coordinates) = encoded.split_first()?;
        let bit = first & 1 != 0;
        let (x, y) = coordinates.split_at_checked(self.bytes())?;
        let x = self.coordinate(x)?;
        let y = match first {
            2 | 3 if y.is_empty() => self.solve(&x, bit)?,
            4 | 6 | 7 => self.coordinate(y)?,
            _ => return None,
        };
        let point = Point { x, y };
        if matches!(first, 6 | 7) && self.parity(&point) != bit {
            return None;
        }
        self.contains(&point).then_some(point)
    }

    /// The uncompressed encoding of a point (SEC 1, section 2.3.3).
    pub(super) fn encode(&self, point: &Point) -> Vec<u8> {
        let mut encoded = vec![4];
        for coordinate in [&point.x, &point.y] {
            let bytes = coordinate.to_bytes_be();
            encoded.resize(encoded.len() + self.bytes().saturating_sub(bytes.len()), 0);
            encoded.extend(bytes);
        }
        encoded
    }

    fn bytes(&self) -> usize {
        usize::try_from(self.field.bits().div_ceil(8)).unwrap_or(usize::MAX)
    }

    fn coordinate(&self, bytes: &[u8]) -> Option<BigUint> {
        let value = BigUint::from_bytes_be(bytes);
        (bytes.len() == self.bytes() && self.field.has(&value)).then_some(value)
    }

    fn contains(&self, Point { x, y }: &Point) -> bool {
        if let Some(curve) = &self.of_256_bits {
            return curve.has(x, y);
        }
        match &self.field {
            Field::Prime(p) => {
                let (left, right) = ((x * x + &self.a) % p * x + &self.b, y * y);
                // One division less than to reduce both.
                (if left > right { left - right } else { right - left }) % p == BigUint::ZERO
            }
            Field::Binary(f) => f.multiply(&(f.multiply(&(x ^ &self.a), x) ^ y), x) ^ &self.b == f.square(y),
        }
    }

    /// What tells the two points with the same x apart: the last bit of y, or of y/x.
    fn parity(&self, Point { x, y }: &Point) -> bool {
        match &self.field {
            Field::Binary(_) if *x == BigUint::ZERO => false,
            Field::Binary(f) => f.divide(y, x).bit(0),
            Field::Prime(_) => y.bit(0),
        }
    }

    /// The y of the point with this x and this parity; None or any other number if there is none.
    fn solve(&self, x: &BigUint, bit: bool) -> Option<BigUint> {
        match &self.field {
            Field::Prime(p) => {
                let y = square_root(&((x * x % p * x + &self.a * x + &self.b) % p), p)?;
                match y.bit(0) == bit {
                    true => Some(y),
                    false if y == BigUint::ZERO => None,
                    false => Some(p - y),
                }
            }
            // There is one point, and no parity.
            Field::Binary(f) if *x == BigUint::ZERO => Some(f.square_root(&self.b)),
            Field::Binary(f) => {
                let mut quotient = f.solve(&(x ^ &self.a ^ f.divide(&self.b, &f.square(x))))?;
                quotient.set_bit(0, bit);
                Some(f.multiply(x, &quotient))
            }
        }
    }
}

/// The field of a curve's coordinates: the integers modulo a prime, or a binary field.
#[derive(Debug)]
pub(super) enum Field {
    Prime(BigUint),
    Binary(Binary),
}

impl Field {
    fn bits(&self) -> u64 {
        match self {
            Self::Prime(p) => p.bits(),
            Self::Binary(f) => f.degree,
        }
    }

    fn has(&self, value: &BigUint) -> bool {
        match self {
            Self::Prime(p) => value < p,
            Self::Binary(f) => value.bits() <= f.degree,
        }
    }
}

/// Polynomials over GF(2), each a number whose bits are its coefficients, modulo an irreducible one of few terms.
#[derive(Debug)]
pub(super) struct Binary {
    pub(super) degree: u64,
    /// The exponents of the other terms, largest first.
    pub(super) middle: Vec<u64>,
    f: BigUint,
}

impl Binary {
    fn new(f: BigUint) -> Option<Self> {
        let exponents: Vec<u64> = (0..f.bits()).rev().filter(|exponent| f.bit(*exponent)).collect();
        let (&degree, middle) = exponents.split_first()?;
        Some(Self { degree, middle: middle.to_vec(), f })
    }

    fn reduce(&self, mut value: BigUint) -> BigUint {
        while value.bits() > self.degree {
            let high = &value >> self.degree;
            value ^= &high << self.degree;
            for exponent in &self.middle {
                value ^= &high << *exponent;
            }
        }
        value
    }

    fn multiply(&self, left: &BigUint, right: &BigUint) -> BigUint {
        let bits = (0..right.bits()).filter(|bit| right.bit(*bit));
        self.reduce(bits.fold(BigUint::ZERO, |product, bit| product ^ (left << bit)))
    }

    /// A square has a zero between any two coefficients: binary digits, read as those of a number to base 4.
    fn square(&self, value: &BigUint) -> BigUint {
        let spread = BigUint::parse_bytes(value.to_str_radix(2).as_bytes(), 4);
        self.reduce(spread.unwrap_or_default())
    }

    /// The square root: squaring it `degree` times is the identity.
    fn square_root(&self, value: &BigUint) -> BigUint {
        (1..self.degree).fold(value.clone(), |root, _| self.square(&root))
    }

    /// Euclid's algorithm; the divisor is not zero.
    fn divide(&self, dividend: &BigUint, divisor: &BigUint) -> BigUint {
        let one = BigUint::from(1u8);
        let (mut long, mut short) = (self.f.clone(), divisor.clone());
        let (mut of_long, mut of_short) = (BigUint::ZERO, one.clone());
        while short != one {
            if long.bits() < short.bits() {
                mem::swap(&mut long, &mut short);
                mem::swap(&mut of_long, &mut of_short);
                continue;
            }
            let shift = long.bits() - short.bits();
            long ^= &short << shift;
            of_long ^= &of_short << shift;
        }
        self.multiply(dividend, &self.reduce(of_short))
    }

    /// The solution of z² + z = `value` (IEEE 1363, section A.4.7), if there is one.
    fn solve(&self, value: &BigUint) -> Option<BigUint> {
        let mut z;
        if self.degree % 2 == 1 {
            // The half-trace.
            z = value.clone();
            for _ in 0..self.degree / 2 {
                z = self.square(&self.square(&z)) ^ value;
            }
        } else {
            // By Newton's identities this is a monomial of trace 1. A polynomial without odd exponents is reducible.
            let odd = self.middle.iter().find(|exponent| **exponent % 2 == 1)?;
            let monomial = BigUint::from(1u8) << (self.degree - odd);
            let mut w = monomial.clone();
            z = BigUint::ZERO;
            for _ in 1..self.degree {
                let square = self.square(&w);
                z = self.square(&z) ^ self.multiply(&square, value);
                w = square ^ &monomial;
            }
        }
        Some(z)
    }
}

/// A square root of `n` modulo the prime `p`, by the algorithm of Tonelli and Shanks.
fn square_root(n: &BigUint, p: &BigUint) -> Option<BigUint> {
    let one = BigUint::from(1u8);
    if *n == BigUint::ZERO {
        return Some(BigUint::ZERO);
    }
    let minus_one = p - &one;
    let mut order = minus_one.trailing_zeros()?;
    let odd = p >> order;
    let half = p >> 1u8;
    let non_residue = (2..=u8::MAX).map(BigUint::from).find(|candidate| candidate.modpow(&half, p) == minus_one)?;
    let mut generator = non_residue.modpow(&odd, p);
    let mut root = n.modpow(&((&odd >> 1u8) + &one), p);
    let mut error = n.modpow(&odd, p);
    while error != one {
        // How often it is to be squared to be one; for a number without a root there is no such count.
        let mut power = error.clone();
        let steps = (1..order).find(|_| {
            power = &power * &power % p;
            power == one
        })?;
        for _ in 1..order - steps {
            generator = &generator * &generator % p;
        }
        root = root * &generator % p;
        generator = &generator * &generator % p;
        error = error * &generator % p;
        order = steps;
    }
    Some(root)
}
