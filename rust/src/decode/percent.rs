//! Percent-encoding (RFC 3986, section 2.1).
//!
//! Only `%XX` is decoded. A `+` is a plus: form decoding, which makes it a space, has broken
//! certificates in more than one product. White space and control characters have no place in an
//! encoded text.

use super::hex;
use crate::error::{DecodeError, Reason};

/// Returns the bytes of a percent-encoded text.
///
/// # Errors
///
/// [`Reason::Percent`] at a `%` that two hexadecimal digits do not follow, [`Reason::Character`] at
/// a byte that is not visible ASCII.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        let at = text.len() - rest.len();
        rest = match (byte, after) {
            (b'%', [high, low, after @ ..]) => match (hex::digit(*high), hex::digit(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high << 4 | low);
                    after
                }
                _ => return Err(DecodeError::new(Reason::Percent, at)),
            },
            (b'%', _) => return Err(DecodeError::new(Reason::Percent, at)),
            (b'!'..=b'~', _) => {
                decoded.push(*byte);
                after
            }
            _ => return Err(DecodeError::new(Reason::Character, at)),
        };
    }
    Ok(decoded)
}

/// The offset in `text` that byte `at` of the decoded text came from.
pub(super) fn origin(text: &[u8], at: usize) -> usize {
    let mut origin = 0;
    for _ in 0..at {
        origin += if text.get(origin) == Some(&b'%') { 3 } else { 1 };
    }
    origin
}
