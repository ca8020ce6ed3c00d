//! `url-pem` and `url-pem-aws`: percent-encoded PEM. They differ in what is written, not in what is read.
#![no_main]

use clientcert::{Encoding, decode::percent};
use clientcert_fuzz::{assert_is_pem, header, trimmed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    let ders = header(value, Encoding::UrlPem);
    assert_eq!(ders, header(value, Encoding::UrlPemAws));
    if let Ok(text) = percent::decode(value) {
        assert!(value.iter().all(u8::is_ascii_graphic));
        assert_eq!(text, percent_decoded(value));
    }
    if let Some(ders) = ders {
        let text = percent::decode(trimmed(value)).expect("what it was decoded from");
        assert_is_pem(&text, &ders);
    }
});

/// The same by another way, for what is percent-encoded.
fn percent_decoded(value: &[u8]) -> Vec<u8> {
    let mut parts = str::from_utf8(value).expect("is ASCII").split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned().into_bytes();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        assert!(digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        decoded.push(u8::from_str_radix(digits, 16).expect("are digits"));
        decoded.extend(rest.bytes());
    }
    decoded
}
