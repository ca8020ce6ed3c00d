//! Bytes to hexadecimal text (RFC 4648, section 8).

use hex_simd::AsciiCase;

/// Two digits for each byte, in upper case.
pub(crate) fn upper(bytes: &[u8]) -> String {
    hex_simd::encode_to_string(bytes, AsciiCase::Upper)
}

/// Two digits for each byte, in lower case.
pub(crate) fn lower(bytes: &[u8]) -> String {
    hex_simd::encode_to_string(bytes, AsciiCase::Lower)
}

/// Two digits for each byte, in upper case, with colons between the bytes.
pub(crate) fn upper_with_colons(bytes: &[u8]) -> String {
    let digits = upper(bytes);
    let mut text = vec![b':'; 3 * bytes.len()];
    for ([high, low, _], pair) in text.as_chunks_mut().0.iter_mut().zip(digits.as_bytes().as_chunks().0) {
        [*high, *low] = *pair;
    }
    text.pop();
    String::from_utf8(text).unwrap_or_default()
}
