//! `authorityInfoAccess` (RFC 5280, section 4.2.2.1) as the object that Node.js makes of it.

use super::grouped::{Grouped, Groups};
use super::{objects, san};
use crate::der::{Reader, tag};
use crate::error::DecodeError;

/// Checks the content of an authorityInfoAccess extension, and allocates nothing.
pub(super) fn check(content: &mut Reader<'_>) -> Result<(), DecodeError> {
    let mut descriptions = content.enter(tag::SEQUENCE)?;
    while !descriptions.is_empty() {
        let mut description = descriptions.enter(tag::SEQUENCE)?;
        description.oid()?;
        san::check(&mut description)?;
        description.finish()?;
    }
    Ok(())
}

/// Reads the content of an authorityInfoAccess extension: each `method - kind` with its locations.
pub(super) fn read(content: &mut Reader<'_>) -> Result<Groups<'static>, DecodeError> {
    let mut printed = String::new();
    let mut descriptions = content.enter(tag::SEQUENCE)?;
    while !descriptions.is_empty() {
        let mut description = descriptions.enter(tag::SEQUENCE)?;
        let method = description.oid()?;
        let location = san::read(&mut description)?;
        description.finish()?;
        if !printed.is_empty() {
            printed.push('\n');
        }
        printed.push_str(&objects::long_name(method));
        printed.push_str(" - ");
        san::print(&location, &mut printed);
    }
    // OpenSSL ignores what follows, and so does Node.js.
    Ok(split(&printed))
}

/// Node.js prints the locations one a line and takes the text apart again
/// (`lib/internal/tls/common.js`, `translatePeerCertificate`): what follows the first colon is the
/// value, JSON if it begins with a quote.
fn split(printed: &str) -> Groups<'static> {
    let mut access = Grouped::default();
    for line in printed.split('\n') {
        let Some((key, value)) = line.split_once(':') else { continue };
        access.push(key.to_owned().into(), unquote(value).into());
    }
    access.into_groups()
}

/// Undoes the quoting of `san::print`, the only JSON that there is here.
fn unquote(value: &str) -> String {
    let Some(quoted) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted.chars();
    while let Some(character) = rest.next() {
        let escaped = if character == '\\' { rest.next() } else { None };
        match escaped {
            None => text.push(character),
            Some('u') => {
                let code = rest.by_ref().take(4).fold(0, |code, digit| code << 4 | digit.to_digit(16).unwrap_or(0));
                text.extend(char::from_u32(code));
            }
            Some(character) => text.push(character),
        }
    }
    text
}
