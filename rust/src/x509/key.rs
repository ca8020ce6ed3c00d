//! The subject's public key, for the two kinds whose numbers Node.js shows: RSA and elliptic curves.

use std::borrow::Cow;
use std::ops::Range;

use x509_parser::num_bigint::BigUint;

use super::curve::{Binary, Field, Named};
use super::{Span, algorithm_identifier, without_zeros};
use crate::der::{Reader, has_zero_padding, tag};
use crate::error::{DecodeError, Reason};
use crate::hexadecimal;

const RSA_ENCRYPTION: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
/// `rsa` of X.509 (1988), which OpenSSL takes for rsaEncryption.
const RSA: &[u8] = b"\x55\x08\x01\x01";
const EC_PUBLIC_KEY: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
const PRIME_FIELD: &[u8] = b"\x2a\x86\x48\xce\x3d\x01\x01";
const BINARY_FIELD: &[u8] = b"\x2a\x86\x48\xce\x3d\x01\x02";
const TRINOMIAL_BASIS: &[u8] = b"\x2a\x86\x48\xce\x3d\x01\x02\x03\x02";
const PENTANOMIAL_BASIS: &[u8] = b"\x2a\x86\x48\xce\x3d\x01\x02\x03\x03";

/// The first byte of a point that both coordinates follow (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// ecpVer1, the only version of RFC 3279, section 2.3.5.
const VERSION: &[u8] = &[1];

/// `SEQUENCE { rsaEncryption, NULL }` (RFC 3279, section 2.3.1).
const RSA_ALGORITHM: [u8; 15] = *b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// SubjectPublicKeyInfo (RFC 5280, section 4.1).
struct Info<'a> {
    algorithm: &'a [u8],
    parameters: Reader<'a>,
    /// Offset of the BIT STRING.
    start: usize,
    unused: u8,
    bits: &'a [u8],
    /// Whether the algorithm and its parameters are [`RSA_ALGORITHM`].
    is_rsa: bool,
}

impl<'a> Info<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut info = reader.enter(tag::SEQUENCE)?;
        let is_rsa = info.rest().starts_with(&RSA_ALGORITHM);
        let (algorithm, parameters) = algorithm_identifier(&mut info)?;
        let start = info.at();
        let (unused, bits) = info.bit_string(tag::BIT_STRING)?;
        info.finish()?;
        Ok(Self { algorithm, parameters, start, unused, bits, is_rsa })
    }

    /// The key with its unused bits cleared, as OpenSSL does it (`c2i_ASN1_BIT_STRING`).
    fn key(&self) -> Cow<'a, [u8]> {
        if has_zero_padding(self.unused, self.bits) {
            return self.bits.into();
        }
        let mut key = self.bits.to_vec();
        if let Some(last) = key.last_mut() {
            *last &= u8::MAX << self.unused;
        }
        key.into()
    }
}

/// Checks a SubjectPublicKeyInfo, and inside it what is shown of a key.
///
/// # Errors
///
/// [`Reason::Der`] at the BIT STRING for an RSA key that is not DER, which OpenSSL may read. [`Reason::Curve`] at explicit
/// parameters that are not those of a curve with a name. RFC 5480, section 2.1.1, forbids all of them: whoever chooses
/// the generator may know the private key to anybody's public key (CVE-2020-0601).
pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    let info = Info::read(reader)?;
    match info.algorithm {
        RSA_ENCRYPTION | RSA => match rsa_numbers(&info.key()) {
            Err(DecodeError { reason: Reason::Der, .. }) => Err(DecodeError::new(Reason::Der, info.start)),
            _ => Ok(()),
        },
        EC_PUBLIC_KEY if info.parameters.next_is(tag::SEQUENCE) => {
            let start = info.parameters.at();
            explicit(info.parameters).map(drop).ok_or(DecodeError::new(Reason::Curve, start))
        }
        _ => Ok(()),
    }
}

/// Bytes of a key: where they are in its SubjectPublicKeyInfo, or, if they are not there as they should be, apart.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Inside(Span),
    Apart(Box<[u8]>),
}

impl Part {
    /// The slice `part` of `key`, which begins at `start` of the SubjectPublicKeyInfo, if it is there.
    fn of(key: &[u8], part: Range<usize>, start: Option<usize>) -> Self {
        match start {
            Some(start) => Self::Inside(Span::new(&(start + part.start..start + part.end))),
            None => Self::Apart(key.get(part).unwrap_or_default().into()),
        }
    }

    fn get<'a>(&'a self, spki: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Inside(span) => spki.get(span.range()).unwrap_or_default(),
            Self::Apart(bytes) => bytes,
        }
    }
}

/// A public key that Node.js shows the numbers of. Its methods take the SubjectPublicKeyInfo that it was read from.
#[derive(Clone, Debug)]
pub(super) enum Key {
    /// Both numbers big-endian, without leading zeros.
    Rsa {
        modulus: Part,
        exponent: Part,
        /// Whether the SubjectPublicKeyInfo is as OpenSSL encodes it anew.
        is_as_encoded: bool,
    },
    Ec {
        /// In the uncompressed encoding.
        point: Part,
        curve: &'static Named,
    },
}

