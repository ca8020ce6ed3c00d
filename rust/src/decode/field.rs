//! An HTTP field value (RFC 9110, section 5.5): its bound, the white space around it, and the ways to say "none".

use crate::error::{DecodeError, Reason};
use crate::limits;

/// The part of a header value without the white space around it, and its offset.
///
/// # Errors
///
/// [`Reason::TooLarge`], and [`Reason::NoCertificate`] for the ways in which proxies say "none".
pub fn value(value: &[u8]) -> Result<(&[u8], usize), DecodeError> {
    check_length(value)?;
    let (text, start) = trim(value);
    // HAProxy and Caddy send an empty value or `::`, Apache "(null)", when there is no certificate.
    if matches!(text, b"" | b"::" | b"(null)" | b":(null):") {
        return Err(DecodeError::new(Reason::NoCertificate, 0));
    }
    Ok((text, start))
}

/// Bounds the work that a text can make.
///
/// # Errors
///
/// [`Reason::TooLarge`] at [`limits::HEADER_BYTES`].
pub const fn check_length(text: &[u8]) -> Result<(), DecodeError> {
    if text.len() > limits::HEADER_BYTES {
        return Err(DecodeError::new(Reason::TooLarge, limits::HEADER_BYTES));
    }
    Ok(())
}

/// `text` without optional white space around it (RFC 9110, section 5.6.3), and its offset.
pub(super) fn trim(text: &[u8]) -> (&[u8], usize) {
    let is_content = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let start = text.iter().position(is_content).unwrap_or(text.len());
    let end = text.iter().rposition(is_content).map_or(start, |last| last + 1);
    (text.get(start..end).unwrap_or_default(), start)
}
