//! Envoy's `x-forwarded-client-cert`: elements, and the pairs of each.
//!
//! One proxy adds one element. `Cert`, `Chain` and `Subject` are quoted; `By`, `Hash`, `URI` and
//! `DNS` are written as they are, with no escaping at all, so that a name in the client's own
//! certificate can end its pair and begin another: nothing but the certificate in `Cert` or `Chain`
//! may decide who the client is, and the number of elements must be the expected one.
//!
//! Not accepted: keys that Envoy does not write, repeated `Hash`, `Cert`, `Chain` or `Subject`, open
//! or misplaced quotes, a backslash at the end of a value.

use memchr::{memchr2, memchr3};
use sha2::{Digest, Sha256};

use super::{hex, pem, runs};
use crate::error::{DecodeError, Reason};

/// A value, without its quotes, and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    /// The bytes as the proxy wrote them: nothing is unescaped.
    pub text: &'a [u8],
    /// Offset of the first byte, after the quote if there is one.
    pub at: usize,
}

/// The pairs of one element.
#[derive(Debug, Default)]
pub struct Element<'a> {
    /// The URI names of the proxy's own certificate.
    pub by: Vec<Value<'a>>,
    /// The SHA-256 of the client's certificate.
    pub hash: Option<Value<'a>>,
    /// The client's certificate, in percent-encoded PEM.
    pub cert: Option<Value<'a>>,
    /// The client's certificate and those that came with it, in percent-encoded PEM.
    pub chain: Option<Value<'a>>,
    /// The subject of the client's certificate (RFC 2253).
    pub subject: Option<Value<'a>>,
    /// The URI names of the client's certificate.
    pub uri: Vec<Value<'a>>,
    /// The DNS names of the client's certificate.
    pub dns: Vec<Value<'a>>,
}

/// The certificates of one element.
#[derive(Debug)]
pub struct Certificates {
    /// The DER of the client's and of those after it; empty if there is neither `Cert` nor `Chain`.
    pub ders: Vec<Vec<u8>>,
    /// `Hash`: where there is a certificate, the SHA-256 of the first.
    pub sha256: Option<Vec<u8>>,
}

impl Element<'_> {
    /// Returns the certificates in `Cert` and `Chain`.
    ///
    /// # Errors
    ///
    /// [`Reason::XfccHash`] for a `Hash` that is no SHA-256, the faults of [`pem::percent_encoded`],
    /// [`Reason::XfccChain`] where `Chain` does not begin with `Cert`, and [`Reason::XfccHash`] where
    /// `Hash` is not the SHA-256 of the client's certificate.
    pub fn certificates(&self, max: usize) -> Result<Certificates, DecodeError> {
        let sha256 = self.hash.map(sha256).transpose()?;
        let decode =
            |value: Value<'_>, max| pem::percent_encoded(value.text, max).map_err(|error| error.after(value.at));
        let cert = self.cert.map(|value| decode(value, 1)).transpose()?;
        let chain = self.chain.map(|value| decode(value, max)).transpose()?;
        if let (Some(value), Some(cert), Some(chain)) = (self.chain, &cert, &chain)
            && cert.first() != chain.first()
        {
            return Err(DecodeError::new(Reason::XfccChain, value.at));
        }
        let ders = chain.or(cert).unwrap_or_default();
        if let (Some(value), Some(digest), Some(first)) = (self.hash, &sha256, ders.first())
            && *digest != Sha256::digest(first).as_slice()
        {
            return Err(DecodeError::new(Reason::XfccHash, value.at));
        }
        Ok(Certificates { ders, sha256 })
    }
}

/// The digest in a `Hash`.
fn sha256(value: Value<'_>) -> Result<Vec<u8>, DecodeError> {
    let digest = hex::decode(value.text).ok().filter(|digest| digest.len() == <Sha256 as Digest>::output_size());
    digest.ok_or(DecodeError::new(Reason::XfccHash, value.at))
}