impl Key {
    /// Reads a SubjectPublicKeyInfo; None for other kinds, and for keys that OpenSSL cannot decode.
    pub(super) fn read(spki: &[u8]) -> Option<Self> {
        let info = Info::read(&mut Reader::new(spki, 0, Reason::Certificate)).ok()?;
        let key = info.key();
        // The BIT STRING is the last element.
        let start = matches!(key, Cow::Borrowed(_)).then(|| spki.len() - key.len());
        match info.algorithm {
            RSA_ENCRYPTION | RSA => {
                let [(modulus, modulus_is_der), (exponent, exponent_is_der)] = rsa_numbers(&key).ok()?;
                let is_all = exponent.end == key.len();
                Some(Self::Rsa {
                    modulus: Part::of(&key, modulus, start),
                    exponent: Part::of(&key, exponent, start),
                    is_as_encoded: info.is_rsa && info.unused == 0 && is_all && modulus_is_der && exponent_is_der,
                })
            }
            EC_PUBLIC_KEY => Self::read_ec(info.parameters.clone(), &key, start),
            _ => None,
        }
    }

    /// A point on the curve that EcpkParameters (RFC 3279, section 2.3.5) describe.
    fn read_ec(mut parameters: Reader<'_>, encoded: &[u8], start: Option<usize>) -> Option<Self> {
        let named = if parameters.next_is(tag::OBJECT_IDENTIFIER) {
            Named::with_oid(parameters.oid().ok()?)
        } else {
            explicit(parameters)
        };
        // To OpenSSL, a key on SM2 is of another kind.
        let named = named.filter(|named| named.short != "SM2")?;
        let point = named.curve.decode(encoded)?;
        let point = match encoded.first() {
            Some(&UNCOMPRESSED) => Part::of(encoded, 0..encoded.len(), start),
            _ => Part::Apart(named.curve.encode(&point).into()),
        };
        Some(Self::Ec { point, curve: named })
    }

    /// The size in bits: of the modulus, or of the order of the curve.
    pub(super) fn bits(&self, spki: &[u8]) -> usize {
        match self {
            Self::Rsa { modulus, .. } => {
                let modulus = modulus.get(spki);
                let leading = modulus.first().map_or(0, |first| first.leading_zeros());
                8 * modulus.len() - leading as usize
            }
            Self::Ec { curve, .. } => usize::try_from(curve.order.bits()).unwrap_or(usize::MAX),
        }
    }

    /// What Node.js has as `pubkey`: the point, or the SubjectPublicKeyInfo of an RSA key in DER.
    pub(super) fn pubkey<'a>(&'a self, spki: &'a [u8]) -> Cow<'a, [u8]> {
        match self {
            Self::Ec { point, .. } => point.get(spki).into(),
            Self::Rsa { is_as_encoded: true, .. } => spki.into(),
            Self::Rsa { modulus, exponent, .. } => {
                let numbers = [integer(modulus.get(spki)), integer(exponent.get(spki))].concat();
                let bits = [vec![0], encode(tag::SEQUENCE, &numbers)].concat();
                let key = encode(tag::SEQUENCE, &[RSA_ALGORITHM.to_vec(), encode(tag::BIT_STRING, &bits)].concat());
                key.into()
            }
        }
    }

    /// The modulus in upper-case hexadecimal, for RSA.
    pub(super) fn modulus(&self, spki: &[u8]) -> Option<String> {
        match self {
            Self::Rsa { modulus, .. } => {
                let mut digits = hexadecimal::upper(modulus.get(spki));
                if digits.starts_with('0') {
                    digits.remove(0);
                } else if digits.is_empty() {
                    digits.push('0');
                }
                Some(digits)
            }
            Self::Ec { .. } => None,
        }
    }

    /// The exponent as Node.js prints it, for RSA: what does not fit into 64 bits is all ones (`BN_get_word`).
    pub(super) fn exponent(&self, spki: &[u8]) -> Option<String> {
        match self {
            Self::Rsa { exponent, .. } => {
                let mut bytes = exponent.get(spki).iter();
                let word = bytes.try_fold(0u64, |word, byte| Some(word.checked_mul(256)? | u64::from(*byte)));
                Some(format!("0x{:x}", word.unwrap_or(u64::MAX)))
            }
            Self::Ec { .. } => None,
        }
    }

    /// OpenSSL's short name of the curve, for EC.
    pub(super) const fn asn1_curve(&self) -> Option<&'static str> {
        match self {
            Self::Ec { curve, .. } => Some(curve.short),
            Self::Rsa { .. } => None,
        }
    }

    /// NIST's name of the curve, for EC, if it has one.
    pub(super) const fn nist_curve(&self) -> Option<&'static str> {
        match self {
            Self::Ec { curve, .. } => curve.nist,
            Self::Rsa { .. } => None,
        }
    }
}

