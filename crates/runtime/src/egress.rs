//! Which addresses a guest may connect to.
//!
//! An address is admitted by a rule for addresses, or because a name that a rule admits resolved to
//! it: when the module was loaded, or when this call looked the name up. What a name resolves
//! to is its owner's word, so it opens only public addresses; a loopback, private or link-local one
//! needs a rule that names the address.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use ipnet::IpNet;

use crate::limits::MAX_LOOKED_UP_ADDRESSES;
use crate::egress::allow_net::{self, NetRule, ResolvedNetAllow};
use crate::egress::resolver::Resolver;

/// What `allow_net` of a module admits.
#[derive(Debug)]
pub(crate) struct Network {
    rules: Vec<NetRule>,
    resolver: Resolver,
    /// The rules as they resolved when the module was loaded.
    pub(crate) snapshot: Arc<Vec<ResolvedNetAllow>>,
}

impl Network {
    /// Reads and resolves `allow_net`. This blocks on name look-ups.
    ///
    /// # Errors
    ///
    /// Those of [`resolve_allow_net`](crate::resolve_allow_net).
    pub(crate) fn resolve(entries: &[String]) -> Result<Self> {
        let rules = net_allow::parse(entries)?;
        let snapshot = Arc::new(net_allow::resolve(&rules)?);
        Ok(Self { rules, resolver: Resolver::default(), snapshot })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.rules.is_empty()
    }

    /// The ports that rules admit for a name; `None` is every port.
    fn ports_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Option<u16>> + 'a {
        self.rules.iter().filter_map(move |rule| match rule {
            NetRule::Name(admitted, port) if is_same_name(admitted, name) => Some(*port),
            _ => None,
        })
    }

    fn admits_by_address(&self, matches: impl Fn(&ResolvedNetAllow) -> bool) -> bool {
        self.rules.iter().any(|rule| match rule {
            NetRule::Address(address) => matches(address),
            NetRule::Name(..) => false,
        })
    }
}

/// A name as a guest may write it, against one in the form that DNS uses.
fn is_same_name(admitted: &str, name: &str) -> bool {
    let plain = |name: &str| url::Host::parse(name.strip_suffix('.').unwrap_or(name)).ok();
    match (plain(admitted), plain(name)) {
        (Some(admitted), Some(name)) => admitted == name,
        _ => false,
    }
}

/// What one instance may reach: what its module may, and what it has looked up itself.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    network: Arc<Network>,
    looked_up: Arc<Mutex<LookedUp>>,
}

#[derive(Debug, Default)]
struct LookedUp {
    /// Addresses with the port that they are open at; `None` is every port.
    addresses: HashSet<(IpAddr, Option<u16>)>,
    /// Which caller they are for.
    caller: u64,
}

impl Reach {
    pub(crate) fn new(network: Arc<Network>) -> Self {
        Self { network, looked_up: Arc::default() }
    }

    /// Whether the guest may connect to an address.
    pub(crate) fn admits(&self, address: &SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        if self.network.admits_by_address(|rule| rule.matches_socket_addr(address)) {
            return true;
        }
        let addresses = &self.looked_up().addresses;
        is_public(ip)
            && (self.network.snapshot.iter().any(|rule| rule.matches_socket_addr(address))
                || addresses.contains(&(ip, None))
                || addresses.contains(&(ip, Some(address.port()))))
    }

    /// Looks a name up, if the guest may. Of the answer it may be told what is
    /// [learned](Self::learn).
    pub(crate) fn look_up(
        &self,
        name: &str,
    ) -> Option<impl Future<Output = io::Result<Vec<IpAddr>>> + Send + use<>> {
        self.network.ports_of(name).next()?;
        // In the form that DNS uses, which `ports_of` has seen that it has.
        let name = url::Host::parse(name).ok()?.to_string();
        Some(self.network.resolver.clone().look_up(name))
    }

    /// Forgets every name that was looked up: another caller comes.
    pub(crate) fn forget(&self) {
        let mut looked_up = self.looked_up();
        looked_up.addresses.clear();
        looked_up.caller += 1;
    }

    /// Which caller the instance serves: how many were before.
    pub(crate) fn caller(&self) -> u64 {
        self.looked_up().caller
    }

