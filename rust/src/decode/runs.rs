//! Runs of bytes of one kind, sixteen at a time: a loop over bytes takes several times as long.

use std::ops::RangeInclusive;

/// A one in each byte of a word.
const ONES: u64 = u64::from_ne_bytes([1; 8]);
/// The high bit of each byte of a word.
const HIGH: u64 = ONES << 7;

/// Appends the bytes that `text` begins with, as long as they are of the ASCII characters `kept`; returns what follows.
///
/// `run` needs room for sixteen bytes more than it gets, or is moved.
#[inline]
pub(super) fn append<'a>(run: &mut Vec<u8>, mut text: &'a [u8], kept: RangeInclusive<u8>) -> &'a [u8] {
    while let Some((chunk, after)) = text.split_first_chunk::<16>() {
        // All of them, since sixteen are copied in one instruction.
        run.extend_from_slice(chunk);
        // Without an early end, since sixteen are compared in one instruction: so below.
        if !chunk.iter().fold(true, |all, byte| all & kept.contains(byte)) {
            let length = leading_of_chunk(chunk, &kept);
            run.truncate(run.len() - (chunk.len() - length));
            return text.get(length..).unwrap_or_default();
        }
        text = after;
    }
    let (last, rest) = text.split_at(leading(text, |byte| kept.contains(byte)));
    run.extend_from_slice(last);
    rest
}

/// How many bytes `text` begins with that `is_kept`.
#[inline]
pub(super) fn leading(text: &[u8], is_kept: impl Fn(&u8) -> bool) -> usize {
    let (chunks, _) = text.as_chunks::<16>();
    let are_kept = |chunk: &&[u8; 16]| chunk.iter().fold(true, |all, byte| all & is_kept(byte));
    let length = 16 * chunks.iter().take_while(are_kept).count();
    length + text.iter().skip(length).take_while(|byte| is_kept(byte)).count()
}

/// How many bytes of `kept` come before the first that is none of them.
#[inline]
fn leading_of_chunk(chunk: &[u8; 16], kept: &RangeInclusive<u8>) -> usize {
    before_mark(words(chunk).map(|word| {
        let below = word.wrapping_sub(ONES * u64::from(*kept.start())) & !word;
        let above = word.wrapping_add(ONES * u64::from(127 - *kept.end())) | word;
        below | above
    }))
}

/// How many bytes of `chunk` come before the first `byte`.
#[inline]
pub(super) fn before(chunk: &[u8; 16], byte: u8) -> usize {
    before_mark(words(chunk).map(|word| {
        let other = word ^ (ONES * u64::from(byte));
        other.wrapping_sub(ONES) & !other
    }))
}

/// How many bytes come before the first whose high bit is set; above that one, it may be set in any.
#[inline]
fn before_mark(words: [u64; 2]) -> usize {
    let [low, high] = words.map(|word| word & HIGH);
    let zeros = if low == 0 { 64 + high.trailing_zeros() } else { low.trailing_zeros() };
    zeros as usize / 8
}

#[inline]
fn words(chunk: &[u8; 16]) -> [u64; 2] {
    let (words, _) = chunk.as_chunks();
    [words.first(), words.last()].map(|word| word.map_or(0, |word| u64::from_le_bytes(*word)))
}
