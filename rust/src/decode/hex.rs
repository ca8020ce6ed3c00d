//! Hexadecimal, in either case (RFC 4648, section 8).

use super::runs;
use crate::error::{DecodeError, Reason};

/// Returns the bytes of a hexadecimal text.
///
/// # Errors
///
/// [`Reason::Hex`] at the first byte that is no digit, or at the end of an odd number of digits.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    hex_simd::decode_to_vec(text).map_err(|_| DecodeError::new(Reason::Hex, runs::leading(text, u8::is_ascii_hexdigit)))
}

/// The byte of two hexadecimal digits.
pub(super) const fn pair(high: u8, low: u8) -> Option<u8> {
    let (high, low) = (value(high), value(low));
    if high | low < 16 { Some(high << 4 | low) } else { None }
}

/// The value of a hexadecimal digit, or 255.
const fn value(byte: u8) -> u8 {
    let decimal = byte.wrapping_sub(b'0');
    let letter = (byte | 0x20).wrapping_sub(b'a');
    let letter = if letter < 6 { letter + 10 } else { u8::MAX };
    if decimal < 10 { decimal } else { letter }
}
