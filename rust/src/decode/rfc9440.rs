//! `Client-Cert` and the members of `Client-Cert-Chain` (RFC 9440).
//!
//! A value is an RFC 8941 Byte Sequence: the DER of one certificate in padded base64 between colons.
//! This module stops at bytes; whether they are a certificate is for [`crate::x509`] to say.
//!
//! Not accepted: parameters (`:…:;a=1`), unpadded or URL-safe base64.

use super::base64;
use crate::error::{DecodeError, Reason};

/// Returns the DER in one Byte Sequence.
///
/// # Errors
///
/// [`Reason::ByteSequence`] where a colon is missing, [`Reason::Base64`] for what is between them.
pub fn certificate(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let Some(digits) = text.strip_prefix(b":") else {
        return Err(DecodeError::new(Reason::ByteSequence, 0));
    };
    let Some(digits) = digits.strip_suffix(b":") else {
        return Err(DecodeError::new(Reason::ByteSequence, text.len()));
    };
    base64::decode(digits).map_err(|error| error.after(1))
}
