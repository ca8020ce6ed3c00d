//! Header text, PEM and DER to certificates: [`crate::decode`], then [`crate::x509`].

use sha2::{Digest as _, Sha256};

use crate::decode::{self, DecodeError, Encoding, Reason, hex, pem, xfcc};
use crate::x509::Certificate;

/// One element of an `x-forwarded-client-cert` header.
#[derive(Debug)]
pub struct XfccElement {
    /// The URI names of the proxy's own certificate.
    pub by: Vec<String>,
    /// `Hash` as it is written.
    pub hash: Option<String>,
    /// The client's certificate and those that came with it; empty if the element has none.
    pub certificates: Vec<Certificate>,
    /// `Subject` as it is written between the quotes.
    pub subject: Option<String>,
    /// The URI names of the client's certificate, as they are written.
    pub uri: Vec<String>,
    /// The DNS names of the client's certificate, as they are written.
    pub dns: Vec<String>,
}

/// Returns the certificates in a header value, the end-entity first; there is at least one.
///
/// # Errors
///
/// The first fault: of the text at its offset in `value`, of a certificate at its offset in the DER.
pub fn header(value: &[u8], encoding: Encoding, max: usize) -> Result<Vec<Certificate>, DecodeError> {
    if encoding == Encoding::Xfcc {
        let certificates = xfcc(value, 1, max)?.pop().map(|element| element.certificates).unwrap_or_default();
        return if certificates.is_empty() {
            Err(DecodeError::new(Reason::NoCertificate, 0))
        } else {
            Ok(certificates)
        };
    }
    parse_all(decode::certificates(value, encoding, max)?)
}

/// Returns the certificates in a chain header, in its order.
///
/// # Errors
///
/// As [`header`].
pub fn chain_header(value: &[u8], encoding: Encoding, max: usize) -> Result<Vec<Certificate>, DecodeError> {
    parse_all(decode::chain(value, encoding, max)?)
}

/// Returns the certificates of a PEM text; there is at least one.
///
/// # Errors
///
/// As [`header`].
pub fn pem(text: &[u8], max: usize) -> Result<Vec<Certificate>, DecodeError> {
    decode::check_length(text)?;
    parse_all(pem::certificates(text, max)?)
}

/// Returns the elements of an `x-forwarded-client-cert` header, the oldest hop first.
///
/// # Errors
///
/// As [`header`]; [`Reason::XfccHash`] where `Hash` is not the SHA-256 of the element's certificate.
pub fn xfcc(value: &[u8], max_elements: usize, max: usize) -> Result<Vec<XfccElement>, DecodeError> {
    xfcc::elements(value, max_elements)?.iter().map(|element| xfcc_element(element, max)).collect()
}

fn xfcc_element(element: &xfcc::Element<'_>, max: usize) -> Result<XfccElement, DecodeError> {
    let certificates = parse_all(element.certificates(max)?)?;
    if let (Some(hash), Some(first)) = (element.hash, certificates.first())
        && hex::decode(hash.text).is_ok_and(|hash| hash != Sha256::digest(first.der()).as_slice())
    {
        return Err(DecodeError::new(Reason::XfccHash, hash.at));
    }
    let text = |value: xfcc::Value<'_>| String::from_utf8_lossy(value.text).into_owned();
    let texts = |values: &[xfcc::Value<'_>]| values.iter().copied().map(text).collect();
    Ok(XfccElement {
        by: texts(&element.by),
        hash: element.hash.map(text),
        certificates,
        subject: element.subject.map(text),
        uri: texts(&element.uri),
        dns: texts(&element.dns),
    })
}

fn parse_all(ders: Vec<Vec<u8>>) -> Result<Vec<Certificate>, DecodeError> {
    ders.into_iter().map(Certificate::parse).collect()
}
