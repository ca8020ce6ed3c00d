//! Points on a curve whose field is the integers modulo a prime of 256 bits, as P-256: nearly all that clients have.
//!
//! Products as Montgomery has them (Mathematics of Computation 44, 1985), in a fixed number of words. Numbers of any
//! length, which [`super::curve`] has for all curves, take ten times as long: for each product they need memory, and for
//! each remainder a division.

use x509_parser::num_bigint::BigUint;

/// Least significant word first.
type Number = [u64; 4];

/// y² = x³ + ax + b modulo p.
#[derive(Debug)]
pub(super) struct Curve256 {
    p: Number,
    /// The number whose product with p is -1 modulo 2⁶⁴.
    inverse: u64,
    /// 2⁵¹² modulo p, whose product with a number is that number times 2²⁵⁶. All that follow are times that, too.
    factor: Number,
    a: Number,
    b: Number,
}

impl Curve256 {
    /// The curve, if its prime has 256 bits.
    pub(super) fn new(p: &BigUint, a: &BigUint, b: &BigUint) -> Option<Self> {
        if p.bits() != 256 {
            return None;
        }
        let times_2_256 = |value: &BigUint| words(&((value << 256u32) % p));
        let modulus = words(p);
        // Newton's method, by which each step has twice as many right bits as the one before: 1, 2, 4 … 64.
        let [lowest, ..] = modulus;
        let inverse =
            (0..6).fold(1u64, |inverse, _| inverse.wrapping_mul(2u64.wrapping_sub(lowest.wrapping_mul(inverse))));
        Some(Self {
            p: modulus,
            inverse: inverse.wrapping_neg(),
            factor: times_2_256(&(BigUint::from(1u8) << 256u32)),
            a: times_2_256(a),
            b: times_2_256(b),
        })
    }

    /// Whether the coordinates, less than p, are those of a point on the curve.
    pub(super) fn has(&self, x: &BigUint, y: &BigUint) -> bool {
        let [x, y] = [x, y].map(|coordinate| self.multiply(&words(coordinate), &self.factor));
        let right = self.add(&self.multiply(&self.add(&self.multiply(&x, &x), &self.a), &x), &self.b);
        self.multiply(&y, &y) == right
    }

    fn add(&self, left: &Number, right: &Number) -> Number {
        let mut sum = *left;
        let mut carry = 0;
        for (place, word) in sum.iter_mut().zip(right) {
            (*place, carry) = multiply_add(*word, 1, *place, carry);
        }
        self.reduced(sum, carry)
    }

    /// The product divided by 2²⁵⁶ modulo p.
    fn multiply(&self, left: &Number, right: &Number) -> Number {
        let (mut sum, mut above) = ([0; 4], 0u64);
        for word in right {
            let carry = add_multiple(&mut sum, left, *word);
            let (top, over) = above.overflowing_add(carry);
            // As many times p as make the lowest word zero, which is dropped then.
            let [lowest, ..] = sum;
            let carry = add_multiple(&mut sum, &self.p, lowest.wrapping_mul(self.inverse));
            let (top, over_again) = top.overflowing_add(carry);
            let [_, first, second, third] = sum;
            sum = [first, second, third, top];
            above = u64::from(over) + u64::from(over_again);
        }
        self.reduced(sum, above)
    }

    /// What is less than 2p, with a word above, modulo p.
    fn reduced(&self, value: Number, above: u64) -> Number {
        let (difference, is_less) = subtract(&value, &self.p);
        if is_less && above == 0 { value } else { difference }
    }
}

/// The words of a number of at most 256 bits.
fn words(value: &BigUint) -> Number {
    let mut number = [0; 4];
    for (place, word) in number.iter_mut().zip(value.iter_u64_digits()) {
        *place = word;
    }
    number
}

/// Adds a multiple of `number`; returns what goes beyond the highest word.
fn add_multiple(sum: &mut Number, number: &Number, times: u64) -> u64 {
    let mut carry = 0;
    for (place, word) in sum.iter_mut().zip(number) {
        (*place, carry) = multiply_add(*word, times, *place, carry);
    }
    carry
}

/// The two words of `word * times + first + second`, which cannot be more.
fn multiply_add(word: u64, times: u64, first: u64, second: u64) -> (u64, u64) {
    let sum = u128::from(word) * u128::from(times) + u128::from(first) + u128::from(second);
    #[expect(clippy::cast_possible_truncation, reason = "the lower half, and the upper one")]
    (sum as u64, (sum >> 64) as u64)
}

