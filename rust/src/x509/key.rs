//! The subject's public key, for the two kinds whose numbers Node.js shows: RSA and named EC curves.

use std::collections::HashMap;
use std::sync::LazyLock;

use x509_parser::asn1_rs::{Class, Tag};
use x509_parser::num_bigint::BigUint;
use x509_parser::oid_registry::{OID_KEY_TYPE_EC_PUBLIC_KEY, OID_PKCS1_RSAENCRYPTION};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::objects;
use crate::der::{Reader, is_oid, tag};
use crate::error::{DecodeError, Reason};

/// `SEQUENCE { rsaEncryption, NULL }` (RFC 3279, section 2.3.1).
const RSA_ALGORITHM: [u8; 15] = *b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// A named curve, as OpenSSL knows it.
#[derive(Clone, Copy, Debug)]
struct Curve {
    short: &'static str,
    nist: Option<&'static str>,
    order_bits: usize,
    field_bytes: usize,
}

/// The curves of OpenSSL by dotted OID.
static CURVES: LazyLock<HashMap<&str, Curve>> = LazyLock::new(|| {
    objects::rows(include_str!("../../../python/clientcert/_fallback/curves.txt"))
        .filter_map(|row| {
            let mut cells = row.split('\t');
            let (oid, short, nist) = (cells.next()?, cells.next()?, cells.next()?);
            let (order_bits, field_bits) = (cells.next()?.parse().ok()?, cells.next()?.parse::<usize>().ok()?);
            let nist = Some(nist).filter(|nist| *nist != "-");
            Some((oid, Curve { short, nist, order_bits, field_bytes: field_bits.div_ceil(8) }))
        })
        .collect()
});

/// A public key that Node.js shows the numbers of.
#[derive(Debug)]
pub(super) enum Key {
    Rsa { modulus: BigUint, exponent: BigUint },
    Ec { point: Vec<u8>, order_bits: usize, short: &'static str, nist: Option<&'static str> },
}

impl Key {
    /// Reads a SubjectPublicKeyInfo; None for other kinds, and for keys that cannot be decoded.
    pub(super) fn read(spki: &[u8]) -> Option<Self> {
        let (_, info) = SubjectPublicKeyInfo::from_der(spki).ok()?;
        if info.subject_public_key.unused_bits != 0 {
            return None; // a key is whole bytes
        }
        let key: &[u8] = &info.subject_public_key.data;
        let algorithm = &info.algorithm.algorithm;
        if *algorithm == OID_PKCS1_RSAENCRYPTION {
            Self::read_rsa(key).ok()
        } else if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
            let curve = info.algorithm.parameters.as_ref()?;
            let is_named = curve.tag() == Tag::Oid && curve.class() == Class::Universal && curve.header.is_primitive();
            if is_named { Self::read_ec(curve.data, key) } else { None }
        } else {
            None
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

    /// A point (SEC 1, section 2.3.3) on a named curve.
    fn read_ec(oid: &[u8], point: &[u8]) -> Option<Self> {
        let curve = CURVES.get(is_oid(oid).then(|| objects::dotted(oid))?.as_str())?;
        has_form(point, curve.field_bytes).then(|| Self::Ec {
            point: point.to_vec(),
            order_bits: curve.order_bits,
            short: curve.short,
            nist: curve.nist,
        })
    }

    /// The size in bits: of the modulus, or of the order of the curve.
    pub(super) fn bits(&self) -> usize {
        match self {
            Self::Rsa { modulus, .. } => usize::try_from(modulus.bits()).unwrap_or(usize::MAX),
            Self::Ec { order_bits, .. } => *order_bits,
        }
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

    /// OpenSSL's short name of the curve, for EC.
    pub(super) const fn asn1_curve(&self) -> Option<&'static str> {
        match self {
            Self::Ec { short, .. } => Some(short),
            Self::Rsa { .. } => None,
        }
    }

    /// NIST's name of the curve, for EC, if it has one.
    pub(super) const fn nist_curve(&self) -> Option<&'static str> {
        match self {
            Self::Ec { nist, .. } => *nist,
            Self::Rsa { .. } => None,
        }
    }
}

/// Whether a point has one of the forms of SEC 1, section 2.3.3, with the length that the field asks for.
fn has_form(point: &[u8], field_bytes: usize) -> bool {
    match point {
        [2 | 3, x @ ..] => x.len() == field_bytes,
        [4 | 6 | 7, xy @ ..] => xy.len() == 2 * field_bytes,
        _ => false,
    }
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
