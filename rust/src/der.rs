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
    pub(crate) const ENUMERATED: u8 = 0x0A;
    pub(crate) const UTF8_STRING: u8 = 0x0C;
    pub(crate) const NUMERIC_STRING: u8 = 0x12;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const T61_STRING: u8 = 0x14;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const UNIVERSAL_STRING: u8 = 0x1C;
    pub(crate) const BMP_STRING: u8 = 0x1E;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;

    /// The bit of a constructed encoding (X.690, section 8.1.2.5).
    pub(crate) const CONSTRUCTED: u8 = 0x20;
}

/// The bits of an identifier octet whose tag number is in the octets that follow (X.690, section 8.1.2.4).
const HIGH_TAG_NUMBER: u8 = 0x1F;

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
    #[inline]
    pub(crate) fn any(&mut self) -> Result<Element<'a>, DecodeError> {
        // Nearly all are short. Inlined, so that nothing is kept of them that the caller does not look at.
        if let [tag, length @ 0..0x80, ..] = *self.rest
            && tag & HIGH_TAG_NUMBER != HIGH_TAG_NUMBER
            && let Some((whole @ [_, _, content @ ..], rest)) = self.rest.split_at_checked(2 + usize::from(length))
        {
            let element = Element { tag, start: self.at, inner: self.at + 2, content, whole };
            self.rest = rest;
            self.at += whole.len();
            return Ok(element);
        }
        self.any_length()
    }

    /// The next element, of any length.
    fn any_length(&mut self) -> Result<Element<'a>, DecodeError> {
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
    ///
    /// OpenSSL reads a string in pieces and a primitive SEQUENCE OF: neither is DER (X.690, sections 8.10 and 10.2).
    #[inline]
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, DecodeError> {
        let element = self.any()?;
        match element.tag {
            found if found == tag => Ok(element),
            found if found == tag ^ tag::CONSTRUCTED => Err(DecodeError::new(Reason::Der, element.start)),
            _ => Err(self.out_of_place(element.start)),
        }
    }

    /// The next element if it has this tag, which may not be in the other encoding.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, DecodeError> {
        if self.next_is(tag) || self.next_is(tag ^ tag::CONSTRUCTED) { self.expect(tag).map(Some) } else { Ok(None) }
    }

    /// The next element, an ANY: OpenSSL decodes what has a universal type.
    pub(crate) fn open(&mut self) -> Result<Element<'a>, DecodeError> {
        let element = self.any()?;
        check_content(&element, self.fault).map_err(|fault| DecodeError::new(fault, element.start))?;
        Ok(element)
    }

    /// A reader for what is inside the next element, which must have this tag.
    #[inline]
    pub(crate) fn enter(&mut self, tag: u8) -> Result<Self, DecodeError> {
        let element = self.expect(tag)?;
        Ok(self.inside(&element))
    }

    /// An INTEGER: at least one byte, and no more than the value needs (X.690, section 8.3.2).
    pub(crate) fn integer(&mut self) -> Result<&'a [u8], DecodeError> {
        self.implicit_integer(tag::INTEGER)
    }

    /// An INTEGER with this tag.
    pub(crate) fn implicit_integer(&mut self, tag: u8) -> Result<&'a [u8], DecodeError> {
        let element = self.expect(tag)?;
        if is_integer(element.content) { Ok(element.content) } else { Err(self.out_of_place(element.start)) }
    }

    /// An OBJECT IDENTIFIER: whole sub-identifiers without padding (X.690, section 8.19.2).
    pub(crate) fn oid(&mut self) -> Result<&'a [u8], DecodeError> {
        let element = self.expect(tag::OBJECT_IDENTIFIER)?;
        match oid(element.content, self.fault) {
            Ok(()) => Ok(element.content),
            Err(fault) => Err(DecodeError::new(fault, element.start)),
        }
    }

    /// A BIT STRING with this tag: the number of bits in its last byte that are unused, and its bytes.
    pub(crate) fn bit_string(&mut self, tag: u8) -> Result<(u8, &'a [u8]), DecodeError> {
        let element = self.expect(tag)?;
        bit_string(element.content, self.fault).map_err(|fault| DecodeError::new(fault, element.start))
    }

    /// Nothing may be left.
    pub(crate) const fn finish(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.out_of_place(self.at)) }
    }
}

