//! The lines of a request that matter, found among all others by their names.
//!
//! A name matters if it is one of a set where case and signs do not count, for whatever reads a line under the one may
//! take it for the other. Which bytes count for the same is for the caller to say: the fact is in Python, once.

/// A set of names, and a mapping of bytes under which a name is looked for in it.
pub struct LineFilter {
    mapping: [u8; 256],
    names: Vec<Vec<u8>>,
    lengths: u64,
}

impl LineFilter {
    /// Makes the set of `names`, which `mapping` has been applied to or not.
    pub fn new(names: impl IntoIterator<Item = Vec<u8>>, mapping: [u8; 256]) -> Self {
        let mut filter = Self { mapping, names: Vec::new(), lengths: 0 };
        for name in names {
            filter.lengths |= length_bit(&name);
            let name = name.into_iter().map(|byte| filter.mapped(byte)).collect();
            filter.names.push(name);
        }
        filter
    }

    /// Whether `name` is one of the set under the mapping.
    #[must_use]
    pub fn keeps(&self, name: &[u8]) -> bool {
        // Most lines of a request end here: none of the names has this length.
        self.lengths & length_bit(name) != 0
            && self.names.iter().any(|known| {
                known.len() == name.len() && known.iter().zip(name).all(|(&known, &byte)| known == self.mapped(byte))
            })
    }

    fn mapped(&self, byte: u8) -> u8 {
        self.mapping.get(usize::from(byte)).copied().unwrap_or(byte)
    }
}

/// One bit for each length, and the last for all that are longer.
fn length_bit(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

#[cfg(test)]
mod tests {
    use super::LineFilter;

    fn filter(names: &[&[u8]]) -> LineFilter {
        let mut mapping = [0; 256];
        for (byte, mapped) in (0..=255).zip(&mut mapping) {
            *mapped = if byte == b'_' { b'-' } else { u8::to_ascii_lowercase(&byte) };
        }
        LineFilter::new(names.iter().map(|name| name.to_vec()), mapping)
    }

    #[test]
    fn a_name_is_kept_under_the_mapping_and_no_other() {
        let filter = filter(&[b"x-client", b"Via"]);
        for kept in [&b"x-client"[..], b"X_Client", b"via", b"VIA"] {
            assert!(filter.keeps(kept));
        }
        for other in [&b""[..], b"x-clienu", b"x-clien", b"x-client-", b"x.client", b"vi", b"host"] {
            assert!(!filter.keeps(other));
        }
    }

    #[test]
    fn names_longer_than_there_are_bits_are_told_apart() {
        let (long, longer) = ([b'a'; 70], [b'a'; 71]);
        let filter = filter(&[&long]);
        assert!(filter.keeps(&long));
        assert!(!filter.keeps(&longer));
        assert!(!filter.keeps(&[b'b'; 70]));
    }
}
