//! DER to header value, byte for byte as the products that use each encoding write it.

use std::fmt::Write as _;

use base64_simd::STANDARD;
use sha2::{Digest as _, Sha256};

use super::Encoding;
use crate::hexadecimal;

/// RFC 7468, section 2: generators wrap the base64 at exactly 64 characters.
const PEM_LINE: usize = 64;

/// Returns the header value for the certificates, the end-entity first.
///
/// Encodings that hold one certificate take the first; an empty list gives an empty value.
#[must_use]
pub fn header(certificates: &[&[u8]], encoding: Encoding) -> String {
    let first = certificates.first().copied().unwrap_or_default();
    match encoding {
        Encoding::UrlPem => percent(&pem(certificates), ""),
        Encoding::UrlPemAws => percent(&pem(certificates), "+=/"),
        Encoding::Xfcc => xfcc(first, certificates),
        Encoding::Base64Der => join(certificates, ","),
        Encoding::Rfc9440 => format!(":{}:", STANDARD.encode_to_string(first)),
        // Apache replaces each LF by one space, the last one included.
        Encoding::Pem => pem(certificates).replace('\n', " "),
        Encoding::Base64Pem => STANDARD.encode_to_string(pem(certificates)),
        Encoding::HexDer => hexadecimal::upper(first),
        Encoding::Base64DerConcat => STANDARD.encode_to_string(certificates.concat()),
    }
}

/// What Envoy writes with `set_current_client_cert_details: {cert: true, chain: true}`, `By` aside.
fn xfcc(first: &[u8], certificates: &[&[u8]]) -> String {
    let hash = hexadecimal::lower(&Sha256::digest(first));
    let mut value = format!("Hash={hash};Cert=\"{}\"", percent(&pem(&[first]), ""));
    if certificates.len() > 1 {
        let _ = write!(value, ";Chain=\"{}\"", percent(&pem(certificates), ""));
    }
    value
}

fn join(certificates: &[&[u8]], separator: &str) -> String {
    certificates.iter().map(|der| STANDARD.encode_to_string(der)).collect::<Vec<_>>().join(separator)
}

fn pem(certificates: &[&[u8]]) -> String {
    let mut text = String::new();
    for der in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let digits = STANDARD.encode_to_string(der);
        let mut rest = digits.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(PEM_LINE));
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3) and those in `safe`.
fn percent(text: &str, safe: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || "-._~".contains(character) || safe.contains(character) {
            encoded.push(character);
        } else {
            let _ = write!(encoded, "%{:02X}", u32::from(character));
        }
    }
    encoded
}
