//! Addresses that a grant has to name: link-local ones, and those of clouds' metadata services.
//!
//! A metadata service hands out the credentials of its machine, so a rule for a large block of
//! addresses, or a name, must not reach it by accident.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use ipnet::{IpNet, Ipv6Net};

use super::allow_net::ResolvedNetAllow;

/// Returns whether an address is reached only by a grant that names it.
pub(super) fn needs_naming(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    let is_listed = |ip: IpAddr| BLOCKS.iter().any(|block| block.contains(&ip));
    match ip {
        IpAddr::V4(_) => is_listed(ip),
        IpAddr::V6(v6) => is_listed(ip) || embedded_v4(v6).any(|v4| is_listed(v4.into())),
    }
}

/// Returns whether a rule names such addresses: it has no other ones.
pub(super) fn names_only_those(rule: &ResolvedNetAllow) -> bool {
    match rule {
        ResolvedNetAllow::IpPort(ip, _) => needs_naming(*ip),
        ResolvedNetAllow::Net(net) => {
            let is_address = net.prefix_len() == net.max_prefix_len();
            (is_address && needs_naming(net.addr()))
                || BLOCKS.iter().any(|block| block.contains(net))
        }
    }
}

static BLOCKS: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    let blocks = [
        // Link-local, with the metadata services of AWS, Azure, Google Cloud, Oracle and others.
        "169.254.0.0/16",
        "fe80::/10",
        // The metadata services of AWS and Google Cloud over IPv6.
        "fd00:ec2::/32",
        "fd20:ce::254/128",
        // Azure's wire server, and the metadata services of Alibaba Cloud and Oracle Cloud Classic.
        "168.63.129.16/32",
        "100.100.100.200/32",
        "192.0.0.192/32",
    ];
    blocks.iter().filter_map(|block| block.parse().ok()).collect()
});

/// Returns the IPv4 addresses that a gateway may take out of an IPv6 address: NAT64, 6to4, Teredo, SIIT,
/// and the deprecated IPv4-compatible form.
fn embedded_v4(ip: Ipv6Addr) -> impl Iterator<Item = Ipv4Addr> {
    /// Of each block: the first bit of the IPv4 address, and whether its bits are inverted.
    static EMBEDDING: LazyLock<Vec<(Ipv6Net, u32, bool)>> = LazyLock::new(|| {
        let blocks = [
            ("64:ff9b::/96", 96, false),
            ("64:ff9b:1::/48", 96, false),
            ("2002::/16", 16, false),
            ("2001::/32", 96, true),
            ("::/96", 96, false),
            ("::ffff:0:0:0/96", 96, false),
        ];
        let parse = |(block, at, inverted): (&str, _, _)| Some((block.parse().ok()?, at, inverted));
        blocks.into_iter().filter_map(parse).collect()
    });
    let bits = u128::from(ip);
    EMBEDDING.iter().filter(move |(block, ..)| block.contains(&ip)).map(move |(_, at, inverted)| {
        let v4 = (bits << at >> 96) as u32;
        Ipv4Addr::from(if *inverted { !v4 } else { v4 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::allow_net::NetRule;

    #[test]
    fn metadata_services_and_link_local_addresses_need_naming() {
        for (ip, expected) in [
            ("169.254.169.254", true),
            ("169.254.0.0", true),
            ("169.253.255.255", false),
            ("169.255.0.0", false),
            ("fe80::1", true),
            ("febf::1", true),
            ("fec0::1", false),
            ("fd00:ec2::254", true),
            ("fd00:ec3::254", false),
            ("fd20:ce::254", true),
            ("168.63.129.16", true),
            ("168.63.129.17", false),
            ("100.100.100.200", true),
            ("100.100.100.201", false),
            ("192.0.0.192", true),
            ("::ffff:169.254.169.254", true),
            ("::169.254.169.254", true),
            ("::ffff:0:169.254.169.254", true),
            ("64:ff9b::169.254.169.254", true),
            ("64:ff9b::8.8.8.8", false),
            ("64:ff9b:1::169.254.169.254", true),
            ("2002:a9fe:a9fe::1", true),
            ("2002:808:808::1", false),
            ("2001::5601:5601", true),
            ("8.8.8.8", false),
            ("127.0.0.1", false),
            ("::1", false),
        ] {
            assert_eq!(needs_naming(ip.parse().unwrap()), expected, "{ip}");
        }
    }

    #[test]
    fn a_rule_names_them_only_if_it_has_no_other_address() {
        for (entry, expected) in [
            ("169.254.169.254", true),
            ("169.254.169.254:80", true),
            ("169.254.0.0/16", true),
            ("169.254.128.0/17", true),
            ("169.0.0.0/8", false),
            ("0.0.0.0/0", false),
            ("::/0", false),
            ("fe80::/10", true),
            ("[fd00:ec2::254]:80", true),
            ("64:ff9b::a9fe:a9fe", true),
            ("10.0.0.0/8", false),
        ] {
            let Ok(NetRule::Address(rule)) = NetRule::parse(entry) else { panic!("{entry}") };
            assert_eq!(names_only_those(&rule), expected, "{entry}");
        }
    }
}
