//! Bytes to hexadecimal text (RFC 4648, section 8).

/// Two digits for each byte, in upper case.
pub(crate) fn upper(bytes: &[u8]) -> String {
    text(bytes.iter().flat_map(|byte| digits(*byte, b'A')).collect())
}

/// Two digits for each byte, in lower case.
pub(crate) fn lower(bytes: &[u8]) -> String {
    text(bytes.iter().flat_map(|byte| digits(*byte, b'a')).collect())
}

/// Two digits for each byte, in upper case, with colons between the bytes.
pub(crate) fn upper_with_colons(bytes: &[u8]) -> String {
    let mut pairs = Vec::with_capacity(3 * bytes.len());
    for byte in bytes {
        let [high, low] = digits(*byte, b'A');
        pairs.extend_from_slice(&[high, low, b':']);
    }
    pairs.pop();
    text(pairs)
}

/// The digits of a byte; `ten` is the one for ten.
const fn digits(byte: u8, ten: u8) -> [u8; 2] {
    [digit(byte >> 4, ten), digit(byte & 15, ten)]
}

const fn digit(nibble: u8, ten: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { ten + nibble - 10 }
}

fn text(digits: Vec<u8>) -> String {
    String::from_utf8(digits).unwrap_or_default()
}
