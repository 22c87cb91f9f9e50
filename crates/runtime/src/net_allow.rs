//! Where a guest may connect to: `allow_net`, resolved once when the module is loaded.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use ipnet::IpNet;

/// One rule, resolved to addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedNetAllow {
    /// Every port of a block of addresses.
    Net(IpNet),
    /// One port of one address.
    IpPort(IpAddr, u16),
}

impl ResolvedNetAllow {
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
/// host's name is looked up here, and **blocks** until that is answered.
///
/// # Errors
///
/// When an entry cannot be parsed or a name not be resolved; the message names the entry.
pub fn resolve_allow_net(entries: &[String]) -> Result<Arc<Vec<ResolvedNetAllow>>> {
    let mut rules = Vec::new();
    for entry in entries {
        let resolved = resolve(entry)
            .with_context(|| format!("`allow_net` entry {entry:?} cannot be used"))?;
        rules.extend(resolved);
    }
    Ok(Arc::new(rules))
}

fn resolve(entry: &str) -> Result<Vec<ResolvedNetAllow>> {
    if let Ok(net) = entry.parse::<IpNet>() {
        return Ok(vec![ResolvedNetAllow::Net(net)]);
    }
    if let Ok(ip) = entry.parse::<IpAddr>() {
        return Ok(vec![ResolvedNetAllow::Net(ip.into())]);
    }
    let (host, port) = split_port(entry)?;
    let addresses: Vec<SocketAddr> = match url::Host::parse(host)? {
        url::Host::Ipv4(ip) => vec![SocketAddr::new(ip.into(), port.unwrap_or(0))],
        url::Host::Ipv6(ip) => vec![SocketAddr::new(ip.into(), port.unwrap_or(0))],
        url::Host::Domain(name) => (name.as_str(), port.unwrap_or(0))
            .to_socket_addrs()
            .with_context(|| format!("{name:?} cannot be resolved"))?
            .collect(),
    };
    if addresses.is_empty() {
        bail!("{host:?} resolves to no address");
    }
    let rule = |address: SocketAddr| match port {
        Some(port) => ResolvedNetAllow::IpPort(address.ip(), port),
        None => ResolvedNetAllow::Net(address.ip().into()),
    };
    Ok(addresses.into_iter().map(rule).collect())
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
        for entry in ["", "host:port", "host:99999", "a b", "10.0.0.0/99", "[::1", "nx.invalid"] {
            let error = resolve_allow_net(&[entry.to_string()]).unwrap_err().to_string();
            assert!(error.contains(&format!("{entry:?}")), "{error}");
        }
    }
}
