//! `hex-der`: a certificate in hexadecimal.
#![no_main]

use clientcert::{Encoding, decode::encode};
use clientcert_fuzz::{header, slices, trimmed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    if let Some(ders) = header(value, Encoding::HexDer) {
        assert_eq!(ders.len(), 1);
        let encoded = encode::header(&slices(&ders), Encoding::HexDer);
        assert!(trimmed(value).eq_ignore_ascii_case(encoded.as_bytes()));
    }
});
