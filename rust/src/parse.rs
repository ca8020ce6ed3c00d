//! Header text, PEM and DER to certificates: [`crate::decode`], then [`crate::x509`].

use std::collections::HashSet;

use crate::decode::{self, Encoding, field, pem, xfcc};
use crate::error::{DecodeError, Reason};
use crate::x509::{Certificate, GeneralName};

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
    /// The URI names of the client's certificate, as they are written: those of `certificates`, if there are any.
    pub uri: Vec<String>,
    /// The DNS names of the client's certificate, likewise.
    pub dns: Vec<String>,
}

/// Returns the certificates in a header value, the end-entity first; there is at least one.
///
/// # Errors
///
/// The first fault: of the text at its offset in `value`, of a certificate at its offset in the DER.
pub fn header(value: &[u8], encoding: Encoding, max: usize) -> Result<Vec<Certificate>, DecodeError> {
    if encoding != Encoding::Xfcc {
        return parse_all(decode::certificates(value, encoding, max)?);
    }
    let mut elements = xfcc(value, 1, max)?;
    match elements.pop().map(|element| element.certificates) {
        Some(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(DecodeError::new(Reason::NoCertificate, 0)),
    }
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
/// As [`header`], and [`Reason::XfccNames`] where `URI` or `DNS` are not the names of the certificate beside them.
pub fn xfcc(value: &[u8], max_elements: usize, max: usize) -> Result<Vec<XfccElement>, DecodeError> {
    let (text, start) = field::value(value)?;
    let elements = xfcc::elements(text, max_elements).map_err(|error| error.after(start))?;
    elements
        .iter()
        .map(|element| {
            let xfcc::Certificates { ders, sha256 } = element.certificates(max).map_err(|error| error.after(start))?;
            let mut certificates = parse_all(ders)?;
            if let Some(first) = certificates.first_mut() {
                first.set_sha256(sha256);
                check_names(element, first).map_err(|error| error.after(start))?;
            }
            Ok(xfcc_element(element, certificates))
        })
        .collect()
}

/// Checks that `URI` and `DNS`, where they are there, are the subject alternative names of the certificate.
fn check_names(element: &xfcc::Element<'_>, certificate: &Certificate) -> Result<(), DecodeError> {
    let names = certificate.general_names();
    let uris = names.iter().filter_map(|name| if let GeneralName::Uri(text) = name { Some(*text) } else { None });
    let dns = names.iter().filter_map(|name| if let GeneralName::Dns(text) = name { Some(*text) } else { None });
    check_same(&element.uri, uris)?;
    check_same(&element.dns, dns)
}

/// Checks that the values of one key, if there are any, are these names and no others.
///
/// Envoy writes all names of a kind since 1.22 (before, the first URI), and `URI=` where there is none. It escapes
/// nothing, so a delimiter in a name cuts it: what is left may be another name of the certificate, and only the whole
/// name, which is missing then, shows the cut.
fn check_same<'a>(values: &[xfcc::Value<'a>], names: impl Iterator<Item = &'a [u8]>) -> Result<(), DecodeError> {
    let Some(first) = values.first() else { return Ok(()) };
    let is_there = |name: &&[u8]| !name.is_empty();
    let names: HashSet<&[u8]> = names.filter(is_there).collect();
    let written: HashSet<&[u8]> = values.iter().map(|value| value.text).filter(is_there).collect();
    match values.iter().find(|value| is_there(&value.text) && !names.contains(value.text)) {
        Some(value) => Err(DecodeError::new(Reason::XfccNames, value.at)),
        None if written.len() < names.len() => Err(DecodeError::new(Reason::XfccNames, first.at)),
        None => Ok(()),
    }
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
