//! Chain headers: the List of `Client-Cert-Chain`; in every other encoding, they are as the header of the certificate.
#![no_main]

use clientcert::{Encoding, decode};
use clientcert_fuzz::{ENCODINGS, MOST, decoded, trimmed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    for encoding in ENCODINGS.into_iter().filter(|encoding| *encoding != Encoding::Rfc9440) {
        assert_eq!(decode::chain(value, encoding, MOST), decode::certificates(value, encoding, MOST));
    }
    if let Some(ders) = decoded(value, |value, most| decode::chain(value, Encoding::Rfc9440, most)) {
        let members: Vec<&[u8]> = value.split(|byte| *byte == b',').map(trimmed).collect();
        assert_eq!(members.len(), ders.len());
        for (member, der) in members.iter().zip(ders) {
            assert_eq!(decode::certificates(member, Encoding::Rfc9440, MOST), Ok(vec![der]));
        }
    }
});
