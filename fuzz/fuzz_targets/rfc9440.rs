//! `rfc9440`: the Byte Sequence of `Client-Cert`.
#![no_main]

use clientcert::{Encoding, decode::encode};
use clientcert_fuzz::{header, slices, trimmed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    if let Some(ders) = header(value, Encoding::Rfc9440) {
        assert_eq!(ders.len(), 1);
        assert_eq!(trimmed(value), encode::header(&slices(&ders), Encoding::Rfc9440).as_bytes());
    }
});