/// Checks the content of an element of a universal type: what OpenSSL does not decode is `fault`.
fn check_content(element: &Element<'_>, fault: Reason) -> Result<(), Reason> {
    let content = element.content;
    let is_valid = match element.tag {
        tag::BOOLEAN => content.len() == 1,
        tag::INTEGER | tag::ENUMERATED => is_integer(content),
        tag::BIT_STRING => {
            let (unused, bits) = bit_string(content, fault)?;
            return if has_zero_padding(unused, bits) { Ok(()) } else { Err(Reason::Der) };
        }
        tag::NULL => content.is_empty(),
        tag::OBJECT_IDENTIFIER => return oid(content, fault),
        tag::UNIVERSAL_STRING => content.len().is_multiple_of(4),
        tag::BMP_STRING => content.len().is_multiple_of(2),
        tag::SEQUENCE | tag::SET => true,
        // SEQUENCE and SET in the primitive encoding that they do not have.
        0x10 | 0x11 => false,
        // Strings in pieces, and end-of-contents octets.
        0x20..=0x3F => return Err(Reason::Der),
        0x00 if content.is_empty() => return Err(Reason::Der),
        _ => true,
    };
    if is_valid { Ok(()) } else { Err(fault) }
}

/// Whether `content` is the content of an INTEGER.
fn is_integer(content: &[u8]) -> bool {
    !matches!(content, [] | [0x00, 0x00..=0x7F, ..] | [0xFF, 0x80..=0xFF, ..])
}

/// What a BIT STRING's content holds (X.690, section 8.6.2): the number of unused bits, and the bytes.
///
/// OpenSSL lets bits of nothing be unused: that is not DER. What else is wrong is `fault`.
pub(crate) fn bit_string(content: &[u8], fault: Reason) -> Result<(u8, &[u8]), Reason> {
    match content {
        [0] => Ok((0, &[])),
        [1..=7] => Err(Reason::Der),
        [unused @ 0..=7, bits @ ..] => Ok((*unused, bits)),
        _ => Err(fault),
    }
}

/// Whether the unused bits of a BIT STRING are zero, as in DER (X.690, section 11.2.1).
pub(crate) fn has_zero_padding(unused: u8, bits: &[u8]) -> bool {
    bits.last().is_none_or(|last| last & !(u8::MAX << unused) == 0)
}

/// Checks the content of an OBJECT IDENTIFIER: what is wrong with it is `fault`.
///
/// OpenSSL reads one that is longer than the bound: that is [`Reason::Der`].
pub(crate) fn oid(content: &[u8], fault: Reason) -> Result<(), Reason> {
    if content.len() > limits::OID_BYTES {
        return Err(Reason::Der);
    }
    if is_oid(content) { Ok(()) } else { Err(fault) }
}

/// Whether `content` is whole sub-identifiers without padding (X.690, section 8.19.2).
pub(crate) fn is_oid(content: &[u8]) -> bool {
    let mut begins = true;
    for byte in content {
        if begins && *byte == 0x80 {
            return false;
        }
        begins = *byte < 0x80;
    }
    begins && !content.is_empty()
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
        [tag, ..] if tag & HIGH_TAG_NUMBER == HIGH_TAG_NUMBER => None,
        [_, length @ 0..=0x7F, ..] => Some((2, usize::from(*length))),
        [_, 0x81, length @ 0x80..=0xFF, ..] => Some((3, usize::from(*length))),
        [_, 0x82, high @ 1..=0xFF, low, ..] => Some((4, usize::from(u16::from_be_bytes([*high, *low])))),
        [_, 0x83, high @ 1..=0xFF, middle, low, ..] => {
            usize::try_from(u32::from_be_bytes([0, *high, *middle, *low])).ok().map(|length| (5, length))
        }
        // A certificate ends long before; a list of revocations need not.
        [_, 0x84, first @ 1..=0xFF, second, third, last, ..] => {
            usize::try_from(u32::from_be_bytes([*first, *second, *third, *last])).ok().map(|length| (6, length))
        }
        // Longer lengths are beyond every bound here, others are indefinite or not minimal.
        _ => None,
    }
}
