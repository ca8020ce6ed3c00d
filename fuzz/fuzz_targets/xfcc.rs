//! `xfcc`: every byte of a header that is accepted is a value, or what belongs between two of them; names are those of
//! the certificate.
#![no_main]

use std::collections::BTreeSet;

use clientcert::decode::xfcc::{self, Element, Value};
use clientcert::parse::{self, XfccElement};
use clientcert::x509::GeneralName;
use clientcert::{Certificate, Encoding, Reason};
use clientcert_fuzz::{MOST, decoded, of_one_element, trimmed};
use libfuzzer_sys::fuzz_target;

const KEYS: [&[u8]; 7] = [b"by", b"hash", b"cert", b"chain", b"subject", b"uri", b"dns"];

fuzz_target!(|value: &[u8]| {
    let ders = decoded(value, of_one_element);
    if let Ok(certificates) = parse::header(value, Encoding::Xfcc, MOST) {
        let parsed = certificates.iter().map(|certificate| certificate.der().to_vec()).collect();
        assert_eq!(Some(parsed), ders);
    }
    let value = trimmed(value);
    match xfcc::elements(value, MOST) {
        Err(fault) => assert!(fault.at <= value.len()),
        Ok(elements) => {
            assert!((1..=MOST).contains(&elements.len()));
            let fewer = xfcc::elements(value, elements.len() - 1).map(drop).map_err(|fault| fault.reason);
            assert_eq!(fewer, Err(Reason::TooManyElements));
            assert_is_all_of(value, &elements);
            assert_is_parsed(value, &elements);
        }
    }
});

/// Asserts that between the values there is nothing but the end of one pair and the beginning of the next.
fn assert_is_all_of(text: &[u8], elements: &[Element<'_>]) {
    let mut commas = 0;
    let mut at = 0;
    for element in elements {
        let mut values = values(element);
        values.sort_by_key(|value| value.at);
        for (number, value) in values.iter().enumerate() {
            let (separator, key, open) = gap(&text[at..value.at]);
            let expected: &[u8] = match (at, number) {
                (0, _) => b"",
                (_, 0) => b",",
                _ => b";",
            };
            assert_eq!(separator, expected);
            commas += usize::from(separator == b",");
            assert!(KEYS.iter().any(|known| known.eq_ignore_ascii_case(key)));
            assert_eq!(text[value.at..][..value.text.len()], *value.text);
            at = value.at + value.text.len();
            if open {
                assert_eq!(text[at], b'"');
                at += 1;
            } else {
                assert!(!value.text.iter().any(|byte| matches!(byte, b'"' | b',' | b';')));
            }
        }
    }
    assert_eq!(at, text.len());
    assert_eq!(commas, elements.len() - 1);
}

/// The separator that a pair begins with, its key, and whether its value is quoted.
fn gap(text: &[u8]) -> (&[u8], &[u8], bool) {
    let (separator, pair) = text.split_at(usize::from(matches!(text, [b',' | b';', ..])));
    let (pair, open) = pair.strip_suffix(b"\"").map_or((pair, false), |pair| (pair, true));
    let key = pair.strip_suffix(b"=").expect("a key ends in an equals sign");
    let begins_element = separator != b";";
    let spaces = key.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    (separator, if begins_element { &key[spaces..] } else { key }, open)
}

fn values<'a>(element: &Element<'a>) -> Vec<Value<'a>> {
    let once = [element.hash, element.cert, element.chain, element.subject];
    let many = [&element.by, &element.uri, &element.dns];
    once.into_iter().flatten().chain(many.into_iter().flatten().copied()).collect()
}

/// Asserts that the elements have these values also where their certificates are read.
fn assert_is_parsed(text: &[u8], elements: &[Element<'_>]) {
    let Ok(parsed) = parse::xfcc(text, MOST, MOST) else { return };
    assert_eq!(parsed.len(), elements.len());
    for (parsed, element) in parsed.iter().zip(elements) {
        let is_same = |texts: &[String], values: &[Value<'_>]| {
            assert!(texts.iter().map(String::as_bytes).eq(values.iter().map(|value| value.text)));
        };
        is_same(&parsed.by, &element.by);
        is_same(&parsed.uri, &element.uri);
        is_same(&parsed.dns, &element.dns);
        assert_eq!(parsed.hash.as_deref().map(str::as_bytes), element.hash.map(|value| value.text));
        assert_eq!(parsed.subject.as_deref().map(str::as_bytes), element.subject.map(|value| value.text));
        assert_eq!(parsed.certificates.is_empty(), element.cert.is_none() && element.chain.is_none());
        if let Some(certificate) = parsed.certificates.first() {
            assert_has_names(parsed, certificate);
        }
    }
}

/// Asserts that the names beside a certificate, where there are any, are all of its own.
fn assert_has_names(parsed: &XfccElement, certificate: &Certificate) {
    let uri = |name: &GeneralName<'_>| if let GeneralName::Uri(text) = *name { Some(text.to_vec()) } else { None };
    let dns = |name: &GeneralName<'_>| if let GeneralName::Dns(text) = *name { Some(text.to_vec()) } else { None };
    let is_same = |written: &[String], names: BTreeSet<Vec<u8>>| {
        let values: BTreeSet<Vec<u8>> = written.iter().map(|text| text.clone().into_bytes()).collect();
        let blank = BTreeSet::from([Vec::new()]);
        assert!(written.is_empty() || &values - &blank == &names - &blank);
    };
    is_same(&parsed.uri, certificate.general_names().iter().filter_map(uri).collect());
    is_same(&parsed.dns, certificate.general_names().iter().filter_map(dns).collect());
}
