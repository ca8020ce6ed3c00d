//! `x509`: a certificate and everything that can be asked of it.
#![no_main]

use std::borrow::Cow;

use clientcert::decode::encode;
use clientcert::x509::{Attribute, Field, GeneralName, KEYS, NameOf, dotted};
use clientcert::{Certificate, Reason, parse};
use clientcert_fuzz::ENCODINGS;
use libfuzzer_sys::fuzz_target;

const SUBJECT_ALT_NAME: &str = "2.5.29.17";
const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const INFO_ACCESS: &str = "1.3.6.1.5.5.7.1.1";
const EXT_KEY_USAGE: &str = "2.5.29.37";

/// Seconds from 1970 to the beginning of the year 0 and to the end of the year 9999.
const YEARS: std::ops::Range<i64> = -62_167_219_200..253_402_300_800;

/// Characters that all fields may have for each byte of the certificate: `87 00`, an iPAddress of no length, is shown as
/// "IP Address:<invalid length=0>, ", twice as long for each byte as anything else.
const EXPANSION: usize = 20;
/// Characters of what has the same length in every certificate: hashes, times, names of curves.
const FIXED: usize = 1000;

/// An attribute has at least three headers and one byte of OBJECT IDENTIFIER, a general name one header.
const ATTRIBUTE_BYTES: usize = 7;
const GENERAL_NAME_BYTES: usize = 2;

fuzz_target!(|der: &[u8]| {
    match Certificate::parse(der.to_vec()) {
        Err(fault) => {
            assert!(fault.at <= der.len());
            assert_eq!(Certificate::parse(der.to_vec()).err(), Some(fault));
        }
        Ok(certificate) => {
            assert_eq!(certificate.der(), der);
            assert_takes_up_all(der);
            let fields = fields(&certificate);
            let again = Certificate::parse(der.to_vec()).expect("it has been parsed before");
            assert_eq!(fields, self::fields(&again));
            assert!(fields.iter().map(|(_, field)| length(field)).sum::<usize>() <= EXPANSION * der.len() + FIXED);
            assert_agrees(&certificate, &fields);
            assert_names(&certificate);
            assert_in_a_header(der);
        }
    }
});

/// Asserts that a byte more is trailing data, and that a byte less is no certificate.
fn assert_takes_up_all(der: &[u8]) {
    let fault = Certificate::parse([der, &[0]].concat()).expect_err("has a byte too many");
    assert_eq!((fault.reason, fault.at), (Reason::TrailingData, der.len()));
    let fault = Certificate::parse(der[..der.len() - 1].to_vec()).expect_err("has a byte too few");
    assert_eq!((fault.reason, fault.at), (Reason::Der, 0));
}

/// Every field, under the keys that the certificate says it has.
fn fields(certificate: &Certificate) -> Vec<(&'static str, Field<'_>)> {
    let fields: Vec<_> = KEYS.into_iter().filter_map(|key| Some((key, certificate.field(key)?))).collect();
    let keys = KEYS.into_iter().filter(|key| certificate.has(key));
    assert!(keys.eq(fields.iter().map(|(key, _)| *key)));
    assert_eq!(certificate.field("issuerCertificate"), None);
    fields
}

