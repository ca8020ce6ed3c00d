//! Header value to DER: the text of each encoding, and nothing of X.509.
//!
//! Every decoder takes the bytes of a value and returns the DER of each certificate in it, or the
//! first fault with its offset in that value.

pub mod base64;
pub mod encode;
pub mod hex;
pub mod limits;
pub mod pem;
pub mod percent;
pub mod rfc9440;
pub mod xfcc;

use std::fmt;

/// What is wrong with an input. [`Reason::code`] is public and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// One of the ways to say that there is no certificate.
    NoCertificate,
    /// Longer than the bound in [`limits`].
    TooLarge,
    /// More certificates than the caller allows.
    TooManyCertificates,
    /// More XFCC elements than the caller allows.
    TooManyElements,
    /// A byte that the encoding has no place for.
    Character,
    /// A `%` without two hexadecimal digits.
    Percent,
    /// Not canonical base64.
    Base64,
    /// Not hexadecimal.
    Hex,
    /// Not the textual encoding of certificates.
    Pem,
    /// Not an RFC 8941 Byte Sequence.
    ByteSequence,
    /// An XFCC element that has something other than `key=value` in it.
    XfccPair,
    /// An XFCC key that Envoy does not write.
    XfccKey,
    /// A second `Hash`, `Cert`, `Chain` or `Subject` in an XFCC element.
    XfccRepeated,
    /// An XFCC quote that is open, or where none may be.
    XfccQuote,
    /// An XFCC value that ends in a backslash.
    XfccEscape,
    /// An XFCC `Hash` that is no SHA-256, or not that of the certificate beside it.
    XfccHash,
    /// An XFCC `Chain` that does not begin with `Cert`.
    XfccChain,
    /// An element that is not DER.
    Der,
    /// DER that is not the certificate of RFC 5280.
    Certificate,
    /// Bytes after the certificate.
    TrailingData,
    /// A distinguished name that does not parse.
    Name,
    /// An extension that access decisions rest on, and that does not parse.
    Extension,
    /// A second extension of a kind that access decisions rest on.
    DuplicateExtension,
    /// A time that is no time.
    Time,
}

impl Reason {
    /// The stable code, the `code` of the Python exception.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::TooLarge => "too_large",
            Self::TooManyCertificates => "too_many_certificates",
            Self::TooManyElements => "too_many_elements",
            Self::Character => "character",
            Self::Percent => "percent",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Pem => "pem",
            Self::ByteSequence => "byte_sequence",
            Self::XfccPair => "xfcc_pair",
            Self::XfccKey => "xfcc_key",
            Self::XfccRepeated => "xfcc_repeated",
            Self::XfccQuote => "xfcc_quote",
            Self::XfccEscape => "xfcc_escape",
            Self::XfccHash => "xfcc_hash",
            Self::XfccChain => "xfcc_chain",
            Self::Der => "der",
            Self::Certificate => "certificate",
            Self::TrailingData => "trailing_data",
            Self::Name => "name",
            Self::Extension => "extension",
            Self::DuplicateExtension => "duplicate_extension",
            Self::Time => "time",
        }
    }
}

/// The first fault of an input, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// What is wrong.
    pub reason: Reason,
    /// Offset in bytes: in the header value, or in the certificate's DER for faults of X.509.
    pub at: usize,
}

impl DecodeError {
    /// The fault `reason` at offset `at`.
    #[must_use]
    pub const fn new(reason: Reason, at: usize) -> Self {
        Self { reason, at }
    }

    /// The same fault, of a text that begins at offset `start` of the value.
    const fn after(self, start: usize) -> Self {
        Self { reason: self.reason, at: start + self.at }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at offset {}", self.reason.code(), self.at)
    }
}

impl std::error::Error for DecodeError {}

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

/// The part of a header value without the white space around it, and its offset.
///
/// # Errors
///
/// [`Reason::TooLarge`], and [`Reason::NoCertificate`] for the ways in which proxies say "none".
pub fn field_value(value: &[u8]) -> Result<(&[u8], usize), DecodeError> {
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
fn trim(text: &[u8]) -> (&[u8], usize) {
    let is_content = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let start = text.iter().position(is_content).unwrap_or(text.len());
    let end = text.iter().rposition(is_content).map_or(start, |last| last + 1);
    (text.get(start..end).unwrap_or_default(), start)
}

/// Returns the DER of each certificate in a value of an encoding other than [`Encoding::Xfcc`],
/// whose elements [`xfcc::elements`] reads.
///
/// # Errors
///
/// The first fault of the text, at its offset in `value`.
pub fn certificates(value: &[u8], encoding: Encoding, max: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    let (text, start) = field_value(value)?;
    match encoding {
        Encoding::UrlPem | Encoding::UrlPemAws => percent::pem(text, max),
        Encoding::Base64Der => members(text, max, base64::decode),
        Encoding::Rfc9440 => rfc9440::certificate(text).map(|der| vec![der]),
        Encoding::Pem => pem::certificates(text, max),
        Encoding::Base64Pem => base64::pem(text, max),
        Encoding::HexDer => hex::decode(text).map(|der| vec![der]),
        Encoding::Base64DerConcat => base64::concatenated(text, max),
        Encoding::Xfcc => Err(DecodeError::new(Reason::Character, 0)),
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
        let (text, start) = field_value(value)?;
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
    for part in text.split(|&byte| byte == b',') {
        if certificates.len() == max {
            return Err(DecodeError::new(Reason::TooManyCertificates, at));
        }
        let (member, indent) = trim(part);
        certificates.push(decode(member).map_err(|error| error.after(at + indent))?);
        at += part.len() + 1;
    }
    Ok(certificates)
}
