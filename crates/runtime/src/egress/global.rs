//! Which addresses are global, by the registries of IANA.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// The blocks of the IPv4 Special-Purpose Address Registry that are not globally reachable, and multicast.
///
/// As of 2025-10-09, from <https://www.iana.org/assignments/iana-ipv4-special-registry>. Rows and date were
/// compared with copies of the registry that others keep, of 2026-09-29, and not with IANA's own page. Blocks
/// inside a listed one are not listed again, and 192.0.0.0/24 is listed with its two anycast addresses.
const NOT_GLOBAL_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private use
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared by carriers
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private use
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 and 6a44 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private use
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, and limited broadcast
];

/// The only block of IPv6 that holds global unicast addresses.
///
/// From <https://www.iana.org/assignments/ipv6-address-space>. Outside of it are loopback, link-local,
/// private and multicast addresses, the dummy prefix 100:0:0:1::/64, and IPv4 addresses that are mapped
/// (::ffff:0:0/96), compatible (::/96), or translated (64:ff9b::/96, ::ffff:0:0:0/96).
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// The blocks of the IPv6 Special-Purpose Address Registry inside [`GLOBAL_V6`] that are not globally
/// reachable.
///
/// As of 2025-10-09, from <https://www.iana.org/assignments/iana-ipv6-special-registry>. 2001::/23 is
/// listed with its globally reachable parts, which are of protocols and not of servers.
const NOT_GLOBAL_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo, benchmarks
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// Whether an address is a global unicast address. Of a mapped IPv4 address, the IPv4 address counts.
pub(super) fn is_global(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => !NOT_GLOBAL_V4
            .iter()
            .any(|(block, bits)| Ipv4Net::new_assert(*block, *bits).contains(&ip)),
        IpAddr::V6(ip) => {
            let is_in = |(block, bits): &(_, u8)| Ipv6Net::new_assert(*block, *bits).contains(&ip);
            is_in(&GLOBAL_V6) && !NOT_GLOBAL_V6.iter().any(is_in)
        }
    }
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;

    use super::*;

    /// Both registries as a whole, as of 2025-10-09, in their order: each block, and whether it is globally
    /// reachable; `None` where the registry says neither.
    const REGISTRIES: [(&str, Option<bool>); 52] = [
        ("0.0.0.0/8", Some(false)),
        ("0.0.0.0/32", Some(false)),
        ("10.0.0.0/8", Some(false)),
        ("100.64.0.0/10", Some(false)),
        ("127.0.0.0/8", Some(false)),
        ("169.254.0.0/16", Some(false)),
        ("172.16.0.0/12", Some(false)),
        ("192.0.0.0/24", Some(false)),
        ("192.0.0.0/29", Some(false)),
        ("192.0.0.8/32", Some(false)),
        ("192.0.0.9/32", Some(true)),
        ("192.0.0.10/32", Some(true)),
        ("192.0.0.170/32", Some(false)),
        ("192.0.0.171/32", Some(false)),
        ("192.0.2.0/24", Some(false)),
        ("192.31.196.0/24", Some(true)),
        ("192.52.193.0/24", Some(true)),
        ("192.88.99.0/24", None),
        ("192.88.99.2/32", Some(false)),
        ("192.168.0.0/16", Some(false)),
        ("192.175.48.0/24", Some(true)),
        ("198.18.0.0/15", Some(false)),
        ("198.51.100.0/24", Some(false)),
        ("203.0.113.0/24", Some(false)),
        ("240.0.0.0/4", Some(false)),
        ("255.255.255.255/32", Some(false)),
        ("::1/128", Some(false)),
        ("::/128", Some(false)),
        ("::ffff:0:0/96", Some(false)),
        ("64:ff9b::/96", Some(true)),
        ("64:ff9b:1::/48", Some(false)),
        ("100::/64", Some(false)),
        ("100:0:0:1::/64", Some(false)),
        ("2001::/23", Some(false)),
        ("2001::/32", None),
        ("2001:1::1/128", Some(true)),
        ("2001:1::2/128", Some(true)),
        ("2001:1::3/128", Some(true)),
        ("2001:2::/48", Some(false)),
        ("2001:3::/32", Some(true)),
        ("2001:4:112::/48", Some(true)),
        ("2001:10::/28", None),
        ("2001:20::/28", Some(true)),
        ("2001:30::/28", Some(true)),
        ("2001:db8::/32", Some(false)),
        ("2002::/16", None),
        ("2620:4f:8000::/48", Some(true)),
        ("3fff::/20", Some(false)),
        ("5f00::/16", Some(false)),
        ("fc00::/7", Some(false)),
        ("fe80::/10", Some(false)),
        // In the registries of multicast addresses.
        ("224.0.0.0/4", Some(false)),
    ];

    /// Blocks that the registries call globally reachable, and a name does not open: they are of protocols
    /// and not of servers, or lead to IPv4 addresses.
    const STRICTER: [&str; 10] = [
        "192.0.0.9/32",
        "192.0.0.10/32",
        "64:ff9b::/96",
        "2001:1::1/128",
        "2001:1::2/128",
        "2001:1::3/128",
        "2001:3::/32",
        "2001:4:112::/48",
        "2001:20::/28",
        "2001:30::/28",
    ];

    #[test]
    fn addresses_are_global_where_the_registries_say_so() {
        for (block, reachable) in REGISTRIES {
            let net: IpNet = block.parse().unwrap();
            let expected = reachable == Some(true) && !STRICTER.contains(&block);
            for ip in [net.network(), net.broadcast()] {
                assert_eq!(is_global(ip), expected, "{block}: {ip}");
            }
        }
    }

    #[test]
    fn addresses_beside_special_blocks_are_global() {
        for (ip, expected) in [
            ("1.0.0.0", true),
            ("8.8.8.8", true),
            ("9.255.255.255", true),
            ("11.0.0.0", true),
            ("100.63.255.255", true),
            ("100.128.0.0", true),
            ("126.255.255.255", true),
            ("128.0.0.0", true),
            ("169.253.255.255", true),
            ("169.255.0.0", true),
            ("172.15.255.255", true),
            ("172.32.0.0", true),
            ("192.0.1.0", true),
            ("192.0.3.0", true),
            ("192.88.98.255", true),
            ("192.88.100.0", true),
            ("192.167.255.255", true),
            ("192.169.0.0", true),
            ("198.17.255.255", true),
            ("198.20.0.0", true),
            ("198.51.99.255", true),
            ("203.0.114.0", true),
            ("223.255.255.255", true),
            ("::ffff:8.8.8.8", true),
            ("2000::", true),
            ("2001:200::1", true),
            ("2001:db7:ffff::1", true),
            ("2001:db9::1", true),
            ("2003::1", true),
            ("2606:4700::1111", true),
            ("3ffe:ffff::1", true),
            ("3fff:1000::1", true),
            // Of a mapped address, the IPv4 address counts.
            ("::ffff:127.0.0.1", false),
            // IPv4 in IPv6: compatible and translated, which no registry of special addresses lists.
            ("::8.8.8.8", false),
            ("::ffff:0:8.8.8.8", false),
            // Outside of the global unicast addresses.
            ("1fff:ffff::1", false),
            ("4000::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_global(ip.parse().unwrap()), expected, "{ip}");
        }
    }
}
