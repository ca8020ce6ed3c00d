//! `GeneralName` (RFC 5280, section 4.2.1.6): subject alternative names, and what access methods point to.
//!
//! Two views of the same decoded name: the typed one, which policies compare, and Node.js's text
//! (`src/crypto/crypto_common.cc`, `PrintGeneralName`), which quotes whatever could be taken for
//! something else.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::name::{self, Attribute};
use super::objects;
use crate::der::{Element, Reader, oid, tag};
use crate::error::{DecodeError, Reason};
use crate::limits;

/// One name, by the choice of `GeneralName`.
#[derive(Clone, Debug)]
pub enum GeneralName<'a> {
    /// otherName: the content octets of its type-id, and the DER of its value.
    Other(&'a [u8], &'a [u8]),
    /// rfc822Name, an IA5String.
    Email(&'a [u8]),
    /// dNSName, an IA5String.
    Dns(&'a [u8]),
    /// x400Address, which nobody uses; OpenSSL does not look at its content.
    X400,
    /// directoryName.
    Directory(Vec<Attribute<'a>>),
    /// ediPartyName, which nobody uses; its content is checked and not kept.
    EdiParty,
    /// uniformResourceIdentifier, an IA5String.
    Uri(&'a [u8]),
    /// iPAddress, in network byte order, of any length.
    Ip(&'a [u8]),
    /// registeredID, the content octets of the OBJECT IDENTIFIER.
    Registered(&'a [u8]),
}

/// Reads the content of a subjectAltName extension: `GeneralNames`, all of it.
pub(super) fn read_all<'a>(content: &mut Reader<'a>) -> Result<Vec<GeneralName<'a>>, DecodeError> {
    let mut names = Vec::new();
    let mut sequence = content.enter(tag::SEQUENCE)?;
    while !sequence.is_empty() {
        names.push(read(&mut sequence)?);
    }
    content.finish()?;
    Ok(names)
}

/// Checks what [`read_all`] reads, and how much it is, and allocates nothing.
pub(super) fn check_all(content: &mut Reader<'_>) -> Result<(), DecodeError> {
    let mut sequence = content.enter(tag::SEQUENCE)?;
    let mut count = 0;
    while !sequence.is_empty() {
        if count == limits::SUBJECT_ALT_NAMES {
            return Err(DecodeError::new(Reason::TooManyNames, sequence.at()));
        }
        check(&mut sequence)?;
        count += 1;
    }
    content.finish()
}

/// Checks what is left of a `GeneralNames`; returns how many there are.
pub(super) fn check_each(sequence: &mut Reader<'_>) -> Result<usize, DecodeError> {
    let mut count = 0;
    while !sequence.is_empty() {
        check(sequence)?;
        count += 1;
    }
    Ok(count)
}

/// Checks the next element, a `GeneralName`.
pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    let element = reader.any()?;
    if element.tag == 0xA4 {
        let mut inside = reader.inside(&element);
        name::check(&mut inside)?;
        return inside.finish();
    }
    choice(reader, &element).map(drop)
}

/// Reads the next element, a `GeneralName`.
pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<GeneralName<'a>, DecodeError> {
    let element = reader.any()?;
    choice(reader, &element)
}

fn choice<'a>(reader: &Reader<'a>, element: &Element<'a>) -> Result<GeneralName<'a>, DecodeError> {
    let content = element.content;
    Ok(match element.tag {
        0xA0 => {
            let mut other = reader.inside(element);
            let type_id = other.oid()?;
            let mut wrapped = other.enter(0xA0)?;
            other.finish()?;
            let value = wrapped.rest();
            wrapped.open()?;
            wrapped.finish()?;
            GeneralName::Other(type_id, value)
        }
        0x81 => GeneralName::Email(content),
        0x82 => GeneralName::Dns(content),
        0xA3 => GeneralName::X400,
        0xA4 => {
            let mut inside = reader.inside(element);
            let attributes = name::read(&mut inside)?;
            inside.finish()?;
            GeneralName::Directory(attributes)
        }
        0xA5 => {
            edi_party_name(&mut reader.inside(element))?;
            GeneralName::EdiParty
        }
        0x86 => GeneralName::Uri(content),
        0x87 => GeneralName::Ip(content),
        0x88 => {
            oid(content, reader.fault).map_err(|fault| DecodeError::new(fault, element.start))?;
            GeneralName::Registered(content)
        }
        // A string in pieces.
        0xA1 | 0xA2 | 0xA6 | 0xA7 => return Err(DecodeError::new(Reason::Der, element.start)),
        _ => return Err(reader.out_of_place(element.start)),
    })
}

/// `EDIPartyName`: `DirectoryString`s in explicit tags, the first optional.
fn edi_party_name(party: &mut Reader<'_>) -> Result<(), DecodeError> {
    for tag in [0xA0, 0xA1] {
        if tag == 0xA0 && !party.next_is(tag) {
            continue;
        }
        let mut wrapped = party.enter(tag)?;
        let string = wrapped.open()?;
        match string.tag {
            tag::UTF8_STRING | tag::PRINTABLE_STRING | tag::T61_STRING | tag::UNIVERSAL_STRING | tag::BMP_STRING => {}
            _ => return Err(wrapped.out_of_place(string.start)),
        }
        wrapped.finish()?;
    }
    party.finish()
}

/// The address in an iPAddress, if it has the length of one.
#[must_use]
pub fn ip_address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::V4(Ipv4Addr::from(bytes)));
    }
    <[u8; 16]>::try_from(bytes).ok().map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)))
}

