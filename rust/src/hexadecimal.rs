//! Bytes to hexadecimal text (RFC 4648, section 8).

type Pairs = [[u8; 2]; 256];

/// The two digits of each byte.
const UPPER: Pairs = pairs(b"0123456789ABCDEF");
const LOWER: Pairs = pairs(b"0123456789abcdef");

/// Two digits for each byte, in upper case.
pub(crate) fn upper(bytes: &[u8]) -> String {
    together(bytes, &UPPER)
}

/// Two digits for each byte, in lower case.
pub(crate) fn lower(bytes: &[u8]) -> String {
    together(bytes, &LOWER)
}

/// Two digits for each byte, in upper case, with colons between the bytes.
pub(crate) fn upper_with_colons(bytes: &[u8]) -> String {
    let mut digits = vec![b':'; 3 * bytes.len()];
    for ([high, low, _], byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
        [*high, *low] = pair(*byte, &UPPER);
    }
    digits.pop();
    text(digits)
}

fn together(bytes: &[u8], pairs: &Pairs) -> String {
    let mut digits = vec![0; 2 * bytes.len()];
    for (place, byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
        *place = pair(*byte, pairs);
    }
    text(digits)
}

fn pair(byte: u8, pairs: &Pairs) -> [u8; 2] {
    // There is one for each byte, which the compiler knows.
    pairs.get(usize::from(byte)).copied().unwrap_or_default()
}

#[expect(clippy::indexing_slicing, reason = "computed at compile time, where it cannot be out of bounds")]
const fn pairs(digits: &[u8; 16]) -> Pairs {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
}

fn text(digits: Vec<u8>) -> String {
    String::from_utf8(digits).unwrap_or_default()
}
