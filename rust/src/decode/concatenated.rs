//! Several DER encodings, one after the other, in one base64 text (`HAProxy`'s `ssl_c_chain_der`).

use super::base64;
use crate::der;
use crate::error::{DecodeError, Reason};

/// Returns each of several DER encodings that follow one another in base64.
///
/// # Errors
///
/// [`Reason::Base64`], and [`Reason::TooManyCertificates`] at the character that holds the first
/// bits of the first certificate too many.
pub fn certificates(text: &[u8], max: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    let bytes = base64::decode(text)?;
    let mut certificates = Vec::new();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        if certificates.len() == max {
            return Err(DecodeError::new(Reason::TooManyCertificates, base64::origin(bytes.len() - rest.len())));
        }
        // What has no readable length is one certificate, which X.509 will refuse with the reason.
        let (certificate, after) = rest.split_at(der::encoded_length(rest).unwrap_or(rest.len()));
        certificates.push(certificate.to_vec());
        rest = after;
    }
    Ok(certificates)
}
