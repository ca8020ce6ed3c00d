//! The lines of a request that matter, found among all others by their names, and fingerprints of them.
//!
//! A name matters if it is one of a set where case and signs do not count, for whatever reads a line under the one may
//! take it for the other. Which bytes count for the same is for the caller to say: the fact is in Python, once.

use std::hash::Hasher as _;

use siphasher::sip128::{Hasher128 as _, SipHasher24};

/// What a line is there for, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// It says who the client is.
    Identifying,
    /// It has addresses, which differ from client to client and do not say who one is.
    Addresses,
    /// It is neither, or is not known to be: its name is not that of such a line, byte for byte.
    Other,
}

/// A set of names in groups, and a mapping of bytes under which a name is looked for in it.
pub struct LineFilter {
    mapping: [u8; 256],
    names: Vec<Name>,
    lengths: u64,
    hasher: SipHasher24,
}

struct Name {
    exact: Vec<u8>,
    mapped: Vec<u8>,
    group: Group,
}

impl LineFilter {
    /// Makes the set of `names`, which `mapping` has been applied to or not. `key` is a secret for the fingerprints.
    pub fn new(names: impl IntoIterator<Item = (Vec<u8>, Group)>, mapping: [u8; 256], key: &[u8; 16]) -> Self {
        let mut filter = Self { mapping, names: Vec::new(), lengths: 0, hasher: SipHasher24::new_with_key(key) };
        for (exact, group) in names {
            filter.lengths |= length_bit(&exact);
            let mapped = exact.iter().map(|&byte| filter.mapped(byte)).collect();
            filter.names.push(Name { exact, mapped, group });
        }
        filter
    }

    /// The group of `name` if it is one of the set under the mapping.
    #[must_use]
    pub fn group(&self, name: &[u8]) -> Option<Group> {
        // Most lines of a request end here: none of the names has this length.
        if self.lengths & length_bit(name) == 0 {
            return None;
        }
        let mut found = None;
        for known in &self.names {
            if known.exact == name {
                return Some(known.group);
            }
            let is_similar = known.mapped.len() == name.len()
                && known.mapped.iter().zip(name).all(|(&known, &byte)| known == self.mapped(byte));
            if is_similar {
                found = Some(Group::Other);
            }
        }
        found
    }

    /// Begins the fingerprint of lines.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        Fingerprint(self.hasher)
    }

    fn mapped(&self, byte: u8) -> u8 {
        self.mapping.get(usize::from(byte)).copied().unwrap_or(byte)
    }
}

/// A fingerprint of lines, names and values: `SipHash-2-4` of 128 bits, under a key that nobody knows.
///
/// Other lines have another one, but with a probability of 2^-128 for each pair; who chooses the lines cannot do better,
/// since neither the key nor any fingerprint is ever shown.
#[derive(Clone, Copy)]
pub struct Fingerprint(SipHasher24);

impl Fingerprint {
    /// Adds one line.
    pub fn add(&mut self, name: &[u8], value: &[u8]) {
        // With their lengths, for the parts of other lines may be the same bytes in a row.
        self.0.write_u64(name.len() as u64);
        self.0.write_u64(value.len() as u64);
        self.0.write(name);
        self.0.write(value);
    }

    /// Ends one kind of what is added: what follows is of another, whatever it is.
    pub fn separate(&mut self) {
        self.0.write_u64(u64::MAX); // longer than any name
    }

    /// The fingerprint of what was added.
    #[must_use]
    pub fn finish(&self) -> [u8; 16] {
        self.0.finish128().as_bytes()
    }
}

/// One bit for each length, and the last for all that are longer.
fn length_bit(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

#[cfg(test)]
mod tests {
    use super::{Group, LineFilter};

    fn filter(names: &[(&[u8], Group)]) -> LineFilter {
        let mut mapping = [0; 256];
        for (byte, mapped) in (0..=255).zip(&mut mapping) {
            *mapped = if byte == b'_' { b'-' } else { u8::to_ascii_lowercase(&byte) };
        }
        LineFilter::new(names.iter().map(|(name, group)| (name.to_vec(), *group)), mapping, b"a secret of ours")
    }

    fn fingerprint(lines: &[(&[u8], &[u8])]) -> [u8; 16] {
        let mut fingerprint = filter(&[]).fingerprint();
        for (name, value) in lines {
            fingerprint.add(name, value);
        }
        fingerprint.finish()
    }

    #[test]
    fn a_name_is_found_under_the_mapping_and_no_other() {
        let filter = filter(&[(b"x-client", Group::Identifying), (b"Via", Group::Addresses)]);
        for (name, group) in [
            (&b"x-client"[..], Group::Identifying),
            (b"X_Client", Group::Other),
            (b"Via", Group::Addresses),
            (b"via", Group::Other),
        ] {
            assert_eq!(filter.group(name), Some(group));
        }
        for other in [&b""[..], b"x-clienu", b"x-clien", b"x-client-", b"x.client", b"vi", b"host"] {
            assert_eq!(filter.group(other), None);
        }
    }

    #[test]
    fn the_exact_name_counts_where_another_resembles_it() {
        let filter = filter(&[(b"a_b", Group::Other), (b"a-b", Group::Addresses), (b"A-B", Group::Identifying)]);
        let groups = [&b"a_b"[..], b"a-b", b"A-B", b"A_B"].map(|name| filter.group(name));
        assert_eq!(groups, [Group::Other, Group::Addresses, Group::Identifying, Group::Other].map(Some));
    }

    #[test]
    fn names_longer_than_there_are_bits_are_told_apart() {
        let (long, longer) = ([b'a'; 70], [b'a'; 71]);
        let filter = filter(&[(&long, Group::Other)]);
        assert_eq!(filter.group(&long), Some(Group::Other));
        assert_eq!(filter.group(&longer), None);
        assert_eq!(filter.group(&[b'b'; 70]), None);
    }

    #[test]
    fn lines_have_one_fingerprint_and_others_have_another() {
        let all: [&[(&[u8], &[u8])]; 7] = [
            &[],
            &[(b"", b"")],
            &[(b"ab", b"c")],
            &[(b"a", b"bc")],
            &[(b"a", b"bc"), (b"d", b"")],
            &[(b"d", b""), (b"a", b"bc")],
            &[(b"a", b"bc"), (b"a", b"bc")],
        ];
        for (at, lines) in all.iter().enumerate() {
            assert_eq!(fingerprint(lines), fingerprint(lines));
            for others in all.iter().take(at) {
                assert_ne!(fingerprint(lines), fingerprint(others));
            }
        }
    }
}
