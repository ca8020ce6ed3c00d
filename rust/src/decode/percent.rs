//! Percent-encoding (RFC 3986, section 2.1).
//!
//! Only `%XX` is decoded. A `+` is a plus: form decoding, which makes it a space, has broken
//! certificates in more than one product. White space and control characters have no place in an
//! encoded text.

use memchr::memchr_iter;

use super::{hex, runs};
use crate::error::{DecodeError, Reason};

/// Returns the bytes of a percent-encoded text.
///
/// # Errors
///
/// [`Reason::Percent`] at a `%` that two hexadecimal digits do not follow, [`Reason::Character`] at
/// a byte that is not visible ASCII; the first of them.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut decoded = Vec::with_capacity(text.len() + 16);
    let mut rest = text;
    loop {
        // What is visible above `%`; of what is below, base64 has nothing.
        rest = runs::append(&mut decoded, rest, b'&'..=b'~');
        let fault = |reason| DecodeError::new(reason, text.len() - rest.len());
        let (after, byte) = match rest {
            [] => return Ok(decoded),
            [b'%', high, low, after @ ..] => (after, hex::pair(*high, *low).ok_or(fault(Reason::Percent))?),
            [b'%', ..] => return Err(fault(Reason::Percent)),
            [visible @ b'!'..=b'$', after @ ..] => (after, *visible),
            _ => return Err(fault(Reason::Character)),
        };
        decoded.push(byte);
        rest = after;
    }
}

/// The offset in `text` that byte `at` of the decoded text came from.
pub(super) fn origin(text: &[u8], at: usize) -> usize {
    // Each escape before it is two bytes longer than the byte that it stands for.
    let mut origin = at;
    for escape in memchr_iter(b'%', text) {
        if escape >= origin {
            break;
        }
        origin += 2;
    }
    origin
}
