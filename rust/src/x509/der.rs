//! Strict DER (X.690, section 10.1): tag, definite minimal length, content, inside its parent.
//!
//! Offsets are kept because a fault must be reported where it is, and because a certificate is
//! walked once and its fields are read from slices later.

use crate::decode::{DecodeError, Reason, limits};

/// Universal and context-specific tags, as the identifier octet of RFC 5280's modules.
pub(super) mod tag {
    pub(in crate::x509) const BOOLEAN: u8 = 0x01;
    pub(in crate::x509) const INTEGER: u8 = 0x02;
    pub(in crate::x509) const BIT_STRING: u8 = 0x03;
    pub(in crate::x509) const OCTET_STRING: u8 = 0x04;
    pub(in crate::x509) const NULL: u8 = 0x05;
    pub(in crate::x509) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(in crate::x509) const UTF8_STRING: u8 = 0x0C;
    pub(in crate::x509) const NUMERIC_STRING: u8 = 0x12;
    pub(in crate::x509) const PRINTABLE_STRING: u8 = 0x13;
    pub(in crate::x509) const T61_STRING: u8 = 0x14;
    pub(in crate::x509) const IA5_STRING: u8 = 0x16;
    pub(in crate::x509) const UTC_TIME: u8 = 0x17;
    pub(in crate::x509) const GENERALIZED_TIME: u8 = 0x18;
    pub(in crate::x509) const VISIBLE_STRING: u8 = 0x1A;
    pub(in crate::x509) const UNIVERSAL_STRING: u8 = 0x1C;
    pub(in crate::x509) const BMP_STRING: u8 = 0x1E;
    pub(in crate::x509) const SEQUENCE: u8 = 0x30;
    pub(in crate::x509) const SET: u8 = 0x31;
}

/// One element: where it begins, where its content begins, and where it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) start: usize,
    /// Offset of the content.
    pub(super) inner: usize,
    pub(super) content: &'a [u8],
    /// The whole encoding.
    pub(super) whole: &'a [u8],
}

/// Reads the elements inside one parent, in order.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// Offset of `rest` in the certificate.
    at: usize,
    /// What a missing, extra or unexpected element means here.
    pub(super) fault: Reason,
}

impl<'a> Reader<'a> {
    /// Reads `content`, which is at offset `at` of the certificate.
    pub(super) const fn new(content: &'a [u8], at: usize, fault: Reason) -> Self {
        Self { rest: content, at, fault }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Offset of the next element in the certificate.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// All that is left, as bytes.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// A reader for what is inside `element`.
    pub(super) const fn inside(&self, element: &Element<'a>) -> Self {
        Self { rest: element.content, at: element.inner, fault: self.fault }
    }

    /// The error for an element at offset `at` that is not what belongs there.
    pub(super) const fn out_of_place(&self, at: usize) -> DecodeError {
        DecodeError::new(self.fault, at)
    }

    pub(super) fn next_is(&self, tag: u8) -> bool {
        self.rest.first() == Some(&tag)
    }

    /// The next element, whatever it is.
    pub(super) fn any(&mut self) -> Result<Element<'a>, DecodeError> {
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
    pub(super) fn expect(&mut self, tag: u8) -> Result<Element<'a>, DecodeError> {
        let element = self.any()?;
        if element.tag == tag { Ok(element) } else { Err(self.out_of_place(element.start)) }
    }

    /// A reader for what is inside the next element, which must have this tag.
    pub(super) fn enter(&mut self, tag: u8) -> Result<Self, DecodeError> {
        let element = self.expect(tag)?;
        Ok(self.inside(&element))
    }

    /// An INTEGER: at least one byte, and no more than the value needs (X.690, section 8.3.2).
    pub(super) fn integer(&mut self) -> Result<&'a [u8], DecodeError> {
        let element = self.expect(tag::INTEGER)?;
        match element.content {
            [] | [0x00, 0x00..=0x7F, ..] | [0xFF, 0x80..=0xFF, ..] => Err(self.out_of_place(element.start)),
            content => Ok(content),
        }
    }

    /// An OBJECT IDENTIFIER: whole sub-identifiers without padding (X.690, section 8.19.2).
    pub(super) fn oid(&mut self) -> Result<&'a [u8], DecodeError> {
        let element = self.expect(tag::OBJECT_IDENTIFIER)?;
        if is_oid(element.content) { Ok(element.content) } else { Err(self.out_of_place(element.start)) }
    }

    /// A BIT STRING with this tag: the number of bits in its last byte that are unused, and its bytes
    /// (X.690, section 8.6.2).
    pub(super) fn bit_string(&mut self, tag: u8) -> Result<(u8, &'a [u8]), DecodeError> {
        let element = self.expect(tag)?;
        match element.content {
            [0] => Ok((0, &[])),
            [unused @ 0..=7, bits @ ..] if !bits.is_empty() => Ok((*unused, bits)),
            _ => Err(self.out_of_place(element.start)),
        }
    }

    /// Nothing may be left.
    pub(super) const fn finish(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.out_of_place(self.at)) }
    }
}

/// Whether `content` is the content of an OBJECT IDENTIFIER.
pub(super) fn is_oid(content: &[u8]) -> bool {
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
pub fn encoded_length(data: &[u8]) -> Option<usize> {
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
