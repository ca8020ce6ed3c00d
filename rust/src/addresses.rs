//! The addresses that header lines of proxies say a request came from, as far as a peer's address may be one of them.

use std::net::Ipv4Addr;

/// As many of them are in a usual request: more than there are proxies in a row.
const USUAL: usize = 16;

/// Whether it takes no closer look to know that none of `values` has the address `peer`, however they are read.
///
/// It is so where the peer's address is one of IPv4 and the values are lists of addresses, those of IPv4 with a port or
/// without, and of nothing else: an address of IPv4 has one text, and an IPv4-mapped one of IPv6 (RFC 4291, section
/// 2.5.5.2) begins with zeros.
pub fn are_plainly_others<'a>(values: impl IntoIterator<Item = &'a [u8]>, peer: &str) -> bool {
    let items = values.into_iter().flat_map(|value| value.split(|byte| matches!(byte, b',' | b' ')));
    let mut read = 0;
    peer.parse::<Ipv4Addr>().is_ok()
        && items.filter(|item| !item.is_empty()).all(|item| {
            read += 1;
            read <= USUAL && (is_other_ipv4(item, peer) || is_own_ipv6(item))
        })
}

/// Whether `item`, if it is an address of IPv4 at all, is another than `peer`.
fn is_other_ipv4(item: &[u8], peer: &str) -> bool {
    let mut parts = item.split(|byte| *byte == b':');
    let address = parts.next().unwrap_or_default();
    address.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        && parts.next().is_none_or(|port| port.iter().all(u8::is_ascii_digit))
        && parts.next().is_none()
        && address != peer.as_bytes()
}

/// Whether `item`, if it is an address at all, is one of IPv6 that stands for no address of IPv4.
fn is_own_ipv6(item: &[u8]) -> bool {
    item.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b':') && !matches!(item.first(), Some(b'0' | b':'))
}

#[cfg(test)]
mod tests {
    use super::are_plainly_others;

    fn are_others(values: &[&str], peer: &str) -> bool {
        are_plainly_others(values.iter().map(|value| value.as_bytes()), peer)
    }

    #[test]
    fn lists_of_other_addresses_are_others() {
        for values in [
            &[][..],
            &[""],
            &[" , "],
            &["203.0.113.9"],
            &["203.0.113.9, 10.0.0.50,10.0.0.", "110.0.0.5"],
            &["203.0.113.9:10005, 10.0.0.50:", "10:0"],
            &["2001:db8::10", "fe80::a00:5"],
            &["1::a00:5"],
        ] {
            assert!(are_others(values, "10.0.0.5"), "{values:?}");
        }
    }

    #[test]
    fn the_peers_own_address_and_whatever_may_be_it_take_a_closer_look() {
        for value in [
            "10.0.0.5",
            "203.0.113.9,10.0.0.5",
            " 10.0.0.5 ",
            "10.0.0.5:443",
            "10.0.0.5:",
            "10.0.0.50:10.0.0.5",
            "10.0.0.50:1:2",
            "[::ffff:10.0.0.5]",
            "1::10.0.0.5",
            "::ffff:10.0.0.5",
            "::ffff:a00:5",
            "0:0:0:0:0:ffff:a00:5",
            "0000:0::ffff:a00:5",
            "for=10.0.0.5",
            "\"10.0.0.5\"",
            "203.0.113.9;10.0.0.5",
            "203.0.113.9\t10.0.0.5",
            "unknown",
            "10.0.0.5\0",
            "é",
        ] {
            assert!(!are_others(&[value], "10.0.0.5"), "{value:?}");
            assert!(!are_others(&["203.0.113.9", value], "10.0.0.5"), "{value:?}");
        }
    }

    #[test]
    fn no_address_of_another_kind_is_told_from_others() {
        for peer in ["::1", "2001:db8::1", "", "10.0.0", "10.0.0.05", "gateway", "10.0.0.5 "] {
            assert!(!are_others(&["203.0.113.9"], peer), "{peer:?}");
        }
    }

    #[test]
    fn more_addresses_than_are_usual_take_a_closer_look() {
        let usual = ["203.0.113.9"; 16];
        assert!(are_others(&usual, "10.0.0.5"));
        assert!(are_others(&[&usual.join(" ")], "10.0.0.5"));
        assert!(!are_others(&["203.0.113.9"; 17], "10.0.0.5"));
        assert!(!are_others(&[&usual.join(","), "203.0.113.9"], "10.0.0.5"));
    }
}
