//! The serial numbers in a certificate revocation list (RFC 5280, section 5.1).
//!
//! A list may have a million entries, and a request asks for one: they are read once, into a set. The rest of the list,
//! its issuer, times, extensions and signature, is for `cryptography`, which reads no entry faster than one by one.
//!
//! Not accepted: an entry with a critical extension. certificateIssuer is one (section 5.3.3): the entry is of
//! another CA than the list. Of any other, nothing here knows what it means.

use std::collections::HashSet;

use crate::der::{Reader, tag};
use crate::error::{DecodeError, Reason};
use crate::limits;

/// Tag of `crlExtensions [0]`.
const EXTENSIONS: u8 = 0xA0;

/// A serial number: its length, then the content of its INTEGER, then zeros.
type Serial = [u8; limits::SERIAL_BYTES + 1];

/// The serial numbers of the certificates that one list revokes.
#[derive(Debug)]
pub struct RevokedSerials {
    serials: HashSet<Serial>,
}

impl RevokedSerials {
    /// Reads the entries of the list whose DER is `der`.
    ///
    /// # Errors
    ///
    /// [`Reason::RevocationList`] for what is no list, [`Reason::Der`] for what is no DER, and [`Reason::Extension`]
    /// for an entry with a critical extension.
    pub fn parse(der: &[u8]) -> Result<Self, DecodeError> {
        let mut outer = Reader::new(der, 0, Reason::RevocationList);
        let mut list = outer.enter(tag::SEQUENCE)?;
        outer.finish()?;
        let mut fields = list.enter(tag::SEQUENCE)?;
        if fields.next_is(tag::INTEGER) {
            fields.integer()?;
        }
        fields.expect(tag::SEQUENCE)?; // signature
        fields.expect(tag::SEQUENCE)?; // issuer
        time(&mut fields)?; // thisUpdate
        if fields.next_is(tag::UTC_TIME) || fields.next_is(tag::GENERALIZED_TIME) {
            fields.any()?; // nextUpdate
        }
        let mut serials = HashSet::new();
        if fields.next_is(tag::SEQUENCE) {
            let mut entries = fields.enter(tag::SEQUENCE)?;
            while !entries.is_empty() {
                serials.insert(entry(&mut entries)?);
            }
        }
        fields.optional(EXTENSIONS)?;
        fields.finish()?;
        Ok(Self { serials })
    }

    /// Whether the list has the serial number with this content of its INTEGER.
    #[must_use]
    pub fn contains(&self, serial: &[u8]) -> bool {
        fixed(serial).is_some_and(|serial| self.serials.contains(&serial))
    }

    /// How many serial numbers the list has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.serials.len()
    }

    /// Whether the list revokes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.serials.is_empty()
    }
}

/// Reads the next of `revokedCertificates`.
fn entry(entries: &mut Reader<'_>) -> Result<Serial, DecodeError> {
    let mut fields = entries.enter(tag::SEQUENCE)?;
    let at = fields.at();
    let serial = fixed(fields.integer()?).ok_or(DecodeError::new(Reason::RevocationList, at))?;
    time(&mut fields)?; // revocationDate
    if fields.next_is(tag::SEQUENCE) {
        let mut extensions = fields.enter(tag::SEQUENCE)?;
        while !extensions.is_empty() {
            let at = extensions.at();
            let mut extension = extensions.enter(tag::SEQUENCE)?;
            extension.oid()?;
            if extension.next_is(tag::BOOLEAN) {
                let critical = extension.any()?;
                if critical.content != [0] {
                    return Err(DecodeError::new(Reason::Extension, at));
                }
            }
            extension.expect(tag::OCTET_STRING)?;
            extension.finish()?;
        }
    }
    fields.finish()?;
    Ok(serial)
}

/// Passes over a Time.
fn time(fields: &mut Reader<'_>) -> Result<(), DecodeError> {
    let at = fields.at();
    match fields.any()?.tag {
        tag::UTC_TIME | tag::GENERALIZED_TIME => Ok(()),
        _ => Err(fields.out_of_place(at)),
    }
}

/// A serial number in the space that each has, or nothing for a longer one.
fn fixed(content: &[u8]) -> Option<Serial> {
    let mut serial = Serial::default();
    let (length, space) = serial.split_first_mut()?;
    *length = u8::try_from(content.len()).ok()?;
    space.get_mut(..content.len())?.copy_from_slice(content);
    Some(serial)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list with the serial numbers 1 and 300, of which the second has an extension as `extension` says.
    fn list(critical: &[u8]) -> Vec<u8> {
        let element = |tag: u8, parts: &[&[u8]]| {
            let content = parts.concat();
            [&[tag, u8::try_from(content.len()).unwrap_or_default()], content.as_slice()].concat()
        };
        let date = element(tag::UTC_TIME, &[b"260101000000Z"]);
        let extension = element(tag::SEQUENCE, &[&[6, 3, 0x55, 0x1D, 0x15], critical, &[4, 3, 0x0A, 1, 1]]);
        let first = element(tag::SEQUENCE, &[&[2, 1, 1], &date]);
        let second = element(tag::SEQUENCE, &[&[2, 2, 1, 44], &date, &element(tag::SEQUENCE, &[&extension])]);
        let entries = element(tag::SEQUENCE, &[&first, &second]);
        let fields = element(tag::SEQUENCE, &[&[0x30, 0], &[0x30, 0], &date, &date, &entries]);
        element(tag::SEQUENCE, &[&fields, &[0x30, 0], &[3, 1, 0]])
    }

    #[test]
    fn the_serial_numbers_of_a_list_are_in_it_and_no_others() {
        assert!(RevokedSerials::parse(&list(&[])).is_ok_and(|revoked| {
            let others: [&[u8]; 4] = [&[1, 0], &[0], &[], &[1; 30]];
            revoked.len() == 2
                && !revoked.is_empty()
                && revoked.contains(&[1])
                && revoked.contains(&[1, 44])
                && !others.iter().any(|serial| revoked.contains(serial))
        }));
    }

    #[test]
    fn an_entry_with_a_critical_extension_refuses_the_list() {
        assert!(RevokedSerials::parse(&list(&[1, 1, 0xFF])).is_err_and(|error| error.reason == Reason::Extension));
    }
}
