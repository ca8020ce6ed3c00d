//! Canonical base64 (RFC 4648, section 4).
//!
//! Not accepted: the URL-safe alphabet, missing padding, bits after the last byte that are not
//! zero. Each would give one certificate several spellings, and two decoders two opinions.

use base64_simd::STANDARD;

use super::runs;
use crate::error::{DecodeError, Reason};

/// Returns the bytes of a base64 text that is not empty.
///
/// # Errors
///
/// [`Reason::Base64`] at the first byte that makes the text wrong.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    canonical(text).ok_or_else(|| DecodeError::new(Reason::Base64, fault(text)))
}

/// As [`decode`], for those who do not ask where the fault is.
pub(super) fn canonical(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode_to_vec(text).ok().filter(|bytes| !bytes.is_empty())
}

/// The character of a base64 text that holds the first bits of byte `at`.
pub(super) const fn origin(at: usize) -> usize {
    at / 3 * 4 + at % 3
}

/// The offset of the first fault of a text that did not decode.
fn fault(text: &[u8]) -> usize {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let digits = runs::leading(text, is_digit);
    let padding = text.get(digits..).unwrap_or_default();
    let is_padded = text.len().is_multiple_of(4) && padding.len() <= 2 && padding.iter().all(|&byte| byte == b'=');
    match (text.is_empty(), is_padded) {
        // The alphabet and the padding are right, so it is the bits of the last digit that are not.
        (false, true) => digits.saturating_sub(1),
        // `=` is a fault unless the padding that it begins is right.
        _ => digits,
    }
}
