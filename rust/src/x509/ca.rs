//! Whether a certificate is one of a CA, as OpenSSL's `X509_check_ca` says.
//!
//! To OpenSSL a certificate is invalid, and so no CA's, if one of the extensions that it decodes before it answers
//! (`crypto/x509/v3_purp.c`, `x509v3_cache_extensions`) does not parse or occurs twice. Each is checked here as far
//! as OpenSSL looks: what follows the structure is ignored.

use super::{name, san};
use crate::der::{Reader, tag};
use crate::error::{DecodeError, Reason};

/// keyCertSign, bit 5 of keyUsage (RFC 5280, section 4.2.1.3).
const KEY_CERT_SIGN: u8 = 0b0000_0100;

/// proxyCertInfo (RFC 3820): no CA has one.
pub(super) const PROXY_CERT_INFO: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x01\x0e";

type Check = fn(&mut Reader<'_>) -> Result<(), DecodeError>;

/// What OpenSSL decodes beside the extensions that must parse in every certificate.
pub(super) const CHECKED: [(&[u8], Check); 7] = [
    (b"\x55\x1d\x0e", |content| content.expect(tag::OCTET_STRING).map(drop)), // subjectKeyIdentifier
    (b"\x55\x1d\x23", authority_key_identifier),
    (b"\x55\x1d\x1e", name_constraints),
    (b"\x55\x1d\x1f", crl_distribution_points),
    (b"\x60\x86\x48\x01\x86\xf8\x42\x01\x01", |content| content.bit_string(tag::BIT_STRING).map(drop)), // nsCertType
    (b"\x2b\x06\x01\x05\x05\x07\x01\x07", ip_address_blocks),
    (b"\x2b\x06\x01\x05\x05\x07\x01\x08", autonomous_system_identifiers),
];

/// BasicConstraints (RFC 5280, section 4.2.1.9): whether the subject is a CA.
pub(super) fn basic_constraints(content: &mut Reader<'_>) -> Result<bool, DecodeError> {
    let mut constraints = content.enter(tag::SEQUENCE)?;
    let mut is_ca = false;
    if constraints.next_is(tag::BOOLEAN) {
        let flag = constraints.any()?;
        let [value] = flag.content else {
            return Err(constraints.out_of_place(flag.start));
        };
        is_ca = *value != 0;
    }
    if !constraints.is_empty() {
        let at = constraints.at();
        // INTEGER (0..MAX)
        if constraints.integer()?.first().is_some_and(|first| *first >= 0x80) {
            return Err(constraints.out_of_place(at));
        }
    }
    constraints.finish()?;
    content.finish()?;
    Ok(is_ca)
}

/// KeyUsage (RFC 5280, section 4.2.1.3): whether the key may sign certificates.
pub(super) fn has_key_cert_sign(content: &mut Reader<'_>) -> Result<bool, DecodeError> {
    let (unused, bits) = content.bit_string(tag::BIT_STRING)?;
    content.finish()?;
    Ok(match bits {
        // OpenSSL clears what the encoder calls unused (`c2i_ASN1_BIT_STRING`).
        [only] => only & KEY_CERT_SIGN & u8::MAX << unused != 0,
        [first, ..] => first & KEY_CERT_SIGN != 0,
        [] => false,
    })
}

/// AuthorityKeyIdentifier (RFC 5280, section 4.2.1.1).
fn authority_key_identifier(content: &mut Reader<'_>) -> Result<(), DecodeError> {
    let mut identifier = content.enter(tag::SEQUENCE)?;
    identifier.optional(0x80)?;
    if let Some(issuer) = identifier.optional(0xA1)? {
        san::check_each(&mut identifier.inside(&issuer))?;
    }
    if !identifier.is_empty() {
        identifier.implicit_integer(0x82)?;
    }
    identifier.finish()
}

/// NameConstraints (RFC 5280, section 4.2.1.10).
fn name_constraints(content: &mut Reader<'_>) -> Result<(), DecodeError> {
    let mut constraints = content.enter(tag::SEQUENCE)?;
    for subtrees in [0xA0, 0xA1] {
        let Some(subtrees) = constraints.optional(subtrees)? else { continue };
        let mut subtrees = constraints.inside(&subtrees);
        while !subtrees.is_empty() {
            let mut subtree = subtrees.enter(tag::SEQUENCE)?;
            san::check(&mut subtree)?;
            for distance in [0x80, 0x81] {
                if subtree.next_is(distance) || subtree.next_is(distance | tag::CONSTRUCTED) {
                    subtree.implicit_integer(distance)?;
                }
            }
            subtree.finish()?;
        }
    }
    constraints.finish()
}

/// CRLDistributionPoints (RFC 5280, section 4.2.1.13), and that each says where or who.
fn crl_distribution_points(content: &mut Reader<'_>) -> Result<(), DecodeError> {
    let mut points = content.enter(tag::SEQUENCE)?;
    let mut is_whole = true;
    while !points.is_empty() {
        let mut point = points.enter(tag::SEQUENCE)?;
        let mut says = false;
        if let Some(wrapped) = point.optional(0xA0)? {
            let mut wrapped = point.inside(&wrapped);
            let name = wrapped.any()?;
            match name.tag {
                0xA0 => drop(san::check_each(&mut wrapped.inside(&name))?),
                0xA1 => name::check_rdn(&mut wrapped.inside(&name))?,
                // OpenSSL reads a primitive SEQUENCE OF or SET OF.
                0x80 | 0x81 => return Err(DecodeError::new(Reason::Der, name.start)),
                _ => return Err(wrapped.out_of_place(name.start)),
            }
            wrapped.finish()?;
            says = true;
        }
        if point.next_is(0x81) || point.next_is(0xA1) {
            point.bit_string(0x81)?;
        }
        if let Some(issuer) = point.optional(0xA2)? {
            says |= san::check_each(&mut point.inside(&issuer))? > 0;
        }
        point.finish()?;
        is_whole &= says;
    }
    if is_whole { Ok(()) } else { Err(content.out_of_place(content.at())) }
}

/// IPAddrBlocks (RFC 3779, section 2.2.3).
fn ip_address_blocks(content: &mut Reader<'_>) -> Result<(), DecodeError> {
    let mut families = content.enter(tag::SEQUENCE)?;
    while !families.is_empty() {
        let mut family = families.enter(tag::SEQUENCE)?;
        family.expect(tag::OCTET_STRING)?;
        inherited_or_listed(&mut family, |address| address.bit_string(tag::BIT_STRING).map(drop))?;
        family.finish()?;
    }
    Ok(())
}

/// ASIdentifiers (RFC 3779, section 3.2.3).
fn autonomous_system_identifiers(content: &mut Reader<'_>) -> Result<(), DecodeError> {
    let mut identifiers = content.enter(tag::SEQUENCE)?;
    for kind in [0xA0, 0xA1] {
        let Some(wrapped) = identifiers.optional(kind)? else { continue };
        let mut wrapped = identifiers.inside(&wrapped);
        inherited_or_listed(&mut wrapped, |number| number.integer().map(drop))?;
        wrapped.finish()?;
    }
    identifiers.finish()
}

/// NULL, which says that the issuer's apply, or a sequence of single values and of ranges of two.
fn inherited_or_listed(reader: &mut Reader<'_>, check: Check) -> Result<(), DecodeError> {
    if reader.next_is(tag::NULL) {
        return reader.open().map(drop);
    }
    let mut listed = reader.enter(tag::SEQUENCE)?;
    while !listed.is_empty() {
        if listed.next_is(tag::SEQUENCE) {
            let mut range = listed.enter(tag::SEQUENCE)?;
            check(&mut range)?;
            check(&mut range)?;
            range.finish()?;
        } else {
            check(&mut listed)?;
        }
    }
    Ok(())
}
