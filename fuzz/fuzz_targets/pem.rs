//! `pem`: PEM with white space of any kind between its lines, in a header or not.
#![no_main]

use clientcert::{Encoding, decode::pem};
use clientcert_fuzz::{MOST, assert_is_pem, header};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    let ders = header(value, Encoding::Pem);
    assert_eq!(ders, pem::certificates(value, MOST).ok());
    if let Some(ders) = ders {
        assert_is_pem(value, &ders);
    }
});
