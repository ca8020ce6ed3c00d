//! How long it takes: each case, and what no decoder can be faster than.
#![allow(clippy::unwrap_used, reason = "what cannot be measured ends the measurement")]

mod cases;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cases::{CERTIFICATES, Case, cases, xfcc_certificates};
use clientcert::decode::{Encoding, base64 as ours, encode};
use criterion::Criterion;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    for case in cases().into_iter().chain(CERTIFICATES.into_iter().flat_map(limit)) {
        criterion.benchmark_group(case.group).bench_function(&case.name, |bencher| bencher.iter(|| case.run()));
    }
    criterion.final_summary();
}

/// What others' code takes for its part, and the decoding of base64 beside it.
fn limit(name: &str) -> Vec<Case> {
    let digits = STANDARD.encode(cases::der(name));
    let with_hash = encode::header(&[&cases::der(name)], Encoding::Xfcc);
    let on_der = |part, work: fn(&[u8]) -> Vec<u8>| {
        let der = cases::der(name);
        Case::new(part, name, move || work(&der))
    };
    vec![
        Case::new("xfcc", &format!("{name}, with its Hash"), move || xfcc_certificates(with_hash.as_bytes())),
        Case::new("base64", name, {
            let digits = digits.clone();
            move || ours::decode(digits.as_bytes())
        }),
        Case::new("the base64 crate", name, move || STANDARD.decode(&digits)),
        on_der("copy", <[u8]>::to_vec),
        on_der("sha1", |der| Sha1::digest(der).to_vec()),
        on_der("sha256", |der| Sha256::digest(der).to_vec()),
        on_der("sha512", |der| Sha512::digest(der).to_vec()),
    ]
}
