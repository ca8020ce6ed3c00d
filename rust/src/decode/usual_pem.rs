//! The percent-encoded PEM of one certificate as proxies write it, which takes a third less than the way for all others.
//!
//! No fault is found here: for another layout, and for whatever is wrong, there is nothing, and [`super::percent`] and
//! [`super::pem`] decide. What it returns is what they would.

use super::{base64, runs};

/// The boundaries (RFC 7468, section 3).
const BEGIN: &[u8] = b"-----BEGIN%20CERTIFICATE-----";
const END: &[u8] = b"-----END%20CERTIFICATE-----";

/// Returns the DER of the certificate in a text with one block, and none but the escapes that it needs.
pub(super) fn certificate(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.strip_suffix(b"%0A").unwrap_or(text);
    let digits = unescaped(text.strip_prefix(BEGIN)?.strip_suffix(END)?)?;
    base64::canonical(&digits)
}

/// The base64 in a body. Whatever is neither a digit nor an escape stays, for the next step to refuse.
fn unescaped(body: &[u8]) -> Option<Vec<u8>> {
    let mut digits = vec![0; body.len() + 16];
    let (mut rest, mut length) = (body, 0);
    while let Some((chunk, after)) = rest.split_first_chunk() {
        // All of them, since they are copied in one instruction.
        *digits.get_mut(length..)?.first_chunk_mut()? = *chunk;
        let run = runs::before(chunk, b'%');
        length += run;
        rest = if run < chunk.len() { decoded(rest.get(run..)?, &mut digits, &mut length)? } else { after };
    }
    while let Some((byte, after)) = rest.split_first() {
        if *byte == b'%' {
            rest = decoded(rest, &mut digits, &mut length)?;
        } else {
            *digits.get_mut(length)? = *byte;
            length += 1;
            rest = after;
        }
    }
    digits.truncate(length);
    Some(digits)
}

/// Puts what the escape at the beginning of `text` stands for at the end of `digits`; returns what follows it.
#[inline]
fn decoded<'a>(text: &'a [u8], digits: &mut [u8], length: &mut usize) -> Option<&'a [u8]> {
    let (escape, after) = text.split_first_chunk()?;
    let digit = match escape {
        b"%0A" => return Some(after),
        b"%2B" => b'+',
        b"%2F" => b'/',
        b"%3D" => b'=',
        _ => return None,
    };
    *digits.get_mut(*length)? = digit;
    *length += 1;
    Some(after)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::super::{Encoding, encode, pem, percent};
    use super::certificate;

    /// Bytes of which base64 has every digit, and each kind of padding is needed for some.
    fn data(length: usize) -> Vec<u8> {
        (0u32..).map(|number| (number * 167 / 3 + number * number).to_le_bytes()[0]).take(length).collect()
    }

    fn headers(length: usize) -> [String; 2] {
        [Encoding::UrlPem, Encoding::UrlPemAws].map(|encoding| encode::header(&[&data(length)], encoding))
    }

    /// What those return that find the faults.
    fn any_layout(text: &[u8]) -> Option<Vec<Vec<u8>>> {
        pem::certificates(&percent::decode(text).ok()?, 1).ok()
    }

    #[test]
    fn what_proxies_write_is_usual() {
        for length in (1..200).chain([1000, 1001, 1002]) {
            for header in headers(length) {
                assert_eq!(certificate(header.as_bytes()), Some(data(length)), "{header}");
                let without_end = header.strip_suffix("%0A").unwrap();
                assert_eq!(certificate(without_end.as_bytes()), Some(data(length)), "{without_end}");
            }
        }
    }

    #[test]
    fn what_is_found_in_a_damaged_header_is_what_any_layout_has() {
        let mut found = 0;
        for header in headers(70).into_iter().chain(headers(71)).chain(headers(72)) {
            let header = header.as_bytes();
            for at in 0..header.len() {
                let (before, after) = header.split_at(at);
                let cut = [before, after.get(1..).unwrap()].concat();
                let others = b"A9+/=%-\n\0\xFF".map(|byte| [before, &[byte], after.get(1..).unwrap()].concat());
                let escapes = [&b"%0A"[..], b"%0a", b"%20", b"%2B", b"%2F", b"%3D", b"%2D", b"%4", b"%"];
                let escapes = escapes.map(|escape| [before, escape, after].concat());
                for text in [vec![before.to_vec(), cut], others.into(), escapes.into()].concat() {
                    if let Some(der) = certificate(&text) {
                        found += 1;
                        assert_eq!(any_layout(&text), Some(vec![der]), "{}", text.escape_ascii());
                    }
                }
            }
        }
        assert!(found > 100, "{found}");
    }
}
