//! Distinguished names: subject, issuer, and directoryName (RFC 5280, section 4.1.2.4).
//!
//! One place decodes attribute values, each by its own ASN.1 type. Policies compare these values, and
//! what Node.js shows is made of them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::mem;

use super::grouped::{Grouped, Groups};
use super::objects;
use crate::der::{Element, Reader, bit_string, tag};
use crate::error::{DecodeError, Reason};
use crate::limits;

/// One attribute of a distinguished name.
#[derive(Clone, Debug)]
pub struct Attribute<'a> {
    /// The content octets of the type's OBJECT IDENTIFIER.
    pub oid: &'a [u8],
    /// The value as Unicode; of a type that is no string, `#` and its DER in hexadecimal (RFC 4514, section 2.4).
    pub value: Cow<'a, str>,
    /// Whether the value is a string.
    pub is_text: bool,
    /// The value as it is encoded.
    pub encoded: &'a [u8],
    /// Whether it is in the same RDN as the attribute before it.
    pub joined: bool,
}

/// Reads the next element, a Name.
pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<Vec<Attribute<'a>>, DecodeError> {
    let mut attributes = Vec::new();
    walk(reader, |oid, value, joined| {
        let text = text(value.tag, value.content);
        let is_text = text.is_some();
        let value_text = text.unwrap_or_else(|| dump(value).into());
        attributes.push(Attribute { oid, value: value_text, is_text, encoded: value.whole, joined });
    })?;
    Ok(attributes)
}

/// Reads the next element, a Name whose values are all strings, as the object that Node.js makes of it.
pub(super) fn groups<'a>(reader: &mut Reader<'a>) -> Result<Groups<'a>, DecodeError> {
    let mut groups = Grouped::default();
    walk(reader, |oid, value, _| {
        groups.push(objects::short_name(oid), text(value.tag, value.content).unwrap_or_default());
    })?;
    Ok(groups.into_groups())
}

/// Checks that the next element is a Name and returns whether all its values are strings; allocates next to nothing.
pub(super) fn check(reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
    let mut is_text = true;
    walk(reader, |_, value, _| is_text &= !has_no_text(value.tag))?;
    Ok(is_text)
}

/// Checks the content of an RDN.
pub(super) fn check_rdn(rdn: &mut Reader<'_>) -> Result<(), DecodeError> {
    walk_rdn(rdn, &mut 0, &mut |_, _, _| ())
}

/// Calls `visit` with type and value of each attribute, and whether it joins the one before.
fn walk<'a>(reader: &mut Reader<'a>, mut visit: impl FnMut(&'a [u8], &Element<'a>, bool)) -> Result<(), DecodeError> {
    let outer = mem::replace(&mut reader.fault, Reason::Name);
    let result = walk_name(reader, &mut visit);
    reader.fault = outer;
    result
}

fn walk_name<'a>(
    reader: &mut Reader<'a>,
    visit: &mut impl FnMut(&'a [u8], &Element<'a>, bool),
) -> Result<(), DecodeError> {
    let mut rdns = reader.enter(tag::SEQUENCE)?;
    let mut count = 0;
    while !rdns.is_empty() {
        walk_rdn(&mut rdns.enter(tag::SET)?, &mut count, visit)?;
    }
    Ok(())
}

/// Walks the attributes of an RDN; `count` is how many the name has had.
fn walk_rdn<'a>(
    rdn: &mut Reader<'a>,
    count: &mut usize,
    visit: &mut impl FnMut(&'a [u8], &Element<'a>, bool),
) -> Result<(), DecodeError> {
    let mut joined = false;
    while !rdn.is_empty() {
        if *count == limits::NAME_ATTRIBUTES {
            return Err(DecodeError::new(Reason::TooManyNames, rdn.at()));
        }
        *count += 1;
        let mut attribute = rdn.enter(tag::SEQUENCE)?;
        let oid = attribute.oid()?;
        let value = attribute.any()?;
        check_value(&value, attribute.fault).map_err(|fault| DecodeError::new(fault, value.start))?;
        visit(oid, &value, joined);
        attribute.finish()?;
        joined = true;
    }
    Ok(())
}

