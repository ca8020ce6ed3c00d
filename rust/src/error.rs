//! The one error of the core: what is wrong, and where.

use std::fmt;

/// What is wrong with an input. [`Reason::code`] is public and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// One of the ways to say that there is no certificate.
    NoCertificate,
    /// Longer than the bound in [`crate::limits`].
    TooLarge,
    /// More certificates than the caller allows.
    TooManyCertificates,
    /// More XFCC elements than the caller allows.
    TooManyElements,
    /// More subject alternative names, or attributes of one name, than the bound in [`crate::limits`].
    TooManyNames,
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
    /// An XFCC `URI` or `DNS` that are not the names of the certificate beside them.
    XfccNames,
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
    /// Explicit parameters of an elliptic curve that has no name.
    Curve,
    /// A time that is no time.
    Time,
    /// DER that is not the certificate revocation list of RFC 5280.
    RevocationList,
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
            Self::TooManyNames => "too_many_names",
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
            Self::XfccNames => "xfcc_names",
            Self::Der => "der",
            Self::Certificate => "certificate",
            Self::TrailingData => "trailing_data",
            Self::Name => "name",
            Self::Extension => "extension",
            Self::DuplicateExtension => "duplicate_extension",
            Self::Curve => "curve",
            Self::Time => "time",
            Self::RevocationList => "revocation_list",
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
    pub(crate) const fn after(self, start: usize) -> Self {
        Self { reason: self.reason, at: start + self.at }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at offset {}", self.reason.code(), self.at)
    }
}

impl std::error::Error for DecodeError {}
