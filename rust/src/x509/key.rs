//! The subject's public key, for the two kinds whose numbers Node.js shows: RSA and elliptic curves.

use x509_parser::num_bigint::BigUint;

use super::curve::{Curve, Field, Form, Named, Point};
use crate::der::{Reader, tag};
use crate::error::{DecodeError, Reason};
use crate::limits;

const RSA_ENCRYPTION: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
/// `rsa` of X.509 (1988), which OpenSSL takes for rsaEncryption.
const RSA: &[u8] = b"\x55\x08\x01\x01";
const EC_PUBLIC_KEY: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
const PRIME_FIELD: &[u8] = b"\x2a\x86\x48\xce\x3d\x01\x01";
const BINARY_FIELD: &[u8] = b"\x2a\x86\x48\xce\x3d\x01\x02";
const TRINOMIAL_BASIS: &[u8] = b"\x2a\x86\x48\xce\x3d\x01\x02\x03\x02";
const PENTANOMIAL_BASIS: &[u8] = b"\x2a\x86\x48\xce\x3d\x01\x02\x03\x03";

/// The bytes of the largest version: OpenSSL has it in 32 bits.
const VERSION_BYTES: usize = 4;

/// `SEQUENCE { rsaEncryption, NULL }` (RFC 3279, section 2.3.1).
const RSA_ALGORITHM: [u8; 15] = *b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// A public key that Node.js shows the numbers of.
#[derive(Clone, Debug)]
pub(super) enum Key {
    Rsa { modulus: BigUint, exponent: BigUint },
    Ec { point: Vec<u8>, order_bits: u64, named: Option<&'static Named> },
}

impl Key {
    /// Reads a SubjectPublicKeyInfo; None for other kinds, and for keys that OpenSSL cannot decode.
    pub(super) fn read(spki: &[u8]) -> Option<Self> {
        let mut info = Reader::new(spki, 0, Reason::Certificate).enter(tag::SEQUENCE).ok()?;
        let mut algorithm = info.enter(tag::SEQUENCE).ok()?;
        let oid = algorithm.oid().ok()?;
        let (unused, bits) = info.bit_string(tag::BIT_STRING).ok()?;
        let mut key = bits.to_vec();
        if let Some(last) = key.last_mut() {
            *last &= u8::MAX << unused; // as OpenSSL does (`c2i_ASN1_BIT_STRING`)
        }
        match oid {
            RSA_ENCRYPTION | RSA => Self::read_rsa(&key).ok(),
            EC_PUBLIC_KEY => Self::read_ec(&mut algorithm, &key),
            _ => None,
        }
    }

    /// RSAPublicKey (RFC 8017, appendix A.1.1). OpenSSL reads both numbers as magnitudes, whatever the sign bit
    /// says (`x_bignum.c`), and ignores what follows the key.
    fn read_rsa(key: &[u8]) -> Result<Self, DecodeError> {
        let mut numbers = Reader::new(key, 0, Reason::Certificate).enter(tag::SEQUENCE)?;
        let modulus = BigUint::from_bytes_be(numbers.expect(tag::INTEGER)?.content);
        let exponent = BigUint::from_bytes_be(numbers.expect(tag::INTEGER)?.content);
        numbers.finish()?;
        Ok(Self::Rsa { modulus, exponent })
    }

    /// A point on the curve that EcpkParameters (RFC 3279, section 2.3.5) describe. OpenSSL writes it with both
    /// coordinates, but on a curve without a name in the form that the generator has.
    fn read_ec(parameters: &mut Reader<'_>, encoded: &[u8]) -> Option<Self> {
        if parameters.next_is(tag::OBJECT_IDENTIFIER) {
            return Self::on_named(Named::with_oid(parameters.oid().ok()?)?, encoded);
        }
        let Explicit { curve, generator, form, order } = Explicit::read(parameters)?;
        if let Some(named) = Named::with_parameters(&curve, &generator, &order) {
            return Self::on_named(named, encoded);
        }
        let point = curve.encode(&curve.decode(encoded)?, form)?;
        Some(Self::Ec { point, order_bits: order.bits(), named: None })
    }

    fn on_named(named: &'static Named, encoded: &[u8]) -> Option<Self> {
        if named.short == "SM2" {
            return None; // to OpenSSL, a key on this curve is of another kind
        }
        let point = named.curve.encode(&named.curve.decode(encoded)?, Form::Uncompressed)?;
        Some(Self::Ec { point, order_bits: named.order.bits(), named: Some(named) })
    }

    /// The size in bits: of the modulus, or of the order of the curve.
    pub(super) fn bits(&self) -> usize {
        let bits = match self {
            Self::Rsa { modulus, .. } => modulus.bits(),
            Self::Ec { order_bits, .. } => *order_bits,
        };
        usize::try_from(bits).unwrap_or(usize::MAX)
    }

    /// What Node.js has as `pubkey`: the point, or the SubjectPublicKeyInfo of an RSA key in DER.
    pub(super) fn pubkey(&self) -> Vec<u8> {
        match self {
            Self::Ec { point, .. } => point.clone(),
            Self::Rsa { modulus, exponent } => {
                let numbers = [integer(modulus), integer(exponent)].concat();
                let mut bits = vec![0];
                bits.extend(encode(0x30, &numbers));
                encode(0x30, &[RSA_ALGORITHM.to_vec(), encode(0x03, &bits)].concat())
            }
        }
    }

