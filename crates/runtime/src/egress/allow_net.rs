//! Where a guest may connect to: `allow_net`, resolved once when the module is loaded.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use ipnet::IpNet;

use crate::limits::{MAX_ALLOW_NET_ENTRIES, MAX_ALLOW_NET_TIME};
use crate::egress::resolver::addresses;

/// One rule, resolved to addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedNetAllow {
    /// Every port of a block of addresses.
    Net(IpNet),
    /// One port of one address.
    IpPort(IpAddr, u16),
}

impl ResolvedNetAllow {
    /// One port of an address, or without a port, every port.
    pub(crate) fn of(ip: IpAddr, port: Option<u16>) -> Self {
        let ip = ip.to_canonical();
        match port {
            Some(port) => Self::IpPort(ip, port),
            None => Self::Net(ip.into()),
        }
    }

    /// Whether the rule admits a connection to `addr`.
    pub fn matches_socket_addr(&self, addr: &SocketAddr) -> bool {
        let ip = addr.ip().to_canonical();
        match self {
            Self::Net(net) => net.contains(&ip),
            Self::IpPort(allowed, port) => *allowed == ip && *port == addr.port(),
        }
    }
}

/// Resolves the entries of `allow_net`. Each is a CIDR block, an address, or `host[:port]`; a
/// host's name is looked up here, and **blocks** until that is answered: for
/// [`MAX_ALLOW_NET_TIME`] in all, and what the last look-up takes.
///
/// # Errors
///
/// When an entry cannot be parsed or a name not be resolved, or not in time; the message names it.
pub fn resolve_allow_net(entries: &[String]) -> Result<Arc<Vec<ResolvedNetAllow>>> {
    Ok(Arc::new(resolve(&parse(entries)?)?))
}

/// The entries as rules, of which there may not be too many.
pub(crate) fn parse(entries: &[String]) -> Result<Vec<NetRule>> {
    ensure!(
        entries.len() <= MAX_ALLOW_NET_ENTRIES,
        "`allow_net` has {} entries, and {MAX_ALLOW_NET_ENTRIES} are allowed",
        entries.len()
    );
    let rule = |entry: &String| {
        NetRule::parse(entry).with_context(|| format!("`allow_net` entry {entry:?} cannot be used"))
    };
    entries.iter().map(rule).collect()
}

/// Resolves rules one after the other, in the time that there is.
pub(crate) fn resolve(rules: &[NetRule]) -> Result<Vec<ResolvedNetAllow>> {
    let until = Instant::now() + MAX_ALLOW_NET_TIME;
    let mut resolved = Vec::new();
    for rule in rules {
        match rule {
            NetRule::Address(address) => resolved.push(address.clone()),
            NetRule::Name(name, port) => {
                ensure!(
                    Instant::now() < until,
                    "the names of `allow_net` took longer than {MAX_ALLOW_NET_TIME:?} to resolve, \
                     before {name:?}: see whether the resolver answers"
                );
                let addresses = addresses(name)
                    .with_context(|| format!("{name:?} of `allow_net` cannot be resolved"))?;
                ensure!(!addresses.is_empty(), "{name:?} of `allow_net` resolves to no address");
                let rule = |ip| ResolvedNetAllow::of(ip, *port);
                resolved.extend(addresses.into_iter().map(rule));
            }
        }
    }
    Ok(resolved)
}

/// Checks that the entries of `allow_net` can be parsed, without looking any name up.
///
/// # Errors
///
/// When one cannot; the message names it.
pub fn check_allow_net(entries: &[String]) -> Result<()> {
    parse(entries).map(drop)
}

/// One entry of `allow_net`, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NetRule {
    /// By address.
    Address(ResolvedNetAllow),
    /// By name, in the form that DNS uses; without a port, every port.
    Name(String, Option<u16>),
}

impl NetRule {
    pub(crate) fn parse(entry: &str) -> Result<Self> {
        if let Ok(net) = entry.parse::<IpNet>() {
            return Ok(Self::Address(ResolvedNetAllow::Net(net)));
        }
        if let Ok(ip) = entry.parse::<IpAddr>() {
            return Ok(Self::Address(ResolvedNetAllow::of(ip, None)));
        }
        let (host, port) = split_port(entry)?;
        Ok(match url::Host::parse(host)? {
            url::Host::Ipv4(ip) => Self::Address(ResolvedNetAllow::of(ip.into(), port)),
            url::Host::Ipv6(ip) => Self::Address(ResolvedNetAllow::of(ip.into(), port)),
            url::Host::Domain(name) => Self::Name(name, port),
        })
    }
}

/// Splits `host:port` and `[v6]:port`; what has no port is a host alone.
fn split_port(entry: &str) -> Result<(&str, Option<u16>)> {
    match entry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let port = port.parse().with_context(|| format!("{port:?} is no port"))?;
            Ok((host, Some(port)))
        }
        _ => Ok((entry, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_admit_what_they_say() {
        let cases = [
            ("10.0.0.0/8", "10.1.2.3:80", true),
            ("10.0.0.0/8", "11.1.2.3:80", false),
            ("10.1.2.3", "10.1.2.3:1", true),
            ("10.1.2.3", "10.1.2.4:1", false),
            ("10.1.2.3:443", "10.1.2.3:443", true),
            ("10.1.2.3:443", "10.1.2.3:80", false),
            ("::1", "[::1]:9", true),
            ("[::1]:9", "[::1]:9", true),
            ("[::1]:9", "[::1]:8", false),
            ("[::1]", "[::1]:8", true),
            ("fd00::/8", "[fd00::1]:8", true),
            ("localhost:9", "127.0.0.1:9", true),
            ("localhost:9", "127.0.0.1:8", false),
            ("localhost", "127.0.0.1:8", true),
            // An IPv4 address in IPv6 clothes is the same machine.
            ("10.1.2.3", "[::ffff:10.1.2.3]:1", true),
        ];
        for (entry, address, expected) in cases {
            let rules = resolve_allow_net(&[entry.to_string()]).unwrap();
            let address: SocketAddr = address.parse().unwrap();
            let admitted = rules.iter().any(|rule| rule.matches_socket_addr(&address));
            assert_eq!(admitted, expected, "{entry} on {address}");
        }
    }

    #[test]
    fn faulty_entries_are_named() {
        for entry in ["host:port", "a b", "[::1"] {
            let error = check_allow_net(&[entry.to_string()]).unwrap_err().to_string();
            assert!(error.contains(&format!("{entry:?}")), "{error}");
        }
        check_allow_net(&["nx.invalid:443".to_string()]).unwrap();
        for entry in ["", "host:port", "host:99999", "a b", "10.0.0.0/99", "[::1", "nx.invalid"] {
            let error = resolve_allow_net(&[entry.to_string()]).unwrap_err().to_string();
            assert!(error.contains(&format!("{entry:?}")), "{error}");
        }
    }
}
