//! `base64-der`: certificates in base64, with commas between them.
#![no_main]

use clientcert::{Encoding, decode::encode};
use clientcert_fuzz::{header, trimmed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    if let Some(ders) = header(value, Encoding::Base64Der) {
        let members: Vec<&[u8]> = value.split(|byte| *byte == b',').map(trimmed).collect();
        assert_eq!(members.len(), ders.len());
        for (member, der) in members.iter().zip(&ders) {
            assert_eq!(*member, encode::header(&[der], Encoding::Base64Der).as_bytes());
        }
    }
});
