//! Elliptic curves: the points on them (SEC 1, sections 2.2 and 2.3), and the ones that OpenSSL has a name for.
//!
//! Nothing here is secret, so nothing takes care of time.

use std::mem;
use std::sync::LazyLock;

use x509_parser::num_bigint::BigUint;

use super::objects;
use crate::limits;

/// The candidates for a number without a square root that OpenSSL tries (`BN_mod_sqrt`).
const NON_RESIDUES: std::ops::Range<u32> = 2..82;

/// A curve that OpenSSL has a name for.
#[derive(Debug)]
pub(super) struct Named {
    oid: &'static str,
    pub(super) short: &'static str,
    pub(super) nist: Option<&'static str>,
    pub(super) curve: Curve,
    generator: Point,
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
        let field = if kind == "binary" { Field::binary(modulus) } else { Field::prime(modulus) };
        Some(Self {
            oid,
            short,
            nist: Some(nist).filter(|nist| *nist != "-"),
            curve: Curve { field: field?, a, b },
            generator: Point { x: number()?, y: number()? },
            order: number()?,
        })
    }

    /// The curve with this OBJECT IDENTIFIER.
    pub(super) fn with_oid(oid: &[u8]) -> Option<&'static Self> {
        let dotted = objects::dotted(oid);
        NAMED.iter().find(|named| named.oid == dotted)
    }

    /// The first curve that has these parameters, as OpenSSL looks for it (`ossl_ec_curve_nid_from_params`).
    pub(super) fn with_parameters(curve: &Curve, generator: &Point, order: &BigUint) -> Option<&'static Self> {
        NAMED.iter().find(|named| named.curve == *curve && named.generator == *generator && named.order == *order)
    }
}

/// A point in affine coordinates.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    x: BigUint,
    y: BigUint,
}

/// How a point is written: the first byte of its encoding without the bit for y.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    Compressed,
    Uncompressed,
    Hybrid,
}

impl Form {
    /// What the first byte of a point says; None for the point at infinity, too.
    pub(super) fn of(encoded: &[u8]) -> Option<Self> {
        match encoded.first()? {
            2 | 3 => Some(Self::Compressed),
            4 => Some(Self::Uncompressed),
            6 | 7 => Some(Self::Hybrid),
            _ => None,
        }
    }
}

/// y² = x³ + ax + b over a prime field, y² + xy = x³ + ax² + b over a binary one.
#[derive(Debug, PartialEq)]
pub(super) struct Curve {
    field: Field,
    a: BigUint,
    b: BigUint,
}

impl Curve {
    /// The curve with these coefficients, in octets of any value.
    pub(super) fn new(field: Field, a: &[u8], b: &[u8]) -> Option<Self> {
        let (a, b) = (field.element(a)?, field.element(b)?);
        Some(Self { field, a, b })
    }

    /// The bits of a field element.
    pub(super) fn bits(&self) -> u64 {
        self.field.bits()
    }

    /// The point of an encoding (SEC 1, section 2.3.4); None where it is not on the curve, or at infinity.
    pub(super) fn decode(&self, encoded: &[u8]) -> Option<Point> {
        let form = Form::of(encoded)?;
        let (first, coordinates) = encoded.split_first()?;
        let bit = first & 1 != 0;
        let (x, y) = coordinates.split_at_checked(self.bytes())?;
        let x = self.coordinate(x)?;
        let y =
            if form == Form::Compressed { self.solve(&x, bit).filter(|_| y.is_empty()) } else { self.coordinate(y) };
        let point = Point { x, y: y? };
        if form == Form::Hybrid && self.parity(&point)? != bit {
            return None;
        }
        self.contains(&point).then_some(point)
    }

