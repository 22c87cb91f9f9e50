//! Which addresses are global, by the registries of IANA.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// The blocks of the IPv4 Special-Purpose Address Registry that are not globally reachable, and multicast.
///
/// As of 2025-10-09, from <https://www.iana.org/assignments/iana-ipv4-special-registry>. Blocks inside a
/// listed one are not listed again, and 192.0.0.0/24 is listed with its two anycast addresses.
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
    use super::*;

    #[test]
    fn addresses_of_special_blocks_are_not_global() {
        let global = [
            "8.8.8.8",
            "172.32.0.0",
            "192.31.196.1",
            "192.88.98.255",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "2606:4700::1111",
            "2001:200::1",
            "2620:4f:8000::1",
        ];
        let special = [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.2",
            "192.168.1.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            // IPv4 in IPv6: compatible, translated, NAT64 and 6to4.
            "::8.8.8.8",
            "::ffff:0:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::1",
            "2002:808:808::1",
            "100::1",
            "100:0:0:1::1",
            "1fff:ffff::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:1ff::1",
            "2001:db8::1",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        let expected = global.map(|ip| (ip, true)).into_iter().chain(special.map(|ip| (ip, false)));
        for (ip, expected) in expected {
            assert_eq!(is_global(ip.parse().unwrap()), expected, "{ip}");
        }
    }
}