/// Checks a value as OpenSSL's `ASN1_PRINTABLE` and `x509_name_canon` do.
fn check_value(value: &Element<'_>, fault: Reason) -> Result<(), Reason> {
    let is_valid = match value.tag {
        // Most are ASCII, and that is seen faster.
        tag::UTF8_STRING => value.content.is_ascii() || str::from_utf8(value.content).is_ok(),
        tag::NUMERIC_STRING | tag::PRINTABLE_STRING | tag::T61_STRING | tag::IA5_STRING => true,
        tag::BIT_STRING => bit_string(value.content, fault).map(|_| true)?,
        tag::BMP_STRING | tag::UNIVERSAL_STRING => text(value.tag, value.content).is_some(),
        tag::SET => false,
        other if has_no_text(other) => true,
        // A string in pieces.
        0x20..=0x3F => return Err(Reason::Der),
        _ => false,
    };
    if is_valid { Ok(()) } else { Err(fault) }
}

/// Whether OpenSSL takes a value of this type though it is no string: BIT STRING, SEQUENCE, and what `tag2bit` in
/// its `crypto/asn1/tasn_dec.c` calls unknown. Node.js then shows nothing of the name.
const fn has_no_text(tag: u8) -> bool {
    matches!(tag, tag::BIT_STRING | tag::SEQUENCE | 0x07 | 0x08 | 0x09 | 0x0B | 0x0D | 0x0E | 0x0F | 0x1D)
}

/// The Unicode text of a string; None if it is not valid in its type, or no string type.
fn text(tag: u8, content: &[u8]) -> Option<Cow<'_, str>> {
    match tag {
        tag::UTF8_STRING => str::from_utf8(content).ok().map(Cow::Borrowed),
        // OpenSSL reads all of these as ISO 8859-1, whatever their alphabet should be.
        tag::NUMERIC_STRING | tag::PRINTABLE_STRING | tag::T61_STRING | tag::IA5_STRING => Some(latin1(content)),
        tag::BMP_STRING => match content.as_chunks::<2>() {
            // UCS-2: a surrogate is no character here.
            (units, []) => units.iter().map(|unit| char::from_u32(u16::from_be_bytes(*unit).into())).collect(),
            _ => None,
        },
        tag::UNIVERSAL_STRING => match content.as_chunks::<4>() {
            (units, []) => units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit))).collect(),
            _ => None,
        },
        _ => None,
    }
}

/// The DER of a value in hexadecimal (RFC 4514, section 2.4), as OpenSSL's `do_dump` encodes it anew.
fn dump(value: &Element<'_>) -> String {
    let mut bytes = value.whole.to_vec();
    if let (tag::BIT_STRING, [unused @ 0..=7, ..], Some(last)) = (value.tag, value.content, bytes.last_mut()) {
        *last &= u8::MAX << unused;
    }
    hexadecimal(&bytes)
}

fn hexadecimal(der: &[u8]) -> String {
    let mut text = String::with_capacity(1 + 2 * der.len());
    text.push('#');
    for byte in der {
        let _ = write!(text, "{byte:02X}");
    }
    text
}

/// Reads bytes as ISO 8859-1.
#[must_use]
pub fn latin1(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(ascii) if bytes.is_ascii() => Cow::Borrowed(ascii),
        _ => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// Prints a name as OpenSSL's `X509_NAME_print_ex` with `XN_FLAG_RFC2253`, characters beyond ASCII and
/// control characters unescaped: what Node.js shows of a directoryName.
pub(super) fn rfc2253(attributes: &[Attribute<'_>]) -> String {
    let mut printed = String::new();
    // RFC 2253, section 2.1: the last RDN first; OpenSSL turns the attributes inside an RDN round, too.
    for (at, attribute) in attributes.iter().enumerate().rev() {
        let name = objects::known(attribute.oid);
        printed.push_str(&objects::short_name(attribute.oid));
        printed.push('=');
        match name {
            _ if !attribute.is_text => printed.push_str(&attribute.value),
            Some(_) => escape(&attribute.value, &mut printed),
            // A type without a name has its value in hexadecimal (RFC 2253, section 2.4).
            None => printed.push_str(&hexadecimal(attribute.encoded)),
        }
        if at > 0 {
            printed.push(if attribute.joined { '+' } else { ',' });
        }
    }
    printed
}

/// RFC 2253, section 2.4.
fn escape(value: &str, printed: &mut String) {
    let last = value.chars().count().saturating_sub(1);
    for (at, character) in value.chars().enumerate() {
        let is_special = match character {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => true,
            // OpenSSL takes a lone character for the last one.
            '#' => at == 0 && last > 0,
            ' ' => at == 0 || at == last,
            _ => false,
        };
        if is_special {
            printed.push('\\');
        }
        printed.push(character);
    }
}
