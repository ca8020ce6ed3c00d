//! Runs of bytes that stay as they are, copied sixteen at a time: a loop over bytes takes several times as long.

/// A one in each byte of a word.
const ONES: u64 = u64::from_ne_bytes([1; 8]);
/// The high bit of each byte of a word.
const HIGH: u64 = ONES << 7;

/// Appends the bytes that `text` begins with, up to the first that `marks` marks, and returns what follows them.
///
/// `marks` gets eight bytes, the first lowest, and sets the high bit of each that it marks; above the lowest of these,
/// it may set any. It marks spaces. `run` needs room for sixteen bytes more than it gets, or is moved.
#[inline]
pub(super) fn append<'a>(run: &mut Vec<u8>, mut text: &'a [u8], marks: impl Fn(u64) -> u64) -> &'a [u8] {
    while let Some((chunk, after)) = text.split_first_chunk::<16>() {
        let unmarked = unmarked(chunk, &marks);
        // All of them, since sixteen are copied in one instruction.
        run.extend_from_slice(chunk);
        if unmarked < chunk.len() {
            run.truncate(run.len() - (chunk.len() - unmarked));
            return text.get(unmarked..).unwrap_or_default();
        }
        text = after;
    }
    let mut last = [b' '; 16];
    last.iter_mut().zip(text).for_each(|(place, byte)| *place = *byte);
    let (unmarked, rest) = text.split_at(unmarked(&last, &marks).min(text.len()));
    run.extend_from_slice(unmarked);
    rest
}

/// How many bytes there are before the first that is marked.
#[inline]
fn unmarked(chunk: &[u8; 16], marks: impl Fn(u64) -> u64) -> usize {
    let (words, _) = chunk.as_chunks::<8>();
    let [low, high] = [words.first(), words.last()].map(|word| word.map_or(0, |word| marks(u64::from_le_bytes(*word))));
    let zeros = if low == 0 { 64 + high.trailing_zeros() } else { low.trailing_zeros() };
    zeros as usize / 8
}

/// Marks the bytes below `bound`, which is at most 128.
pub(super) const fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(ONES * bound as u64) & !word & HIGH
}

/// Marks the bytes above `bound`, which is below 128.
pub(super) const fn above(word: u64, bound: u8) -> u64 {
    (word.wrapping_add(ONES * (127 - bound) as u64) | word) & HIGH
}
