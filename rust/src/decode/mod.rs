//! Header value to DER: the text of each encoding, and nothing of X.509.
//!
//! Every decoder takes the bytes of a value and returns the DER of each certificate in it, or the
//! first fault with its offset in that value.

pub mod base64;
pub mod concatenated;
pub mod encode;
pub mod field;
pub mod hex;
pub mod pem;
pub mod percent;
pub mod rfc9440;
mod runs;
mod usual_pem;
pub mod xfcc;

use memchr::memchr_iter;

use crate::error::{DecodeError, Reason};

/// How a proxy writes certificates into a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Percent-encoded PEM, everything but unreserved characters encoded (nginx).
    UrlPem,
    /// Percent-encoded PEM with `+`, `=` and `/` as they are (AWS).
    UrlPemAws,
    /// Envoy's `x-forwarded-client-cert`.
    Xfcc,
    /// base64 of the DER, several separated by commas.
    Base64Der,
    /// RFC 9440 Byte Sequence.
    Rfc9440,
    /// PEM with its line ends replaced by white space (Apache, nginx's `$ssl_client_cert`).
    Pem,
    /// base64 of a PEM text.
    Base64Pem,
    /// Hexadecimal DER.
    HexDer,
    /// base64 of several DER encodings one after the other (`HAProxy`'s chain).
    Base64DerConcat,
}

impl Encoding {
    /// The encoding with this public name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "url-pem" => Self::UrlPem,
            "url-pem-aws" => Self::UrlPemAws,
            "xfcc" => Self::Xfcc,
            "base64-der" => Self::Base64Der,
            "rfc9440" => Self::Rfc9440,
            "pem" => Self::Pem,
            "base64-pem" => Self::Base64Pem,
            "hex-der" => Self::HexDer,
            "base64-der-concat" => Self::Base64DerConcat,
            _ => return None,
        })
    }
}

/// Returns the DER of each certificate in a header value, the end-entity first; there is at least one.
///
/// # Errors
///
/// The first fault of the text, at its offset in `value`. For XFCC, which is no list of certificates,
/// [`Reason::NoCertificate`]: [`xfcc::elements`] reads it.
pub fn certificates(value: &[u8], encoding: Encoding, max: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    let (text, start) = field::value(value)?;
    match encoding {
        Encoding::UrlPem | Encoding::UrlPemAws => pem::percent_encoded(text, max),
        Encoding::Xfcc => return Err(DecodeError::new(Reason::NoCertificate, 0)),
        Encoding::Base64Der => members(text, max, base64::decode),
        Encoding::Rfc9440 => rfc9440::certificate(text).map(|der| vec![der]),
        Encoding::Pem => pem::certificates(text, max),
        Encoding::Base64Pem => pem::base64_encoded(text, max),
        Encoding::HexDer => hex::decode(text).map(|der| vec![der]),
        Encoding::Base64DerConcat => concatenated::certificates(text, max),
    }
    .map_err(|error| error.after(start))
}

/// Returns the DER of each certificate in a chain header.
///
/// # Errors
///
/// As [`certificates`].
pub fn chain(value: &[u8], encoding: Encoding, max: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    if encoding == Encoding::Rfc9440 {
        let (text, start) = field::value(value)?;
        return members(text, max, rfc9440::certificate).map_err(|error| error.after(start));
    }
    certificates(value, encoding, max)
}

/// Decodes the members of a list that is separated by commas, with optional white space.
fn members(
    text: &[u8],
    max: usize,
    decode: impl Fn(&[u8]) -> Result<Vec<u8>, DecodeError>,
) -> Result<Vec<Vec<u8>>, DecodeError> {
    let mut certificates = Vec::new();
    let mut at = 0;
    // Neither base64 nor a Byte Sequence contains a comma, so splitting first loses nothing.
    for end in memchr_iter(b',', text).chain([text.len()]) {
        let part = text.get(at..end).unwrap_or_default();
        if certificates.len() == max {
            return Err(DecodeError::new(Reason::TooManyCertificates, at));
        }
        let (member, indent) = field::trim(part);
        certificates.push(decode(member).map_err(|error| error.after(at + indent))?);
        at = end + 1;
    }
    Ok(certificates)
}
