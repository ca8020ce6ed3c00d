//! Distinguished names: subject, issuer, and directoryName (RFC 5280, section 4.1.2.4).
//!
//! One place decodes attribute values, each by its own ASN.1 type. Policies compare these values, and
//! what Node.js shows is made of them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::mem;

use super::objects;
use crate::der::{Element, Reader, tag};
use crate::error::{DecodeError, Reason};

/// One attribute of a distinguished name.
#[derive(Clone, Debug)]
pub struct Attribute<'a> {
    /// The content octets of the type's OBJECT IDENTIFIER.
    pub oid: &'a [u8],
    /// The value as Unicode.
    pub value: Cow<'a, str>,
    /// The value as it is encoded.
    pub encoded: &'a [u8],
    /// Whether it is in the same RDN as the attribute before it.
    pub joined: bool,
}

/// Reads the next element, a Name.
pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<Vec<Attribute<'a>>, DecodeError> {
    let mut attributes = Vec::new();
    walk(reader, |oid, value, joined| {
        attributes.push(Attribute { oid, value: text(value.tag, value.content)?, encoded: value.whole, joined });
        Some(())
    })?;
    Ok(attributes)
}

/// Checks that the next element is a Name; allocates nothing.
pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    walk(reader, |_, value, _| is_text(value.tag, value.content).then_some(()))
}

/// Calls `visit` with type and value of each attribute, and whether it joins the one before; its None is a fault.
fn walk<'a>(
    reader: &mut Reader<'a>,
    visit: impl FnMut(&'a [u8], &Element<'a>, bool) -> Option<()>,
) -> Result<(), DecodeError> {
    let outer = mem::replace(&mut reader.fault, Reason::Name);
    let result = walk_name(reader, visit);
    reader.fault = outer;
    result
}

fn walk_name<'a>(
    reader: &mut Reader<'a>,
    mut visit: impl FnMut(&'a [u8], &Element<'a>, bool) -> Option<()>,
) -> Result<(), DecodeError> {
    let mut rdns = reader.enter(tag::SEQUENCE)?;
    while !rdns.is_empty() {
        let set = rdns.expect(tag::SET)?;
        if set.content.is_empty() {
            return Err(rdns.out_of_place(set.start));
        }
        let mut rdn = rdns.inside(&set);
        let mut joined = false;
        while !rdn.is_empty() {
            let mut attribute = rdn.enter(tag::SEQUENCE)?;
            let oid = attribute.oid()?;
            let value = attribute.any()?;
            visit(oid, &value, joined).ok_or(attribute.out_of_place(value.start))?;
            attribute.finish()?;
            joined = true;
        }
    }
    Ok(())
}

/// Whether `content` is valid in the string type `tag`, which `text` then decodes.
fn is_text(tag: u8, content: &[u8]) -> bool {
    match tag {
        tag::UTF8_STRING => str::from_utf8(content).is_ok(),
        tag::NUMERIC_STRING | tag::PRINTABLE_STRING | tag::T61_STRING | tag::IA5_STRING | tag::VISIBLE_STRING => true,
        _ => text(tag, content).is_some(),
    }
}

/// The Unicode text of a string; None if it is not valid in its type, or no string type.
fn text(tag: u8, content: &[u8]) -> Option<Cow<'_, str>> {
    match tag {
        tag::UTF8_STRING => str::from_utf8(content).ok().map(Cow::Borrowed),
        // OpenSSL reads all of these as ISO 8859-1, whatever their alphabet should be.
        tag::NUMERIC_STRING | tag::PRINTABLE_STRING | tag::T61_STRING | tag::IA5_STRING | tag::VISIBLE_STRING => {
            Some(latin1(content))
        }
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

/// Reads bytes as ISO 8859-1.
#[must_use]
pub fn latin1(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(ascii) if ascii.is_ascii() => Cow::Borrowed(ascii),
        _ => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// Prints a name as OpenSSL's `X509_NAME_print_ex` with `XN_FLAG_RFC2253`, characters beyond ASCII and
/// control characters unescaped: what Node.js shows of a directoryName.
pub(super) fn rfc2253(attributes: &[Attribute<'_>]) -> String {
    let mut printed = String::new();
    // RFC 2253, section 2.1: the last RDN first; OpenSSL turns the attributes inside an RDN round, too.
    for (at, attribute) in attributes.iter().enumerate().rev() {
        if let Some(name) = objects::known(attribute.oid) {
            let _ = write!(printed, "{name}=");
            escape(&attribute.value, &mut printed);
        } else {
            // A type without a name has its value in hexadecimal (RFC 2253, section 2.4).
            let _ = write!(printed, "{}=#", objects::dotted(attribute.oid));
            for byte in attribute.encoded {
                let _ = write!(printed, "{byte:02X}");
            }
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
