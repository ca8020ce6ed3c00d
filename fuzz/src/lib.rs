//! What is true of every header value, whatever the encoding: the invariants that the fuzz targets assert.
//!
//! Each target adds how its encoding may be spelled. They do not take the decoder's word for it: what was accepted is encoded
//! anew, and compared with the input.

#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clientcert::decode::{self, encode, field, xfcc};
use clientcert::{Certificate, DecodeError, Encoding, Reason, limits, parse};
use libfuzzer_sys::fuzzer_mutate;

/// Certificates that a value may have: so few that short inputs have one too many.
pub const MOST: usize = 3;

/// Every encoding.
pub const ENCODINGS: [Encoding; 9] = [
    Encoding::UrlPem,
    Encoding::UrlPemAws,
    Encoding::Xfcc,
    Encoding::Base64Der,
    Encoding::Rfc9440,
    Encoding::Pem,
    Encoding::Base64Pem,
    Encoding::HexDer,
    Encoding::Base64DerConcat,
];

/// White space that may be before a value.
const BEFORE: &[u8] = b" \t";

/// Returns the DER of each certificate in a header value, or None if it is refused; XFCC has a target of its own.
///
/// # Panics
///
/// If an invariant does not hold.
#[must_use]
pub fn header(value: &[u8], encoding: Encoding) -> Option<Vec<Vec<u8>>> {
    let ders = decoded(value, |value, most| decode::certificates(value, encoding, most))?;
    assert!(!ders.is_empty());
    if let Ok(certificates) = parse::header(value, encoding, MOST) {
        assert_eq!(der_of_each(certificates), ders);
    }
    let encoded = encode::header(&slices(&ders), encoding);
    assert_eq!(decode::certificates(encoded.as_bytes(), encoding, MOST).as_ref(), Ok(&ders));
    Some(ders)
}

/// Returns what `decode` makes of a value and at most so many certificates, or None if it refuses it.
///
/// # Panics
///
/// If it is not the same with white space around the value, if the fault is outside the value, if what comes out is
/// longer than what goes in, or if the bound of certificates is not kept.
pub fn decoded(
    value: &[u8],
    decode: impl Fn(&[u8], usize) -> Result<Vec<Vec<u8>>, DecodeError>,
) -> Option<Vec<Vec<u8>>> {
    let result = decode(value, MOST);
    if let Err(fault) = result {
        assert!(fault.at <= value.len());
    }
    let moved = |fault: DecodeError| match fault.reason {
        Reason::NoCertificate => fault,
        _ => DecodeError { at: fault.at + BEFORE.len(), ..fault },
    };
    let with_space = [BEFORE, value, b"\t "].concat();
    if with_space.len() <= limits::HEADER_BYTES {
        assert_eq!(decode(&with_space, MOST), result.clone().map_err(moved));
    }
    let ders = result.ok()?;
    assert!(ders.iter().all(|der| !der.is_empty()));
    assert!(ders.iter().map(Vec::len).sum::<usize>() <= value.len());
    assert!(ders.len() <= MOST);
    if ders.len() > 1 {
        assert_eq!(decode(value, ders.len()).as_ref(), Ok(&ders));
        let fault = decode(value, ders.len() - 1).err().map(|fault| fault.reason);
        assert_eq!(fault, Some(Reason::TooManyCertificates));
    }
    Some(ders)
}

/// Returns the DER of each certificate in an XFCC header that has one element.
///
/// # Errors
///
/// The first fault of the text.
pub fn of_one_element(value: &[u8], most: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    let (text, start) = field::value(value)?;
    let ders = xfcc::elements(text, 1).and_then(|elements| elements[0].certificates(most));
    ders.map(|certificates| certificates.ders).map_err(|fault| DecodeError { at: fault.at + start, ..fault })
}

/// Asserts that a PEM text has these certificates and nothing else but white space.
///
/// # Panics
///
/// If it has.
pub fn assert_is_pem(text: &[u8], ders: &[Vec<u8>]) {
    let encoded = encode::header(&slices(ders), Encoding::Pem);
    assert_eq!(without_space(text), without_space(encoded.as_bytes()));
    // There, the space between the words does not count.
    let begins = text.windows(BEGIN.len()).filter(|window| *window == BEGIN).count();
    assert_eq!(begins, ders.len());
}

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

fn without_space(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).collect()
}

/// The value without the white space that a field value may have around it (RFC 9110, section 5.5).
#[must_use]
pub fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// As [`encode::header`] wants them.
#[must_use]
pub fn slices(ders: &[Vec<u8>]) -> Vec<&[u8]> {
    ders.iter().map(Vec::as_slice).collect()
}

fn der_of_each(certificates: Vec<Certificate>) -> Vec<Vec<u8>> {
    certificates.into_iter().map(|certificate| certificate.der().to_vec()).collect()
}

/// Mutates what is inside base64 every other time: the engine seldom finds text that decodes to something else.
pub fn mutate_inside_base64(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let inside = data.get(..size).filter(|_| seed.is_multiple_of(2)).and_then(|text| STANDARD.decode(text).ok());
    let most = max_size / 4 * 3;
    match inside {
        Some(mut bytes) if (1..=most).contains(&bytes.len()) => {
            let length = bytes.len();
            bytes.resize(most, 0);
            let length = fuzzer_mutate(&mut bytes, length, most);
            bytes.truncate(length);
            STANDARD.encode_slice(&bytes, data).unwrap_or(size)
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
}