    /// The encoding of a point (SEC 1, section 2.3.3).
    pub(super) fn encode(&self, point: &Point, form: Form) -> Option<Vec<u8>> {
        let bit = form != Form::Uncompressed && self.parity(point)?;
        let first = match form {
            Form::Compressed => 2,
            Form::Uncompressed => 4,
            Form::Hybrid => 6,
        };
        let mut encoded = vec![first | u8::from(bit)];
        let coordinates = [&point.x, &point.y];
        for coordinate in coordinates.into_iter().take(if form == Form::Compressed { 1 } else { 2 }) {
            let bytes = coordinate.to_bytes_be();
            encoded.resize(encoded.len() + self.bytes().checked_sub(bytes.len())?, 0);
            encoded.extend(bytes);
        }
        Some(encoded)
    }

    fn bytes(&self) -> usize {
        usize::try_from(self.bits().div_ceil(8)).unwrap_or(usize::MAX)
    }

    fn coordinate(&self, bytes: &[u8]) -> Option<BigUint> {
        let value = BigUint::from_bytes_be(bytes);
        (bytes.len() == self.bytes() && self.field.has(&value)).then_some(value)
    }

    fn contains(&self, Point { x, y }: &Point) -> bool {
        match &self.field {
            Field::Prime(p) => (x * x % p * x + &self.a * x + &self.b) % p == y * y % p,
            Field::Binary(f) => f.multiply(&(f.multiply(&(x ^ &self.a), x) ^ y), x) ^ &self.b == f.square(y),
        }
    }

    /// What tells the two points with the same x apart: the last bit of y, or of y/x.
    fn parity(&self, Point { x, y }: &Point) -> Option<bool> {
        match &self.field {
            Field::Binary(_) if *x == BigUint::ZERO => Some(false),
            Field::Binary(f) => f.divide(y, x).map(|quotient| quotient.bit(0)),
            Field::Prime(_) => Some(y.bit(0)),
        }
    }

    /// The y of the point with this x and this parity, if there is one.
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
                let mut quotient = f.solve(&(x ^ &self.a ^ f.divide(&self.b, &f.square(x))?))?;
                quotient.set_bit(0, bit);
                Some(f.multiply(x, &quotient))
            }
        }
    }
}

/// The field of a curve's coordinates: the integers modulo a prime, or a binary field.
#[derive(Debug, PartialEq)]
pub(super) enum Field {
    Prime(BigUint),
    Binary(Binary),
}

impl Field {
    /// The integers modulo `p`, which OpenSSL does not ask to be prime.
    pub(super) fn prime(p: BigUint) -> Option<Self> {
        ((3..=limits::FIELD_BITS).contains(&p.bits()) && p.bit(0)).then_some(Self::Prime(p))
    }

    /// The polynomials modulo `f`, which OpenSSL does not ask to be irreducible.
    pub(super) fn binary(f: BigUint) -> Option<Self> {
        let exponents: Vec<u64> = (0..f.bits()).rev().filter(|exponent| f.bit(*exponent)).collect();
        let (&degree, middle) = exponents.split_first()?;
        Some(Self::Binary(Binary { degree, middle: middle.to_vec(), f }))
    }

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

    /// The element that octets of any value stand for.
    fn element(&self, octets: &[u8]) -> Option<BigUint> {
        let value = BigUint::from_bytes_be(octets);
        (value.bits() <= limits::COEFFICIENT_BITS).then(|| match self {
            Self::Prime(p) => value % p,
            Self::Binary(f) => f.reduce(value),
        })
    }
}

/// Polynomials over GF(2), each a number whose bits are its coefficients, modulo a sparse one.
#[derive(Debug, PartialEq)]
pub(super) struct Binary {
    degree: u64,
    /// The exponents of the other terms, largest first.
    middle: Vec<u64>,
    f: BigUint,
}

impl Binary {
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

    /// The square root in a field: squaring it `degree` times is the identity.
    fn square_root(&self, value: &BigUint) -> BigUint {
        (1..self.degree).fold(value.clone(), |root, _| self.square(&root))
    }

