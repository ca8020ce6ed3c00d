//! The textual encoding of certificates (RFC 7468), strict about all but white space.
//!
//! White space may be anywhere around the blocks and in the base64 (`laxbase64text`, section 3):
//! proxies fold the lines, or replace their ends by spaces. Nothing else may be around a block, and
//! no label but `CERTIFICATE` counts: explanatory text is where a second certificate hides.

use memchr::memchr;

use super::{base64, percent, runs, usual_pem};
use crate::error::{DecodeError, Reason};

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// Returns the DER of each certificate of a PEM text.
///
/// # Errors
///
/// [`Reason::Pem`] for text that is no block, [`Reason::TooManyCertificates`] at the first block too
/// many, [`Reason::Base64`] for a block's content.
pub fn certificates(text: &[u8], max: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    let mut certificates = Vec::new();
    let mut rest = text;
    loop {
        let blank = rest.iter().take_while(|byte| is_space(**byte)).count();
        let (_, block) = rest.split_at(blank);
        if block.is_empty() && !certificates.is_empty() {
            return Ok(certificates);
        }
        let at = text.len() - block.len();
        let Some(body) = block.strip_prefix(BEGIN) else {
            return Err(DecodeError::new(Reason::Pem, at));
        };
        if certificates.len() == max {
            return Err(DecodeError::new(Reason::TooManyCertificates, at));
        }
        // base64 has no hyphen, so the first one ends it.
        let Some(length) = memchr(b'-', body) else {
            return Err(DecodeError::new(Reason::Pem, text.len()));
        };
        let start = at + BEGIN.len();
        let (digits, end) = body.split_at(length);
        let Some(after) = end.strip_prefix(END) else {
            return Err(DecodeError::new(Reason::Pem, start + length));
        };
        certificates.push(content(digits).map_err(|error| error.after(start))?);
        rest = after;
    }
}

/// Returns the DER of each certificate of a PEM text in percent-encoding.
///
/// # Errors
///
/// [`Reason::Percent`], [`Reason::Character`], then the faults of [`certificates`], at the byte of `text`
/// that the byte at fault was decoded from.
pub fn percent_encoded(text: &[u8], max: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    if max > 0
        && let Some(der) = usual_pem::certificate(text)
    {
        return Ok(vec![der]);
    }
    let decoded = percent::decode(text)?;
    certificates(&decoded, max).map_err(|error| DecodeError { at: percent::origin(text, error.at), ..error })
}

/// Returns the DER of each certificate of a PEM text in base64.
///
/// # Errors
///
/// [`Reason::Base64`], and the faults of [`certificates`] at the character that holds the first bits of
/// the byte at fault.
pub fn base64_encoded(text: &[u8], max: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    let decoded = base64::decode(text)?;
    certificates(&decoded, max).map_err(|error| DecodeError { at: base64::origin(error.at), ..error })
}

/// Decodes the base64 between the boundaries, white space and all.
fn content(body: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let decoded = usual_lines(body).and_then(|digits| base64::canonical(&digits));
    decoded.map_or_else(|| content_of_any_layout(body), Ok)
}

/// The lines of a body in which each but the last has 64 characters, as generators write it (section 2), put together.
fn usual_lines(body: &[u8]) -> Option<Vec<u8>> {
    let (first, lines) = body.split_first()?;
    let (lines, last) = lines.as_chunks::<65>();
    let mut digits = Vec::with_capacity(body.len());
    let mut are_usual = is_space(*first);
    for [line @ .., end] in lines {
        digits.extend_from_slice(line);
        are_usual &= is_space(*end);
    }
    digits.extend_from_slice(last.strip_suffix(b"\n").or_else(|| last.strip_suffix(b" ")).unwrap_or(last));
    are_usual.then_some(digits)
}

/// As [`content`], for white space anywhere, and to find the fault.
fn content_of_any_layout(body: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut digits = Vec::with_capacity(body.len() + 16);
    let mut rest = body;
    while let Some((byte, after)) = rest.split_first() {
        if is_space(*byte) {
            rest = after;
            continue;
        }
        // What else is not visible is no digit, either: it is looked at here.
        digits.push(*byte);
        rest = runs::append(&mut digits, after, b'!'..=b'~');
    }
    base64::decode(&digits).map_err(|error| DecodeError { at: origin(body, error.at), ..error })
}

/// The offset in `body` of its digit `at`; its length where it has so many and no more.
fn origin(body: &[u8], mut at: usize) -> usize {
    let mut start = 0;
    for chunk in body.chunks(64) {
        // Without a branch for each, so that many are counted in one instruction.
        let kept = chunk.iter().map(|byte| usize::from(!is_space(*byte))).sum();
        if at < kept {
            let mut digits = chunk.iter().enumerate().filter(|(_, byte)| !is_space(**byte));
            return start + digits.nth(at).map_or(0, |(offset, _)| offset);
        }
        at -= kept;
        start += chunk.len();
    }
    start
}

/// `WSP` and `eol` of the grammar: space, tab, CR, LF.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