    /// The modulus in upper-case hexadecimal, for RSA.
    pub(super) fn modulus(&self) -> Option<String> {
        match self {
            Self::Rsa { modulus, .. } => Some(format!("{modulus:X}")),
            Self::Ec { .. } => None,
        }
    }

    /// The exponent as Node.js prints it, for RSA: what does not fit into 64 bits is all ones (`BN_get_word`).
    pub(super) fn exponent(&self) -> Option<String> {
        match self {
            Self::Rsa { exponent, .. } => Some(format!("0x{:x}", u64::try_from(exponent).unwrap_or(u64::MAX))),
            Self::Ec { .. } => None,
        }
    }

    /// OpenSSL's short name of the curve, for EC, if it has one.
    pub(super) fn asn1_curve(&self) -> Option<&'static str> {
        self.named().map(|named| named.short)
    }

    /// NIST's name of the curve, for EC, if it has one.
    pub(super) fn nist_curve(&self) -> Option<&'static str> {
        self.named()?.nist
    }

    const fn named(&self) -> Option<&'static Named> {
        match self {
            Self::Ec { named, .. } => *named,
            Self::Rsa { .. } => None,
        }
    }
}

/// ECParameters (RFC 3279, section 2.3.5), with the checks of OpenSSL (`EC_GROUP_new_from_ecparameters`): it looks
/// neither at the version nor at the seed, and believes the order and the cofactor.
struct Explicit {
    curve: Curve,
    generator: Point,
    form: Form,
    order: BigUint,
}

impl Explicit {
    fn read(parameters: &mut Reader<'_>) -> Option<Self> {
        let mut parameters = parameters.enter(tag::SEQUENCE).ok()?;
        let version = parameters.expect(tag::INTEGER).ok()?;
        let mut again = Reader::new(version.whole, 0, Reason::Certificate);
        if !version.content.is_empty() && again.integer().ok()?.len() > VERSION_BYTES {
            return None;
        }
        let field = field(&mut parameters.enter(tag::SEQUENCE).ok()?)?;
        let mut coefficients = parameters.enter(tag::SEQUENCE).ok()?;
        let a = coefficients.expect(tag::OCTET_STRING).ok()?.content;
        let b = coefficients.expect(tag::OCTET_STRING).ok()?.content;
        if !coefficients.is_empty() && coefficients.bit_string(tag::BIT_STRING).ok()?.1.is_empty() {
            return None;
        }
        coefficients.finish().ok()?;
        let curve = Curve::new(field, a, b)?;
        let base = parameters.expect(tag::OCTET_STRING).ok()?.content;
        let order = natural(&mut parameters)?;
        if order == BigUint::ZERO || order.bits() > curve.bits() + 1 {
            return None; // beyond the bound of Hasse
        }
        if !parameters.is_empty() {
            natural(&mut parameters)?;
        }
        parameters.finish().ok()?;
        Some(Self { generator: curve.decode(base)?, form: Form::of(base)?, curve, order })
    }
}

/// FieldID (RFC 3279, section 2.3.5).
fn field(id: &mut Reader<'_>) -> Option<Field> {
    let kind = id.oid().ok()?;
    if kind == PRIME_FIELD {
        let p = natural(id)?;
        id.finish().ok()?;
        return Field::prime(p);
    }
    let mut binary = id.enter(tag::SEQUENCE).ok().filter(|_| kind == BINARY_FIELD)?;
    id.finish().ok()?;
    let degree = exponent(&mut binary)?;
    let exponents = match binary.oid().ok()? {
        TRINOMIAL_BASIS => vec![0, exponent(&mut binary)?, degree],
        PENTANOMIAL_BASIS => {
            let mut middle = binary.enter(tag::SEQUENCE).ok()?;
            let exponents = vec![0, exponent(&mut middle)?, exponent(&mut middle)?, exponent(&mut middle)?, degree];
            middle.finish().ok()?;
            exponents
        }
        _ => return None,
    };
    binary.finish().ok()?;
    let mut f = BigUint::ZERO;
    for exponent in &exponents {
        f.set_bit(*exponent, true);
    }
    if exponents.is_sorted_by(|lower, higher| lower < higher) { Field::binary(f) } else { None }
}

/// The exponent of a term of a reduction polynomial.
fn exponent(reader: &mut Reader<'_>) -> Option<u64> {
    u64::try_from(natural(reader)?).ok().filter(|exponent| *exponent <= limits::FIELD_BITS)
}

/// An INTEGER that is not negative.
fn natural(reader: &mut Reader<'_>) -> Option<BigUint> {
    let content = reader.integer().ok()?;
    content.first().is_some_and(|first| *first < 0x80).then(|| BigUint::from_bytes_be(content))
}

/// The DER of a non-negative INTEGER.
fn integer(value: &BigUint) -> Vec<u8> {
    let mut content = value.to_bytes_be();
    if content.first().is_none_or(|first| *first >= 0x80) {
        content.insert(0, 0);
    }
    encode(0x02, &content)
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
