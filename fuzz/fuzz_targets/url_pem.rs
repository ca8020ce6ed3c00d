//! `url-pem` and `url-pem-aws`: percent-encoded PEM. They differ in what is written, not in what is read.
#![no_main]

use clientcert::{Encoding, decode::percent};
use clientcert_fuzz::{assert_is_pem, header, trimmed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    let ders = header(value, Encoding::UrlPem);
    assert_eq!(ders, header(value, Encoding::UrlPemAws));
    if let Ok(text) = percent::decode(value) {
        let escapes = value.split(|byte| *byte == b'%').count() - 1;
        assert_eq!(text.len() + 2 * escapes, value.len());
        assert!(value.iter().all(u8::is_ascii_graphic));
    }
    if let Some(ders) = ders {
        let text = percent::decode(trimmed(value)).expect("what it was decoded from");
        assert_is_pem(&text, &ders);
    }
});
