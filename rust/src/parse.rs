//! Header text, PEM and DER to certificates: [`crate::decode`], then [`crate::x509`].

use crate::decode::{self, Encoding, field, pem, xfcc};
use crate::error::{DecodeError, Reason};
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
    let ders = decode::certificates(value, encoding, max)?;
    if ders.is_empty() {
        return Err(DecodeError::new(Reason::NoCertificate, 0));
    }
    parse_all(ders)
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
    field::check_length(text)?;
    parse_all(pem::certificates(text, max)?)
}

/// Returns the elements of an `x-forwarded-client-cert` header, the oldest hop first.
///
/// # Errors
///
/// As [`header`].
pub fn xfcc(value: &[u8], max_elements: usize, max: usize) -> Result<Vec<XfccElement>, DecodeError> {
    let (text, start) = field::value(value)?;
    let elements = xfcc::elements(text, max_elements).map_err(|error| error.after(start))?;
    elements
        .iter()
        .map(|element| {
            let ders = element.certificates(max).map_err(|error| error.after(start))?;
            Ok(xfcc_element(element, parse_all(ders)?))
        })
        .collect()
}

fn xfcc_element(element: &xfcc::Element<'_>, certificates: Vec<Certificate>) -> XfccElement {
    let text = |value: xfcc::Value<'_>| String::from_utf8_lossy(value.text).into_owned();
    let texts = |values: &[xfcc::Value<'_>]| values.iter().copied().map(text).collect();
    XfccElement {
        by: texts(&element.by),
        hash: element.hash.map(text),
        certificates,
        subject: element.subject.map(text),
        uri: texts(&element.uri),
        dns: texts(&element.dns),
    }
}

fn parse_all(ders: Vec<Vec<u8>>) -> Result<Vec<Certificate>, DecodeError> {
    ders.into_iter().map(Certificate::parse).collect()
}