/// The names in a subjectAltName extension as Node.js joins them.
pub(super) fn print_all(content: &mut Reader<'_>) -> Result<String, DecodeError> {
    let mut sequence = content.enter(tag::SEQUENCE)?;
    let mut printed = String::with_capacity(2 * sequence.rest().len());
    while !sequence.is_empty() {
        if !printed.is_empty() {
            printed.push_str(", ");
        }
        print(&read(&mut sequence)?, &mut printed);
    }
    Ok(printed)
}

/// One name as Node.js prints it.
pub(super) fn print(name: &GeneralName<'_>, out: &mut String) {
    match name {
        GeneralName::Dns(value) => print_prefixed("DNS:", value, out),
        GeneralName::Email(value) => print_prefixed("email:", value, out),
        GeneralName::Uri(value) => print_prefixed("URI:", value, out),
        GeneralName::Directory(attributes) => {
            out.push_str("DirName:");
            print_text(&name::rfc2253(attributes), is_safe_utf8, "", out);
        }
        GeneralName::Ip(bytes) => print_ip(bytes, out),
        GeneralName::Registered(oid) => {
            let _ = write!(out, "Registered ID:{}", objects::bounded(oid, objects::VALUE_CHARACTERS));
        }
        GeneralName::Other(type_id, value) => print_other(type_id, value, out),
        GeneralName::X400 => out.push_str("X400Name:<unsupported>"),
        GeneralName::EdiParty => out.push_str("EdiPartyName:<unsupported>"),
    }
}

fn print_prefixed(prefix: &str, value: &[u8], out: &mut String) {
    out.push_str(prefix);
    print_text(&name::latin1(value), is_safe_latin1, "", out);
}

fn print_ip(bytes: &[u8], out: &mut String) {
    out.push_str("IP Address:");
    match ip_address(bytes) {
        Some(IpAddr::V4(address)) => {
            let _ = write!(out, "{address}");
        }
        // Node.js does not shorten: eight groups, without leading zeros.
        Some(IpAddr::V6(address)) => {
            let groups: Vec<String> = address.segments().iter().map(|group| format!("{group:X}")).collect();
            out.push_str(&groups.join(":"));
        }
        None => {
            let _ = write!(out, "<invalid length={}>", bytes.len());
        }
    }
}

/// otherName in the format of OpenSSL's `GENERAL_NAME_print`, for the types that it knows.
fn print_other(type_id: &[u8], value: &[u8], out: &mut String) {
    let (prefix, string) = match objects::dotted(type_id).as_str() {
        "1.3.6.1.5.5.7.8.9" => ("SmtpUTF8Mailbox:", tag::UTF8_STRING),
        "1.3.6.1.5.5.7.8.5" => ("XmppAddr:", tag::UTF8_STRING),
        "1.3.6.1.4.1.311.20.2.3" => ("UPN:", tag::UTF8_STRING),
        "1.3.6.1.5.5.7.8.8" => ("NAIRealm:", tag::UTF8_STRING),
        "1.3.6.1.5.5.7.8.7" => ("SRVName:", tag::IA5_STRING),
        _ => ("", tag::NULL),
    };
    out.push_str("othername:");
    match content(value, string) {
        Some(text) if string == tag::UTF8_STRING => {
            print_text(&String::from_utf8_lossy(text), is_safe_utf8, prefix, out);
        }
        Some(text) if string == tag::IA5_STRING => print_text(&name::latin1(text), is_safe_latin1, prefix, out),
        _ => out.push_str("<unsupported>"),
    }
}

/// The content of an element with this tag.
fn content(der: &[u8], tag: u8) -> Option<&[u8]> {
    let mut reader = Reader::new(der, 0, Reason::Extension);
    reader.expect(tag).ok().map(|element| element.content)
}

/// Prints `text` as it is if every character is safe, and JSON-quoted otherwise.
fn print_text(text: &str, is_safe: fn(char) -> bool, prefix: &str, out: &mut String) {
    if text.chars().all(|character| is_safe(character) && !matches!(character, '"' | '\\' | ',' | '\'')) {
        out.push_str(prefix);
        out.push_str(text);
        return;
    }
    out.push('"');
    out.push_str(prefix);
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            // Escaped only for those who split the whole string at commas.
            ',' => out.push_str("\\u002c"),
            safe if is_safe(safe) => out.push(safe),
            other => {
                let _ = write!(out, "\\u{:04x}", u32::from(other));
            }
        }
    }
    out.push('"');
}

const fn is_safe_latin1(character: char) -> bool {
    matches!(character, ' '..='~')
}

const fn is_safe_utf8(character: char) -> bool {
    !matches!(character, '\0'..'\u{20}' | '\u{7F}')
}
