//! Envoy's `x-forwarded-client-cert`: elements, and the pairs of each.
//!
//! One proxy adds one element. `Cert`, `Chain` and `Subject` are quoted; `By`, `Hash`, `URI` and
//! `DNS` are written as they are, with no escaping at all, so that a name in the client's own
//! certificate can end its pair and begin another: nothing but the certificate in `Cert` or `Chain`
//! may decide who the client is, and the number of elements must be the expected one.
//!
//! Not accepted: keys that Envoy does not write, repeated `Hash`, `Cert`, `Chain` or `Subject`, open
//! or misplaced quotes, a backslash at the end of a value.

use super::{DecodeError, Reason, field_value, hex, percent};

const SHA256_BYTES: usize = 32;

/// A value, without its quotes, and its offset in the header.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    /// The bytes as the proxy wrote them: nothing is unescaped.
    pub text: &'a [u8],
    /// Offset in the header value of the first byte, after the quote if there is one.
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

impl Element<'_> {
    /// Returns the DER of the client's certificate and of those after it; empty if there is neither
    /// `Cert` nor `Chain`.
    ///
    /// # Errors
    ///
    /// The faults of [`percent::pem`], [`Reason::XfccHash`] for a `Hash` that is no SHA-256, and
    /// [`Reason::XfccChain`] where `Chain` does not begin with `Cert`.
    pub fn certificates(&self, max: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
        if let Some(hash) = self.hash
            && hex::decode(hash.text).map_or(0, |digest| digest.len()) != SHA256_BYTES
        {
            return Err(DecodeError::new(Reason::XfccHash, hash.at));
        }
        let decode = |value: Value<'_>, max| percent::pem(value.text, max).map_err(|error| error.after(value.at));
        let cert = self.cert.map(|value| decode(value, 1)).transpose()?;
        let chain = self.chain.map(|value| decode(value, max)).transpose()?;
        match (self.chain, cert, chain) {
            (Some(value), Some(cert), Some(chain)) if cert.first() != chain.first() => {
                Err(DecodeError::new(Reason::XfccChain, value.at))
            }
            (_, cert, chain) => Ok(chain.or(cert).unwrap_or_default()),
        }
    }
}

/// Returns the elements of a header value, the oldest hop first.
///
/// # Errors
///
/// The first fault of the grammar, reading from left to right.
pub fn elements(value: &[u8], max: usize) -> Result<Vec<Element<'_>>, DecodeError> {
    let (text, start) = field_value(value)?;
    if let Some(at) = text.iter().position(|byte| !matches!(byte, b'\t' | b' '..=b'~')) {
        return Err(DecodeError::new(Reason::Character, start + at));
    }
    let mut scanner = Scanner { value, at: start, end: start + text.len() };
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

/// A place in a header value.
struct Scanner<'a> {
    value: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        if self.at < self.end { self.value.get(self.at).copied() } else { None }
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

    /// The bytes up to the first of `stops`, or to the end.
    fn until(&mut self, stops: &[u8]) -> &'a [u8] {
        let rest = self.value.get(self.at..self.end).unwrap_or_default();
        let length = rest.iter().position(|byte| stops.contains(byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Reads `key=value` into `element`, and stops at what follows it: `,`, `;` or the end.
    fn pair(&mut self, element: &mut Element<'a>) -> Result<(), DecodeError> {
        let start = self.at;
        let key = self.until(b"=,;\"").to_ascii_lowercase();
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
            self.until(b"\"\\");
            let stop = self.at;
            match self.next() {
                None => return Err(DecodeError::new(Reason::XfccQuote, open)),
                Some(b'"') => {
                    if !matches!(self.peek(), None | Some(b',' | b';')) {
                        return Err(DecodeError::new(Reason::XfccQuote, self.at));
                    }
                    let text = self.value.get(open + 1..stop).unwrap_or_default();
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
        let text = self.until(b",;\"");
        if self.peek() == Some(b'"') {
            return Err(DecodeError::new(Reason::XfccQuote, self.at));
        }
        if text.ends_with(b"\\") {
            return Err(DecodeError::new(Reason::XfccEscape, self.at - 1));
        }
        Ok(Value { text, at })
    }
}
