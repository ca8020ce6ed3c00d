//! Hexadecimal, in either case (RFC 4648, section 8).

use crate::error::{DecodeError, Reason};

/// Returns the bytes of a hexadecimal text.
///
/// # Errors
///
/// [`Reason::Hex`] at the first byte that is no digit, or at the end of an odd number of digits.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    if let Some(at) = text.iter().position(|byte| digit(*byte).is_none()) {
        return Err(DecodeError::new(Reason::Hex, at));
    }
    let (pairs, []) = text.as_chunks::<2>() else {
        return Err(DecodeError::new(Reason::Hex, text.len()));
    };
    Ok(pairs.iter().filter_map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect())
}

/// The value of a hexadecimal digit.
pub(super) const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
