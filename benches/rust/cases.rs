//! What is measured, in time and in instructions: each decoder, and the way from DER to fields.
//!
//! Every call of [`Case::run`] does the same work anew: nothing is cached in between. There is no hash in it. What a
//! hash costs is its crate's affair, and depends on the instructions that the processor has for it.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use clientcert::decode::{self, Encoding, encode, pem, xfcc};
use clientcert::x509::{KEYS, NameOf};
use clientcert::{Certificate, DecodeError, parse};

/// The certificates: one for each kind of key.
pub(crate) const CERTIFICATES: [&str; 3] = ["rsa", "ec", "rsa-4096"];

/// Certificates of one value, at most.
const MAX: usize = 10;

/// Something to measure.
pub(crate) struct Case {
    /// The format, or the part of the way.
    pub(crate) group: &'static str,
    /// The certificate, and what is done with it if that is not all.
    pub(crate) name: String,
    run: Box<dyn Fn()>,
}

impl Case {
    /// A case of which every result of `work` is made, and dropped.
    pub(crate) fn new<R>(group: &'static str, name: &str, work: impl Fn() -> R + 'static) -> Self {
        let run = move || drop(black_box(work()));
        Self { group, name: name.to_owned(), run: Box::new(run) }
    }

    /// Does the work, once.
    pub(crate) fn run(&self) {
        (self.run)();
    }
}

/// The DER of a certificate of [`CERTIFICATES`].
pub(crate) fn der(name: &str) -> Vec<u8> {
    let folder = if name == "rsa-4096" { "benches" } else { "tests/captures/pki" };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(name).with_extension("pem");
    pem::certificates(&fs::read(path).unwrap(), 1).unwrap().remove(0)
}

/// Every case that both measure.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for name in CERTIFICATES {
        let der = der(name);
        decoders(name, &der, &mut cases);
        certificate(name, &der, &mut cases);
    }
    cases.push(chain());
    cases
}

/// A header value with the certificate, and the same with a character in the middle that no encoding has.
fn decoders(name: &str, der: &[u8], cases: &mut Vec<Case>) {
    for format in
        ["url-pem", "url-pem-aws", "base64-der", "rfc9440", "pem", "base64-pem", "hex-der", "base64-der-concat"]
    {
        let encoding = Encoding::from_name(format).unwrap();
        let value = encode::header(&[der], encoding);
        let decode = move |value: &[u8]| decode::certificates(value, encoding, MAX);
        decoder(format, name, value.as_bytes(), decode, cases);
    }
    // As Envoy writes it, without `Hash`.
    let cert = encode::header(&[der], Encoding::UrlPem);
    let value = format!("By=spiffe://example.org/proxy;Cert=\"{cert}\";Subject=\"CN=client\"");
    decoder("xfcc", name, value.as_bytes(), xfcc_certificates, cases);
}

fn decoder<E>(
    format: &'static str,
    name: &str,
    value: &[u8],
    decode: impl Fn(&[u8]) -> Result<Vec<Vec<u8>>, E> + Copy + 'static,
    cases: &mut Vec<Case>,
) where
    E: 'static,
{
    let accepted = value.to_vec();
    let mut refused = value.to_vec();
    *refused.get_mut(value.len() / 2).unwrap() = b'!';
    assert!(decode(&accepted).is_ok() && decode(&refused).is_err(), "{format}");
    cases.push(Case::new(format, name, move || decode(&accepted)));
    cases.push(Case::new(format, &format!("{name}, refused"), move || decode(&refused)));
}

/// The certificates of an XFCC value, of all its elements.
pub(crate) fn xfcc_certificates(value: &[u8]) -> Result<Vec<Vec<u8>>, DecodeError> {
    let mut certificates = Vec::new();
    for element in xfcc::elements(value, 1)? {
        certificates.extend(element.certificates(MAX)?.ders);
    }
    Ok(certificates)
}

/// From a header value to three certificates.
fn chain() -> Case {
    let ders = CERTIFICATES.map(der);
    let value = encode::header(&ders.each_ref().map(Vec::as_slice), Encoding::UrlPemAws);
    Case::new("chain", "of three", move || parse::header(value.as_bytes(), Encoding::UrlPemAws, MAX).unwrap())
}

/// The walk on its own, and with what is read after it; each takes the DER, which is copied.
fn certificate(name: &str, der: &[u8], cases: &mut Vec<Case>) {
    let parse = {
        let der = der.to_vec();
        move || Certificate::parse(der.clone()).unwrap()
    };
    cases.push(Case::new("walk", name, parse.clone()));
    let identity = {
        let parse = parse.clone();
        move || {
            let certificate = parse();
            black_box(certificate.field("subject"));
            (certificate.general_names().len(), certificate.validity())
        }
    };
    cases.push(Case::new("identity", name, identity));
    let fields = move || {
        let certificate = parse();
        let names = [NameOf::Subject, NameOf::Issuer].map(|of| certificate.attributes(of).len());
        let is_hashed = |key: &&str| key.starts_with("fingerprint");
        KEYS.iter().filter(|key| !is_hashed(key)).for_each(|key| drop(black_box(certificate.field(key))));
        names
    };
    cases.push(Case::new("fields", name, fields));
}