/// Returns the elements of a value, the oldest hop first.
///
/// # Errors
///
/// The first fault of the grammar, reading from left to right.
pub fn elements(text: &[u8], max: usize) -> Result<Vec<Element<'_>>, DecodeError> {
    let is_text = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
    let length = runs::leading(text, is_text);
    if length < text.len() {
        return Err(DecodeError::new(Reason::Character, length));
    }
    let mut scanner = Scanner { text, at: 0 };
    let mut elements = Vec::new();
    loop {
        if elements.len() == max {
            return Err(DecodeError::new(Reason::TooManyElements, scanner.at));
        }
        scanner.skip_space();
        let mut element = Element::default();
        loop {
            scanner.pair(&mut element)?;
            match scanner.next() {
                Some(b';') => {}
                Some(_) => break,
                None => {
                    elements.push(element);
                    return Ok(elements);
                }
            }
        }
        elements.push(element);
    }
}

/// A place in a text.
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// The bytes up to the first that `find` finds, or to the end.
    fn until(&mut self, find: impl Fn(&[u8]) -> Option<usize>) -> &'a [u8] {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = find(rest).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Reads `key=value` into `element`, and stops at what follows it: `,`, `;` or the end.
    fn pair(&mut self, element: &mut Element<'a>) -> Result<(), DecodeError> {
        let start = self.at;
        let key = self.until(|rest| rest.iter().position(|byte| b"=,;\"".contains(byte))).to_ascii_lowercase();
        if self.next() != Some(b'=') {
            return Err(DecodeError::new(Reason::XfccPair, start));
        }
        let (once, many) = match key.as_slice() {
            b"by" => (None, Some(&mut element.by)),
            b"hash" => (Some(&mut element.hash), None),
            b"cert" => (Some(&mut element.cert), None),
            b"chain" => (Some(&mut element.chain), None),
            b"subject" => (Some(&mut element.subject), None),
            b"uri" => (None, Some(&mut element.uri)),
            b"dns" => (None, Some(&mut element.dns)),
            _ => return Err(DecodeError::new(Reason::XfccKey, start)),
        };
        if once.as_ref().is_some_and(|value| value.is_some()) {
            return Err(DecodeError::new(Reason::XfccRepeated, start));
        }
        let value = if self.peek() == Some(b'"') { self.quoted()? } else { self.unquoted()? };
        if let Some(once) = once {
            *once = Some(value);
        }
        if let Some(many) = many {
            many.push(value);
        }
        Ok(())
    }

    fn quoted(&mut self) -> Result<Value<'a>, DecodeError> {
        let open = self.at;
        self.at += 1;
        loop {
            self.until(|rest| memchr2(b'"', b'\\', rest));
            let stop = self.at;
            match self.next() {
                None => return Err(DecodeError::new(Reason::XfccQuote, open)),
                Some(b'"') => {
                    if !matches!(self.peek(), None | Some(b',' | b';')) {
                        return Err(DecodeError::new(Reason::XfccQuote, self.at));
                    }
                    let text = self.text.get(open + 1..stop).unwrap_or_default();
                    return Ok(Value { text, at: open + 1 });
                }
                // A backslash takes the next byte with it, so that `\"` does not close.
                Some(_) => {
                    if self.next().is_none() {
                        return Err(DecodeError::new(Reason::XfccEscape, stop));
                    }
                }
            }
        }
    }

    fn unquoted(&mut self) -> Result<Value<'a>, DecodeError> {
        let at = self.at;
        let text = self.until(|rest| memchr3(b',', b';', b'"', rest));
        if self.peek() == Some(b'"') {
            return Err(DecodeError::new(Reason::XfccQuote, self.at));
        }
        if text.ends_with(b"\\") {
            return Err(DecodeError::new(Reason::XfccEscape, self.at - 1));
        }
        Ok(Value { text, at })
    }
}
