//! `encode`: any bytes as one to ten certificates, in any encoding and back; the first byte says how many, and which.
#![no_main]

use clientcert::decode::{self, encode};
use clientcert::{Encoding, limits};
use clientcert_fuzz::{ENCODINGS, of_one_element, slices};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, content)) = data.split_first() else { return };
    let encoding = ENCODINGS[usize::from(*first) % ENCODINGS.len()];
    let count = 1 + usize::from(*first) / ENCODINGS.len() % limits::CERTIFICATES;
    let mut ders: Vec<Vec<u8>> = content.chunks(content.len().div_ceil(count).max(1)).map(octet_string).collect();
    let value = encode::header(&slices(&ders), encoding);
    // What a field value may have (RFC 9110, section 5.5).
    assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    if matches!(encoding, Encoding::Rfc9440 | Encoding::HexDer) {
        ders.truncate(1);
    }
    let decoded = match encoding {
        Encoding::Xfcc => of_one_element(value.as_bytes(), limits::CERTIFICATES),
        _ => decode::certificates(value.as_bytes(), encoding, limits::CERTIFICATES),
    };
    assert_eq!(decoded.ok().unwrap_or_default(), ders);
});

/// The content as an OCTET STRING: something with a length that can be read.
fn octet_string(content: &[u8]) -> Vec<u8> {
    let header = match content.len() {
        length @ 0..=0x7F => vec![0x04, u8::try_from(length).expect("is below 0x80")],
        length @ 0x80..=0xFF => vec![0x04, 0x81, u8::try_from(length).expect("is below 0x100")],
        length => {
            let [high, low] = u16::try_from(length).expect("inputs are shorter").to_be_bytes();
            vec![0x04, 0x82, high, low]
        }
    };
    [header.as_slice(), content].concat()
}
