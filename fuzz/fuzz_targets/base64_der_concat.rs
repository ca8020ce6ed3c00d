//! `base64-der-concat`: certificates one after the other, all in one base64 text.
#![no_main]

use clientcert::{Encoding, decode::encode};
use clientcert_fuzz::{header, mutate_inside_base64, slices, trimmed};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|value: &[u8]| {
    if let Some(ders) = header(value, Encoding::Base64DerConcat) {
        assert_eq!(trimmed(value), encode::header(&slices(&ders), Encoding::Base64DerConcat).as_bytes());
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_inside_base64(data, size, max_size, seed)
});
