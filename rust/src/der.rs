//! Strict DER (X.690, section 10.1): tag, definite minimal length, content, inside its parent.
//!
//! Offsets are kept because a fault must be reported where it is, and because a certificate is
//! walked once and its fields are read from slices later.

use crate::error::{DecodeError, Reason};
use crate::limits;

/// Universal and context-specific tags, as the identifier octet of RFC 5280's modules.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0C;
    pub(crate) const NUMERIC_STRING: u8 = 0x12;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const T61_STRING: u8 = 0x14;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const VISIBLE_STRING: u8 = 0x1A;
    pub(crate) const UNIVERSAL_STRING: u8 = 0x1C;
    pub(crate) const BMP_STRING: u8 = 0x1E;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
}

/// One element: where it begins, where its content begins, and where it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) start: usize,
    /// Offset of the content.
    pub(crate) inner: usize,
    pub(crate) content: &'a [u8],
    /// The whole encoding.
    pub(crate) whole: &'a [u8],
}

/// Reads the elements inside one parent, in order.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Offset of `rest` in the certificate.
    at: usize,
    /// What a missing, extra or unexpected element means here.
    pub(crate) fault: Reason,
}

impl<'a> Reader<'a> {
    /// Reads `content`, which is at offset `at` of the certificate.
    pub(crate) const fn new(content: &'a [u8], at: usize, fault: Reason) -> Self {
        Self { rest: content, at, fault }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Offset of the next element in the certificate.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// All that is left, as bytes.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// A reader for what is inside `element`.
    pub(crate) const fn inside(&self, element: &Element<'a>) -> Self {
        Self { rest: element.content, at: element.inner, fault: self.fault }
    }

    /// The error for an element at offset `at` that is not what belongs there.
    pub(crate) const fn out_of_place(&self, at: usize) -> DecodeError {
        DecodeError::new(self.fault, at)
    }

    pub(crate) fn next_is(&self, tag: u8) -> bool {
        self.rest.first() == Some(&tag)
    }

    /// The next element, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, DecodeError> {
        let Some(&tag) = self.rest.first() else {
            return Err(self.out_of_place(self.at));
        };
        let (whole, header, rest) = header(self.rest)
            .and_then(|(header, length)| {
                let (whole, rest) = self.rest.split_at_checked(header.checked_add(length)?)?;
                Some((whole, header, rest))
            })
            .ok_or(DecodeError::new(Reason::Der, self.at))?;
        let content = whole.get(header..).unwrap_or_default();
        let element = Element { tag, start: self.at, inner: self.at + header, content, whole };
        self.rest = rest;
        self.at += whole.len();
        Ok(element)
    }

    /// The next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, DecodeError> {
        let element = self.any()?;
        if element.tag == tag { Ok(element) } else { Err(self.out_of_place(element.start)) }
    }

    /// A reader for what is inside the next element, which must have this tag.
    pub(crate) fn enter(&mut self, tag: u8) -> Result<Self, DecodeError> {
        let element = self.expect(tag)?;
        Ok(self.inside(&element))
    }

    /// An INTEGER: at least one byte, and no more than the value needs (X.690, section 8.3.2).
    pub(crate) fn integer(&mut self) -> Result<&'a [u8], DecodeError> {
        let element = self.expect(tag::INTEGER)?;
        match element.content {
            [] | [0x00, 0x00..=0x7F, ..] | [0xFF, 0x80..=0xFF, ..] => Err(self.out_of_place(element.start)),
            content => Ok(content),
        }
    }

    /// An OBJECT IDENTIFIER: whole sub-identifiers without padding (X.690, section 8.19.2).
    pub(crate) fn oid(&mut self) -> Result<&'a [u8], DecodeError> {
        let element = self.expect(tag::OBJECT_IDENTIFIER)?;
        if is_oid(element.content) { Ok(element.content) } else { Err(self.out_of_place(element.start)) }
    }

    /// A BIT STRING with this tag: the number of bits in its last byte that are unused, and its bytes
    /// (X.690, section 8.6.2).
    pub(crate) fn bit_string(&mut self, tag: u8) -> Result<(u8, &'a [u8]), DecodeError> {
        let element = self.expect(tag)?;
        match element.content {
            [0] => Ok((0, &[])),
            [unused @ 0..=7, bits @ ..] if !bits.is_empty() => Ok((*unused, bits)),
            _ => Err(self.out_of_place(element.start)),
        }
    }

    /// Nothing may be left.
    pub(crate) const fn finish(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.out_of_place(self.at)) }
    }
}

/// Whether `content` is the content of an OBJECT IDENTIFIER.
pub(crate) fn is_oid(content: &[u8]) -> bool {
    let mut begins = true;
    for byte in content {
        if begins && *byte == 0x80 {
            return false;
        }
        begins = *byte < 0x80;
    }
    begins && !content.is_empty() && content.len() <= limits::OID_BYTES
}

/// The length of the encoding that `data` begins with, if it is inside `data`.
#[must_use]
pub(crate) fn encoded_length(data: &[u8]) -> Option<usize> {
    let (header, length) = header(data)?;
    header.checked_add(length).filter(|&total| total <= data.len())
}

/// The length of the identifier and length octets, and of the content that they announce.
fn header(data: &[u8]) -> Option<(usize, usize)> {
    match data {
        // RFC 5280 has no tag number above 30.
        [tag, ..] if tag & 0x1F == 0x1F => None,
        [_, length @ 0..=0x7F, ..] => Some((2, usize::from(*length))),
        [_, 0x81, length @ 0x80..=0xFF, ..] => Some((3, usize::from(*length))),
        [_, 0x82, high @ 1..=0xFF, low, ..] => Some((4, usize::from(u16::from_be_bytes([*high, *low])))),
        [_, 0x83, high @ 1..=0xFF, middle, low, ..] => {
            usize::try_from(u32::from_be_bytes([0, *high, *middle, *low])).ok().map(|length| (5, length))
        }
        // Longer lengths are beyond every bound here, others are indefinite or not minimal.
        _ => None,
    }
}