fn length(field: &Field<'_>) -> usize {
    let texts = |texts: &[Cow<'_, str>]| texts.iter().map(|text| text.len()).sum::<usize>();
    match field {
        Field::Text(text) => text.len(),
        Field::Bytes(bytes) => bytes.len(),
        Field::List(list) => texts(list),
        Field::Name(groups) | Field::Access(groups) => {
            groups.iter().map(|(key, values)| key.len() + texts(values.as_slice())).sum()
        }
        Field::Flag(_) | Field::Number(_) | Field::Null => 1,
    }
}

/// Asserts that the fields say what the rest of the certificate says.
fn assert_agrees(certificate: &Certificate, fields: &[(&str, Field<'_>)]) {
    let field = |wanted| fields.iter().find(|(key, _)| *key == wanted).map(|(_, field)| field);
    for (key, oid) in
        [("subjectaltname", SUBJECT_ALT_NAME), ("infoAccess", INFO_ACCESS), ("ext_key_usage", EXT_KEY_USAGE)]
    {
        assert_eq!(field(key).is_some(), certificate.extension(oid).is_some());
    }
    if field("ca") == Some(&Field::Flag(true)) {
        assert!(certificate.extension(BASIC_CONSTRAINTS).is_some());
    }
    let is_text = |of| certificate.attributes(of).iter().all(|attribute: &Attribute<'_>| attribute.is_text);
    assert_eq!(field("subject").is_some(), is_text(NameOf::Subject));
    assert_eq!(field("issuer").is_some(), is_text(NameOf::Issuer));
    assert_eq!(field("raw"), Some(&Field::Bytes(certificate.der().into())));
    assert_times(certificate, [field("valid_from"), field("valid_to")]);
    assert_is_inside(certificate.der(), certificate.spki());
}

/// Asserts that what has a moment is shown as one, and that the moment has a year that can be written.
fn assert_times(certificate: &Certificate, shown: [Option<&Field<'_>>; 2]) {
    let is_shown = shown.map(|time| *time.expect("is always there") != Field::Text("Bad time value".into()));
    match certificate.validity() {
        Ok((not_before, not_after)) => {
            assert_eq!(is_shown, [true, true]);
            assert!(YEARS.contains(&not_before) && YEARS.contains(&not_after));
        }
        Err(fault) => {
            assert_ne!(is_shown, [true, true]);
            assert_eq!(fault.reason, Reason::Time);
            assert!(fault.at < certificate.der().len());
        }
    }
}

/// Asserts that there are no more names than there is room for, and that each is in the certificate.
fn assert_names(certificate: &Certificate) {
    let der = certificate.der();
    for of in [NameOf::Subject, NameOf::Issuer] {
        assert_attributes(der, &certificate.attributes(of));
    }
    let names = certificate.general_names();
    let content = certificate.extension(SUBJECT_ALT_NAME).unwrap_or_default();
    assert!(names.len() * GENERAL_NAME_BYTES <= content.len());
    for name in &names {
        match name {
            GeneralName::Other(oid, value) => {
                assert_is_inside(content, oid);
                assert_is_inside(content, value);
            }
            GeneralName::Email(text) | GeneralName::Dns(text) | GeneralName::Uri(text) => {
                assert_is_inside(content, text);
            }
            GeneralName::Ip(bytes) | GeneralName::Registered(bytes) => assert_is_inside(content, bytes),
            GeneralName::Directory(attributes) => assert_attributes(content, attributes),
            GeneralName::X400 | GeneralName::EdiParty => {}
        }
    }
}

fn assert_attributes(der: &[u8], attributes: &[Attribute<'_>]) {
    assert!(attributes.len() * ATTRIBUTE_BYTES <= der.len());
    assert!(attributes.first().is_none_or(|attribute| !attribute.joined));
    for attribute in attributes {
        assert_is_inside(der, attribute.oid);
        assert_is_inside(der, attribute.encoded);
        assert!(dotted(attribute.oid).split('.').all(|arc| arc.bytes().all(|digit| digit.is_ascii_digit())));
    }
}

/// Asserts that `part` is a part of `whole` and no copy.
fn assert_is_inside(whole: &[u8], part: &[u8]) {
    assert!(part.is_empty() || whole.as_ptr_range().contains(&part.as_ptr()));
    assert!(part.is_empty() || part.as_ptr_range().end <= whole.as_ptr_range().end);
}

/// Asserts that the certificate is the same after it has been in a header.
fn assert_in_a_header(der: &[u8]) {
    let encoding = ENCODINGS[der.len() % ENCODINGS.len()];
    let value = encode::header(&[der], encoding);
    let certificates = parse::header(value.as_bytes(), encoding, 1).expect("it has been parsed before");
    assert!(certificates.iter().map(Certificate::der).eq([der]));
}
