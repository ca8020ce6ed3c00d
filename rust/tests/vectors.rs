//! `tests/vectors` against the core, with no Python in the process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clientcert::decode::{self, encode};
use clientcert::x509::Field;
use clientcert::{Certificate, DecodeError, Encoding, limits, parse};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    id: String,
    function: Option<String>,
    encoding: Option<String>,
    max: Option<usize>,
    input: Option<String>,
    der: Option<String>,
    sha256: Option<Vec<String>>,
    elements: Option<Vec<Element>>,
    code: Option<String>,
    offset: Option<usize>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Element {
    by: Vec<String>,
    hash: Option<String>,
    subject: Option<String>,
    uri: Vec<String>,
    dns: Vec<String>,
    sha256: Vec<String>,
}

/// What a vector expects, and what the core gives.
#[derive(Debug, PartialEq)]
enum Outcome {
    Certificates(Vec<String>),
    Elements(Vec<Element>),
    Fault(String, usize),
}

impl Vector {
    fn expected(&mut self) -> Outcome {
        match (self.code.take(), self.elements.take(), self.sha256.take()) {
            (Some(code), None, None) => Outcome::Fault(code, self.offset.unwrap()),
            (None, Some(elements), None) => Outcome::Elements(elements),
            (None, None, Some(digests)) => Outcome::Certificates(digests),
            _ => panic!("{}: one of code, elements and sha256", self.id),
        }
    }

    fn actual(&self) -> Result<Outcome, DecodeError> {
        if let Some(der) = &self.der {
            let certificate = Certificate::parse(STANDARD.decode(der).unwrap())?;
            return Ok(Outcome::Certificates(digests(&[certificate])));
        }
        // The input is latin-1 as text.
        let value: Vec<u8> =
            self.input.as_ref().unwrap().chars().map(|character| u8::try_from(character).unwrap()).collect();
        let encoding = self.encoding.as_deref().map(|name| Encoding::from_name(name).unwrap());
        let max = self.max.unwrap_or(10);
        let certificates = match self.function.as_deref().unwrap_or("parse_header") {
            "parse_header" => parse::header(&value, encoding.unwrap(), max)?,
            "parse_chain_header" => parse::chain_header(&value, encoding.unwrap(), max)?,
            "parse_pem" => parse::pem(&value, max)?,
            "parse_xfcc" => {
                let elements = parse::xfcc(&value, max, 10)?;
                return Ok(Outcome::Elements(elements.into_iter().map(element).collect()));
            }
            function => panic!("{}: no function {function}", self.id),
        };
        Ok(Outcome::Certificates(digests(&certificates)))
    }
}

fn element(element: parse::XfccElement) -> Element {
    let sha256 = digests(&element.certificates);
    Element { by: element.by, hash: element.hash, subject: element.subject, uri: element.uri, dns: element.dns, sha256 }
}

fn digests(certificates: &[Certificate]) -> Vec<String> {
    let hex = |byte: &u8| format!("{byte:02x}");
    certificates.iter().map(|certificate| Sha256::digest(certificate.der()).iter().map(hex).collect()).collect()
}

#[test]
fn every_vector_gives_what_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let file: File = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for mut vector in file.vectors {
            let expected = vector.expected();
            let actual = vector.actual().unwrap_or_else(|error| Outcome::Fault(error.reason.code().into(), error.at));
            assert_eq!(actual, expected, "{}: {}", path.display(), vector.id);
            count += 1;
        }
    }
    assert!(count > 200, "only {count} vectors were found");
}

#[test]
fn a_name_that_no_encoding_has_is_none() {
    assert_eq!(Encoding::from_name("der"), None);
}

#[test]
fn xfcc_is_no_list_of_certificates() {
    let fault = decode::certificates(b"Hash=00", Encoding::Xfcc, 10).unwrap_err();
    assert_eq!((fault.reason.code(), fault.at), ("no_certificate", 0));
}

#[test]
fn a_fault_says_what_it_is_and_where_and_nothing_of_the_value() {
    let fault = parse::header(b"QUJD?", Encoding::Base64Der, 10).unwrap_err();
    assert_eq!(fault.to_string(), "base64 at offset 4");
}

/// The vectors that are certificates.
fn certificates() -> Vec<Vector> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/x509.json");
    let file: File = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    file.vectors
}

fn certificate(id: &str) -> Vec<u8> {
    let vector = certificates().into_iter().find(|vector| vector.id == id).unwrap();
    STANDARD.decode(vector.der.unwrap()).unwrap()
}

#[test]
fn what_is_encoded_is_read_back() {
    let accepted: Vec<Vec<u8>> = certificates()
        .iter()
        .filter(|vector| vector.sha256.is_some())
        .map(|vector| STANDARD.decode(vector.der.as_ref().unwrap()).unwrap())
        .collect();
    for name in
        ["url-pem", "url-pem-aws", "xfcc", "base64-der", "rfc9440", "pem", "base64-pem", "hex-der", "base64-der-concat"]
    {
        let encoding = Encoding::from_name(name).unwrap();
        let holds_chains = !matches!(encoding, Encoding::Rfc9440 | Encoding::HexDer);
        for certificates in accepted.windows(if holds_chains { 2 } else { 1 }) {
            let certificates: Vec<&[u8]> = certificates.iter().map(Vec::as_slice).collect();
            let value = encode::header(&certificates, encoding);
            let read = parse::header(value.as_bytes(), encoding, 10).unwrap_or_else(|error| panic!("{name}: {error}"));
            let read: Vec<&[u8]> = read.iter().map(Certificate::der).collect();
            assert_eq!(read, certificates, "{name}");
        }
    }
}

#[test]
fn each_product_escapes_what_it_escapes_and_writes_no_chain_of_one() {
    let der = &certificate("repeated attributes"); // its base64 has all of +, / and =
    let digits = STANDARD.encode(der);
    let lines: Vec<&str> = digits.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
    let aws = pem.replace(' ', "%20").replace('\n', "%0A");
    let nginx = aws.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let hash = digests(&[Certificate::parse(der.clone()).unwrap()]).remove(0);
    assert_eq!(encode::header(&[der], Encoding::UrlPemAws), aws);
    assert_eq!(encode::header(&[der], Encoding::UrlPem), nginx);
    assert_eq!(encode::header(&[der], Encoding::Xfcc), format!("Hash={hash};Cert=\"{nginx}\""));
}

#[test]
fn a_fingerprint_is_the_digest_in_pairs_of_digits() {
    let der = certificate("client");
    let pairs: Vec<String> = Sha256::digest(&der).iter().map(|byte| format!("{byte:02X}")).collect();
    let fingerprint = Certificate::parse(der).unwrap().field("fingerprint256");
    assert_eq!(fingerprint, Some(Field::Text(pairs.join(":").into())));
}

#[test]
fn a_value_at_the_bound_is_read_and_a_longer_one_is_not() {
    // Spaces are no certificate, however many.
    for (length, code) in [(limits::HEADER_BYTES, "no_certificate"), (limits::HEADER_BYTES + 1, "too_large")] {
        let fault = parse::header(&vec![b' '; length], Encoding::Rfc9440, 1).unwrap_err();
        assert_eq!(fault.reason.code(), code);
    }
}
