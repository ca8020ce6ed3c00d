//! `base64-pem`: a PEM text in base64.
#![no_main]

use clientcert::{Encoding, decode::base64};
use clientcert_fuzz::{assert_is_pem, header, mutate_inside_base64, trimmed};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|value: &[u8]| {
    if let Some(ders) = header(value, Encoding::Base64Pem) {
        let text = base64::decode(trimmed(value)).expect("what it was decoded from");
        assert_is_pem(&text, &ders);
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_inside_base64(data, size, max_size, seed)
});