    /// Euclid's algorithm; None where there is no inverse.
    fn divide(&self, dividend: &BigUint, divisor: &BigUint) -> Option<BigUint> {
        let one = BigUint::from(1u8);
        let (mut long, mut short) = (self.f.clone(), divisor.clone());
        let (mut of_long, mut of_short) = (BigUint::ZERO, one.clone());
        while short != one {
            if short == BigUint::ZERO {
                return None;
            }
            if long.bits() < short.bits() {
                mem::swap(&mut long, &mut short);
                mem::swap(&mut of_long, &mut of_short);
                continue;
            }
            let shift = long.bits() - short.bits();
            long ^= &short << shift;
            of_long ^= &of_short << shift;
            if long == BigUint::ZERO {
                return None;
            }
        }
        Some(self.multiply(dividend, &self.reduce(of_short)))
    }

    /// A solution of z² + z = `value` (IEEE 1363, section A.4.7).
    fn solve(&self, value: &BigUint) -> Option<BigUint> {
        if 4 * self.middle.first()? > 3 * self.degree {
            return None; // every reduction takes many steps: no named curve is like this
        }
        let mut z;
        if self.degree % 2 == 1 {
            // The half-trace.
            z = value.clone();
            for _ in 0..self.degree / 2 {
                z = self.square(&self.square(&z)) ^ value;
            }
        } else {
            // By Newton's identities this is a monomial of trace 1. A polynomial without odd exponents is a square.
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
        (self.square(&z) ^ &z == *value).then_some(z)
    }
}

/// A square root of `n`, which is less than `p`; for a `p` that is not prime, the one that OpenSSL finds, if any.
fn square_root(n: &BigUint, p: &BigUint) -> Option<BigUint> {
    let one = BigUint::from(1u8);
    if *n <= one {
        return Some(n.clone());
    }
    let minus_one = p - &one;
    let twos = minus_one.trailing_zeros()?;
    let root = match twos {
        1 => n.modpow(&((p >> 2) + one), p),
        2 => {
            let double: BigUint = n * 2u8 % p;
            let b = double.modpow(&(p >> 3), p);
            let i = &b * &b % p * double + minus_one;
            n * b % p * i % p
        }
        _ if twos <= limits::TWO_ADICITY => tonelli_shanks(n, p, twos)?,
        _ => return None,
    };
    (&root * &root % p == *n).then_some(root)
}

/// The algorithm of Tonelli and Shanks, for p - 1 with at least three factors 2.
fn tonelli_shanks(square: &BigUint, p: &BigUint, twos: u64) -> Option<BigUint> {
    let one = BigUint::from(1u8);
    let odd = p >> twos;
    let (candidate, symbol) =
        NON_RESIDUES.map(|candidate| (candidate, jacobi(candidate, p))).find(|(_, symbol)| *symbol != 1)?;
    let mut generator = BigUint::from(candidate).modpow(&odd, p);
    if symbol == 0 || generator == one {
        return None; // p is not prime
    }
    let mut root = square.modpow(&(odd >> 1), p);
    let mut error = &root * &root % p * square % p;
    root = root * square % p;
    let mut order = twos;
    while error != one {
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

/// The Jacobi symbol of `a` over `p`, which is 1 modulo 8: then the one of `p` over the odd part of `a` is the same.
fn jacobi(a: u32, p: &BigUint) -> i32 {
    let mut below = a >> a.trailing_zeros();
    let mut above = u32::try_from(p % below).unwrap_or_default();
    let mut sign = 1;
    while above != 0 {
        let twos = above.trailing_zeros();
        above >>= twos;
        if twos % 2 == 1 && matches!(below % 8, 3 | 5) {
            sign = -sign;
        }
        if above % 4 == 3 && below % 4 == 3 {
            sign = -sign;
        }
        (above, below) = (below % above, above);
    }
    if below == 1 { sign } else { 0 }
}
