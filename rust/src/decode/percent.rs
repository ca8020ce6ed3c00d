//! Percent-encoding (RFC 3986, section 2.1).
//!
//! Only `%XX` is decoded. A `+` is a plus: form decoding, which makes it a space, has broken
//! certificates in more than one product. White space and control characters have no place in an
//! encoded text.

use std::ops::Range;

use memchr::memchr_iter;

use super::hex;
use crate::error::{DecodeError, Reason};

/// Returns the bytes of a percent-encoded text.
///
/// # Errors
///
/// [`Reason::Percent`] at a `%` that two hexadecimal digits do not follow, [`Reason::Character`] at
/// a byte that is not visible ASCII; the first of them.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    // Whole runs between the escapes are checked and copied at a time: a loop over bytes takes three times as long.
    let mut decoded = Vec::with_capacity(text.len());
    let mut start = 0;
    for at in memchr_iter(b'%', text) {
        push_run(&mut decoded, text, start..at)?;
        start = at + 3;
        let digits = text.get(at + 1..start).and_then(|digits| <&[u8; 2]>::try_from(digits).ok());
        let byte = digits.and_then(|&[high, low]| Some(hex::digit(high)? << 4 | hex::digit(low)?));
        decoded.push(byte.ok_or(DecodeError::new(Reason::Percent, at))?);
    }
    push_run(&mut decoded, text, start..text.len())?;
    Ok(decoded)
}

/// Appends a run of characters that stand for themselves.
fn push_run(decoded: &mut Vec<u8>, text: &[u8], run: Range<usize>) -> Result<(), DecodeError> {
    let start = run.start;
    let run = text.get(run).unwrap_or_default();
    // Without an early end, so that many are looked at in one instruction.
    if run.iter().fold(true, |visible, byte| visible & is_visible(*byte)) {
        decoded.extend_from_slice(run);
        return Ok(());
    }
    let visible = run.iter().take_while(|byte| is_visible(**byte)).count();
    Err(DecodeError::new(Reason::Character, start + visible))
}

const fn is_visible(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~')
}

/// The offset in `text` that byte `at` of the decoded text came from.
pub(super) fn origin(text: &[u8], at: usize) -> usize {
    let mut origin = 0;
    for _ in 0..at {
        origin += if text.get(origin) == Some(&b'%') { 3 } else { 1 };
    }
    origin
}