    fn looked_up(&self) -> MutexGuard<'_, LookedUp> {
        self.looked_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of an address that an admitted name resolved to; answers whether the guest may
    /// be told of it.
    pub(crate) fn learn(&self, name: &str, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        let names_address = |rule: &ResolvedNetAllow| match rule {
            ResolvedNetAllow::Net(net) => net.contains(&ip),
            ResolvedNetAllow::IpPort(admitted, _) => *admitted == ip,
        };
        if self.network.admits_by_address(names_address) {
            return true;
        }
        if !is_public(ip) {
            return false;
        }
        let addresses = &mut self.looked_up().addresses;
        if addresses.len() < MAX_LOOKED_UP_ADDRESSES {
            addresses.extend(self.network.ports_of(name).map(|port| (ip, port)));
        }
        true
    }
}

/// Whether an address is one of the public internet's: none of those that IANA's special-purpose
/// registries (<https://www.iana.org/assignments/iana-ipv4-special-registry>, and -ipv6-) reserve,
/// nor one for groups.
fn is_public(ip: IpAddr) -> bool {
    static RESERVED: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
        let blocks = [
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "::/127",
            // IPv4 addresses in IPv6 clothes, which a gateway would undress.
            "64:ff9b::/96",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20",
            "5f00::/16",
            "fc00::/7",
            "fe80::/10",
            "fec0::/10",
            "ff00::/8",
        ];
        blocks.iter().filter_map(|block| block.parse().ok()).collect()
    });
    !RESERVED.iter().any(|block| block.contains(&ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(entries: &[&str]) -> Reach {
        let rules = entries.iter().map(|entry| NetRule::parse(entry).unwrap()).collect();
        Reach::new(Arc::new(Network {
            rules,
            resolver: Resolver::default(),
            snapshot: Arc::default(),
        }))
    }

    fn admits(reach: &Reach, address: &str) -> bool {
        reach.admits(&address.parse().unwrap())
    }

    #[test]
    fn every_reserved_block_is_understood() {
        for (ip, public) in [
            ("8.8.8.8", true),
            ("2606:4700::1111", true),
            ("127.0.0.1", false),
            ("10.0.0.1", false),
            ("172.31.255.255", false),
            ("172.32.0.0", true),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("255.255.255.255", false),
            ("224.0.0.1", false),
            ("::", false),
            ("::1", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("ff02::1", false),
            ("64:ff9b::7f00:1", false),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), public, "{ip}");
        }
    }

    #[test]
    fn names_are_looked_up_only_where_a_rule_names_them() {
        let reach = reach(&["Example.COM:443", "bücher.example"]);
        for (name, admitted) in [
            ("example.com", true),
            ("EXAMPLE.com.", true),
            ("xn--bcher-kva.example", true),
            ("bücher.example", true),
            ("evil.example.com", false),
            ("example.com.evil", false),
            ("", false),
        ] {
            assert_eq!(reach.look_up(name).is_some(), admitted, "{name}");
        }
    }

    #[test]
    fn a_name_opens_what_it_resolves_to_and_only_its_port() {
        let reach = reach(&["example.com:443"]);
        assert!(!admits(&reach, "8.8.8.8:443"));
        assert!(reach.learn("example.com", "8.8.8.8".parse().unwrap()));
        assert!(admits(&reach, "8.8.8.8:443"));
        assert!(!admits(&reach, "8.8.8.8:80"));
        assert!(!admits(&reach, "8.8.4.4:443"));
        reach.forget();
        assert!(!admits(&reach, "8.8.8.8:443"));
    }

    #[test]
    fn a_name_opens_no_address_of_this_network() {
        for ip in ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1"] {
            let by_name = reach(&["example.com"]);
            assert!(!by_name.learn("example.com", ip.parse().unwrap()), "{ip}");
            assert!(!by_name.admits(&SocketAddr::new(ip.parse().unwrap(), 443)), "{ip}");

            let by_both = reach(&["example.com", ip]);
            assert!(by_both.learn("example.com", ip.parse().unwrap()), "{ip}");
            assert!(by_both.admits(&SocketAddr::new(ip.parse().unwrap(), 443)), "{ip}");
        }
    }

    #[test]
    fn what_a_name_resolved_to_at_load_is_held_to_the_same() {
        let network = Arc::new(Network::resolve(&["localhost:9".to_string()]).unwrap());
        assert!(!network.snapshot.is_empty());
        assert!(!admits(&Reach::new(network), "127.0.0.1:9"));
    }
}