/// The difference modulo 2²⁵⁶, and whether `left` is less.
fn subtract(left: &Number, right: &Number) -> (Number, bool) {
    let mut difference = *left;
    let mut borrow = false;
    for (place, word) in difference.iter_mut().zip(right) {
        let (without, is_less) = place.overflowing_sub(*word);
        let (less_one, is_zero) = without.overflowing_sub(borrow.into());
        (*place, borrow) = (less_one, is_less || is_zero);
    }
    (difference, borrow)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]
mod tests {
    use x509_parser::num_bigint::BigUint;

    use super::super::curve::{Field, Named};
    use super::{Curve256, subtract, words};

    fn curves() -> impl Iterator<Item = (&'static Named, &'static BigUint, Curve256)> {
        Named::all().filter_map(|named| match &named.curve.field {
            Field::Prime(p) => Some((named, p, Curve256::new(p, &named.curve.a, &named.curve.b)?)),
            Field::Binary(_) => None,
        })
    }

    /// In 32 bytes, or more.
    fn bytes(value: &BigUint) -> Vec<u8> {
        let digits = value.to_bytes_be();
        [vec![0; 32usize.saturating_sub(digits.len())], digits].concat()
    }

    /// Whether they are coordinates of a point on the curve, by numbers of any length.
    fn has(named: &Named, p: &BigUint, x: &BigUint, y: &BigUint) -> bool {
        x < p && y < p && y * y % p == (x * x * x + &named.curve.a * x + &named.curve.b) % p
    }

    #[test]
    fn these_curves_have_primes_of_256_bits() {
        let names: Vec<_> = curves().map(|(named, ..)| named.short).collect();
        assert_eq!(names, ["secp256k1", "prime256v1", "brainpoolP256r1", "brainpoolP256t1", "SM2"]);
    }

    #[test]
    fn a_point_is_on_the_curve_if_the_numbers_of_any_length_say_so() {
        for (named, p, curve) in curves() {
            let mut points = vec![named.generator.clone()];
            // Those with x of one byte: also x + p has 256 bits.
            points.extend((0..16).filter_map(|x| named.curve.decode(&[vec![2; 1], vec![0; 31], vec![x]].concat())));
            assert!(points.len() > 4, "{}", named.short);
            for point in points {
                let (x, y) = (&point.x, &point.y);
                assert!(curve.has(x, y) && has(named, p, x, y));
                for x in [x, &(x + 1u8), &(x + p), &BigUint::ZERO, &(p - 1u8), p] {
                    for y in [y, &(p - y), &(y + 1u8), &(y + p), &BigUint::ZERO, &(p - 1u8), p] {
                        let expected = has(named, p, x, y);
                        let decoded = named.curve.decode(&[vec![4], bytes(x), bytes(y)].concat());
                        assert_eq!(decoded.is_some(), expected, "{}: {x:x}, {y:x}", named.short);
                        if x < p && y < p {
                            assert_eq!(curve.has(x, y), expected, "{}: {x:x}, {y:x}", named.short);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn coordinates_of_another_length_are_none() {
        let (named, ..) = curves().next().unwrap();
        let encoded = named.curve.encode(&named.generator);
        assert!(named.curve.decode(&encoded).is_some());
        let (four, coordinates) = encoded.split_at(1);
        for other in [&coordinates[..32], &[coordinates, &[0]].concat(), &[&[0], coordinates].concat(), &[]] {
            assert!(named.curve.decode(&[four, other].concat()).is_none());
        }
    }

    #[test]
    fn products_are_those_of_numbers_of_any_length() {
        let power = BigUint::from(1u8) << 256u32;
        for (_, p, curve) in curves() {
            // From small ones to the largest, each with every other.
            let samples: Vec<_> = (0..24u32).map(|step| (p >> (11 * step)) - u8::from(step % 2 == 0)).collect();
            for left in &samples {
                for right in &samples {
                    let product = curve.multiply(&words(left), &words(right));
                    let product = product.iter().rev().fold(BigUint::ZERO, |value, word| (value << 64u32) + *word);
                    assert_eq!(product * &power % p, left * right % p);
                }
            }
        }
    }

    #[test]
    fn a_difference_borrows_from_each_word() {
        assert_eq!(subtract(&[0, 0, 0, 1], &[1, 0, 0, 0]), ([u64::MAX, u64::MAX, u64::MAX, 0], false));
        assert_eq!(subtract(&[0, 0, 0, 0], &[1, 0, 0, 0]), ([u64::MAX; 4], true));
        assert_eq!(subtract(&[5, 1, 1, 1], &[5, 1, 1, 1]), ([0; 4], false));
        assert_eq!(subtract(&[0, 1, 1, 1], &[1, 1, 1, 1]), ([u64::MAX; 4], true));
    }
}
