//! The core beside x509-parser, which reads certificates by other code: whatever both accept, they read alike.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clientcert::Certificate;
use clientcert::x509::{Field, NameOf};
use serde_json::Value;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Name};

/// x509-parser ends a name at an RDN without attributes; OpenSSL reads on.
const ENDS_A_NAME_EARLY: [&str; 1] = ["subject: empty RDNs"];

/// The certificates of `tests/vectors/x509.json`.
fn certificates() -> Vec<(String, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/x509.json");
    let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let vectors = file.get("vectors").unwrap().as_array().unwrap();
    let text = |vector: &Value, key| vector.get(key).unwrap().as_str().unwrap().to_owned();
    vectors.iter().map(|vector| (text(vector, "id"), STANDARD.decode(text(vector, "der")).unwrap())).collect()
}

fn types(name: &X509Name<'_>) -> Vec<Vec<u8>> {
    name.iter_attributes().map(|attribute| attribute.attr_type().as_bytes().to_vec()).collect()
}

#[test]
fn what_both_accept_they_read_alike() {
    let mut compared = 0;
    for (id, der) in certificates() {
        let Ok(ours) = Certificate::parse(der.clone()) else { continue };
        let Ok((rest, theirs)) = X509Certificate::from_der(&der) else { continue };
        assert!(rest.is_empty(), "{id}");
        assert_eq!(ours.spki(), theirs.public_key().raw, "{id}");
        let own_types = |of| ours.attributes(of).iter().map(|attribute| attribute.oid.to_vec()).collect::<Vec<_>>();
        if !ENDS_A_NAME_EARLY.contains(&id.as_str()) {
            assert_eq!(own_types(NameOf::Subject), types(theirs.subject()), "{id}");
            assert_eq!(own_types(NameOf::Issuer), types(theirs.issuer()), "{id}");
        }
        for extension in theirs.extensions() {
            let first = theirs.extensions().iter().find(|other| other.oid == extension.oid).unwrap();
            // x509-parser prints an identifier whose first part is above 2.47 in its own way.
            if let Some(content) = ours.extension(&extension.oid.to_id_string()) {
                assert_eq!(content, first.value, "{id}");
            }
        }
        if let Ok(validity) = ours.validity() {
            let theirs = theirs.validity();
            assert_eq!(validity, (theirs.not_before.timestamp(), theirs.not_after.timestamp()), "{id}");
        }
        if let Some(Field::Text(serial)) = ours.field("serialNumber")
            && !serial.starts_with('-')
        {
            assert_eq!(serial.trim_start_matches('0'), format!("{:X}", theirs.serial).trim_start_matches('0'), "{id}");
        }
        compared += 1;
    }
    assert!(compared > 100, "only {compared} certificates were compared");
    println!("{compared} certificates compared");
}
