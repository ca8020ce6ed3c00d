//! Canonical base64 (RFC 4648, section 4).
//!
//! Not accepted: the URL-safe alphabet, missing padding, bits after the last byte that are not
//! zero. Each would give one certificate several spellings, and two decoders two opinions.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

use super::{DecodeError, Reason, pem};
use crate::x509::der;

/// Returns the bytes of a base64 text that is not empty.
///
/// # Errors
///
/// [`Reason::Base64`] at the first byte that makes the text wrong.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    match STANDARD.decode(text) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(DecodeError::new(Reason::Base64, fault(text))),
    }
}

/// Returns the DER of each certificate of a PEM text in base64.
///
/// # Errors
///
/// [`Reason::Base64`], and the faults of [`pem::certificates`] at the character that holds the
/// first bits of the byte at fault.
pub fn pem(text: &[u8], max: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    pem::certificates(&decode(text)?, max).map_err(|error| DecodeError { at: origin(error.at), ..error })
}

/// Returns each of several DER encodings that follow one another in base64.
///
/// # Errors
///
/// [`Reason::Base64`], and [`Reason::TooManyCertificates`] at the character that holds the first
/// bits of the first certificate too many.
pub fn concatenated(text: &[u8], max: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    let bytes = decode(text)?;
    let mut certificates = Vec::new();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        if certificates.len() == max {
            return Err(DecodeError::new(Reason::TooManyCertificates, origin(bytes.len() - rest.len())));
        }
        // What has no readable length is one certificate, which X.509 will refuse with the reason.
        let (certificate, after) = rest.split_at(der::encoded_length(rest).unwrap_or(rest.len()));
        certificates.push(certificate.to_vec());
        rest = after;
    }
    Ok(certificates)
}

/// The character of a base64 text that holds the first bits of byte `at`.
const fn origin(at: usize) -> usize {
    at / 3 * 4 + at % 3
}

/// The offset of the first fault of a text that did not decode.
fn fault(text: &[u8]) -> usize {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let digits = text.iter().position(|byte| !is_digit(byte)).unwrap_or(text.len());
    let padding = text.get(digits..).unwrap_or_default();
    let is_padded = text.len().is_multiple_of(4) && padding.len() <= 2 && padding.iter().all(|&byte| byte == b'=');
    match (text.is_empty(), is_padded) {
        // The alphabet and the padding are right, so it is the bits of the last digit that are not.
        (false, true) => digits.saturating_sub(1),
        // `=` is a fault unless the padding that it begins is right.
        _ => digits,
    }
}