/// The curve that ECParameters (RFC 3279, section 2.3.5) are those of, if it has a name.
///
/// OpenSSL believes any version, seed and cofactor, and reduces the coefficients. Here only the seed may be any, because
/// `curves.txt` has none and nothing is computed from it.
fn explicit(mut parameters: Reader<'_>) -> Option<&'static Named> {
    let mut parameters = parameters.enter(tag::SEQUENCE).ok()?;
    parameters.integer().ok().filter(|version| *version == VERSION)?;
    let field = parameters.expect(tag::SEQUENCE).ok()?.whole;
    let mut coefficients = parameters.enter(tag::SEQUENCE).ok()?;
    let a = BigUint::from_bytes_be(coefficients.expect(tag::OCTET_STRING).ok()?.content);
    let b = BigUint::from_bytes_be(coefficients.expect(tag::OCTET_STRING).ok()?.content);
    if !coefficients.is_empty() {
        let (unused, seed) = coefficients.bit_string(tag::BIT_STRING).ok()?;
        if seed.is_empty() || !has_zero_padding(unused, seed) {
            return None;
        }
    }
    coefficients.finish().ok()?;
    let base = parameters.expect(tag::OCTET_STRING).ok()?.content;
    let order = natural(&mut parameters)?;
    let cofactor = if parameters.is_empty() { None } else { Some(natural(&mut parameters)?) };
    parameters.finish().ok()?;
    Named::all().find(|named| {
        let curve = &named.curve;
        // The numbers first: they cost least.
        (&curve.a, &curve.b, &named.order) == (&a, &b, &order)
            && field_id(&curve.field) == field
            && cofactor.as_ref().is_none_or(|cofactor| *cofactor == named.cofactor())
            && curve.decode(base).as_ref() == Some(&named.generator)
    })
}

/// The DER of a FieldID (RFC 3279, section 2.3.5).
fn field_id(field: &Field) -> Vec<u8> {
    let number = |number: u64| integer(without_zeros(&number.to_be_bytes()));
    let (kind, parameters) = match field {
        Field::Prime(p) => (PRIME_FIELD, integer(&p.to_bytes_be())),
        Field::Binary(Binary { degree, middle, .. }) => {
            let mut exponents: Vec<_> = middle.iter().map(|exponent| number(*exponent)).collect();
            exponents.pop(); // of the last term, 1
            exponents.reverse();
            let basis = match exponents.as_slice() {
                [only] => [encode(tag::OBJECT_IDENTIFIER, TRINOMIAL_BASIS), only.clone()],
                several => {
                    [encode(tag::OBJECT_IDENTIFIER, PENTANOMIAL_BASIS), encode(tag::SEQUENCE, &several.concat())]
                }
            };
            let degree = number(*degree);
            (BINARY_FIELD, encode(tag::SEQUENCE, &[degree, basis.concat()].concat()))
        }
    };
    encode(tag::SEQUENCE, &[encode(tag::OBJECT_IDENTIFIER, kind), parameters].concat())
}

/// An INTEGER that is not negative.
fn natural(reader: &mut Reader<'_>) -> Option<BigUint> {
    let content = reader.integer().ok()?;
    content.first().is_some_and(|first| *first < 0x80).then(|| BigUint::from_bytes_be(content))
}

/// RSAPublicKey (RFC 8017, appendix A.1.1): where modulus and exponent are, big-endian without leading zeros, and whether
/// each is the DER of a number that is not negative.
///
/// OpenSSL reads both as magnitudes, whatever the sign bit says (`x_bignum.c`).
fn rsa_numbers(key: &[u8]) -> Result<[(Range<usize>, bool); 2], DecodeError> {
    let mut numbers = Reader::new(key, 0, Reason::Certificate).enter(tag::SEQUENCE)?;
    let mut number = || {
        let content = numbers.expect(tag::INTEGER)?.content;
        let number = without_zeros(content);
        let zeros = usize::from(needs_zero(number));
        Ok((numbers.at() - number.len()..numbers.at(), content.len() == zeros + number.len()))
    };
    let both = [number()?, number()?];
    numbers.finish()?;
    Ok(both)
}

/// The DER of a non-negative INTEGER, from its big-endian bytes.
fn integer(value: &[u8]) -> Vec<u8> {
    let mut content = value.to_vec();
    if needs_zero(value) {
        content.insert(0, 0);
    }
    encode(tag::INTEGER, &content)
}

/// Whether the INTEGER of a big-endian number without leading zeros has one: it would be negative, or empty.
fn needs_zero(value: &[u8]) -> bool {
    value.first().is_none_or(|first| *first >= 0x80)
}

/// One DER element.
fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut element = vec![tag];
    match significant.as_slice() {
        [] => element.push(0),
        [short @ 0..0x80] => element.push(*short),
        long => {
            element.push(0x80 | u8::try_from(long.len()).unwrap_or(u8::MAX));
            element.extend_from_slice(long);
        }
    }
    element.extend_from_slice(content);
    element
}
