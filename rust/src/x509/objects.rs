//! OBJECT IDENTIFIERs: dotted text, and the names that OpenSSL has for them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use x509_parser::num_bigint::BigUint;

/// The objects of OpenSSL: dotted OID, short name, long name.
static OBJECTS: LazyLock<HashMap<&str, (&str, &str)>> = LazyLock::new(|| {
    rows(include_str!("../../../python/clientcert/_fallback/objects.txt"))
        .filter_map(|row| {
            let mut cells = row.split('\t');
            Some((cells.next()?, (cells.next()?, cells.next()?)))
        })
        .collect()
});

/// What Node.js shows of the OBJECT IDENTIFIER of an attribute type or an access method: its buffer has 80 bytes.
const NAME_CHARACTERS: usize = 79;

/// What Node.js shows of a registeredID or a key purpose: its buffers have 256 bytes.
pub(super) const VALUE_CHARACTERS: usize = 255;

/// The attribute types that nearly every name is made of, by content octets: short name and dotted text.
const fn common(oid: &[u8]) -> Option<(&'static str, &'static str)> {
    Some(match oid {
        b"\x55\x04\x03" => ("CN", "2.5.4.3"),
        b"\x55\x04\x06" => ("C", "2.5.4.6"),
        b"\x55\x04\x07" => ("L", "2.5.4.7"),
        b"\x55\x04\x08" => ("ST", "2.5.4.8"),
        b"\x55\x04\x0a" => ("O", "2.5.4.10"),
        b"\x55\x04\x0b" => ("OU", "2.5.4.11"),
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01" => ("emailAddress", "1.2.840.113549.1.9.1"),
        b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19" => ("DC", "0.9.2342.19200300.100.1.25"),
        b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01" => ("UID", "0.9.2342.19200300.100.1.1"),
        _ => return None,
    })
}

/// The lines of a data file without its comments.
pub(super) fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#'))
}

/// The dotted text of an attribute type's content octets.
#[must_use]
pub fn attribute_type(oid: &[u8]) -> Cow<'static, str> {
    common(oid).map_or_else(|| dotted(oid).into(), |(_, dotted)| dotted.into())
}

/// The dotted text of an OBJECT IDENTIFIER's content octets (X.690, section 8.19), arcs of any size.
#[must_use]
pub fn dotted(oid: &[u8]) -> String {
    let mut text = String::with_capacity(3 * oid.len());
    for (index, arc) in oid.split_inclusive(|byte| *byte < 0x80).enumerate() {
        let small = arc.iter().try_fold(0u64, |value, byte| Some(value.checked_mul(128)? | u64::from(byte & 0x7F)));
        let big = || arc.iter().fold(BigUint::ZERO, |value, byte| value << 7 | BigUint::from(byte & 0x7F));
        match (index, small) {
            // The first sub-identifier holds two arcs: 40 times the first, which is at most 2, plus the second.
            (0, Some(value)) => {
                let first = (value / 40).min(2);
                push_decimal(&mut text, first);
                text.push('.');
                push_decimal(&mut text, value - 40 * first);
            }
            (0, None) => drop(write!(text, "2.{}", big() - 80u32)),
            (_, Some(value)) => {
                text.push('.');
                push_decimal(&mut text, value);
            }
            (_, None) => drop(write!(text, ".{}", big())),
        }
    }
    text
}

/// Appends a number, in a third of the time that formatting it takes.
fn push_decimal(text: &mut String, mut number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        start -= 1;
        if number == 0 {
            break;
        }
    }
    text.extend(digits.iter().skip(start).copied().map(char::from));
}

/// The dotted text in as many characters as OpenSSL's `OBJ_obj2txt` has room for.
pub(super) fn bounded(oid: &[u8], most: usize) -> String {
    let mut text = dotted(oid);
    text.truncate(most);
    text
}

/// OpenSSL's short name, if it has one.
pub(super) fn known(oid: &[u8]) -> Option<&'static str> {
    common(oid).map(|(short, _)| short).or_else(|| OBJECTS.get(dotted(oid).as_str()).map(|(short, _)| *short))
}

/// OpenSSL's short name, or the dotted text where it has none.
pub(super) fn short_name(oid: &[u8]) -> Cow<'static, str> {
    known(oid).map_or_else(|| Cow::Owned(bounded(oid, NAME_CHARACTERS)), Cow::Borrowed)
}

/// OpenSSL's long name, or the dotted text where it has none.
pub(super) fn long_name(oid: &[u8]) -> Cow<'static, str> {
    let dotted = bounded(oid, NAME_CHARACTERS);
    OBJECTS.get(dotted.as_str()).map_or(Cow::Owned(dotted), |(_, long)| Cow::Borrowed(*long))
}
