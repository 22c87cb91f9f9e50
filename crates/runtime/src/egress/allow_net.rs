//! The entries of `allow_net`, resolved once when the module is loaded.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use ipnet::{IpNet, Ipv4Net};

use super::resolver::resolve_blocking;
use crate::limits::{MAX_ALLOW_NET_ENTRIES, MAX_ALLOW_NET_TIME};

/// The bits before the IPv4 address in a mapped one.
const MAPPED_PREFIX_BITS: u8 = 96;

/// A rule of `allow_net`, resolved to addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedNetAllow {
    /// Every port of a block of addresses.
    Net(IpNet),
    /// One port of one address.
    IpPort(IpAddr, u16),
}

impl ResolvedNetAllow {
    /// Allows one port of an address, or every port.
    pub(super) fn new(ip: IpAddr, port: Option<u16>) -> Self {
        let ip = ip.to_canonical();
        match port {
            Some(port) => Self::IpPort(ip, port),
            None => Self::Net(ip.into()),
        }
    }

    /// Returns what both rules allow, if there is anything.
    fn intersect(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Net(net), Self::Net(other)) if net.contains(other) => Some(Self::Net(*other)),
            (Self::Net(net), Self::Net(other)) => other.contains(net).then(|| self.clone()),
            (Self::Net(net), rule @ Self::IpPort(ip, _))
            | (rule @ Self::IpPort(ip, _), Self::Net(net)) => {
                net.contains(ip).then(|| rule.clone())
            }
            _ => (self == other).then(|| self.clone()),
        }
    }

    /// Whether the rule allows a connection to some port of an address.
    pub(super) fn has_ip(&self, ip: IpAddr) -> bool {
        match self {
            Self::Net(net) => net.contains(&ip),
            Self::IpPort(allowed, _) => *allowed == ip,
        }
    }

    /// Whether the rule allows a connection to `addr`.
    pub fn matches_socket_addr(&self, addr: &SocketAddr) -> bool {
        let ip = addr.ip().to_canonical();
        match self {
            Self::Net(net) => net.contains(&ip),
            Self::IpPort(allowed, port) => *allowed == ip && *port == addr.port(),
        }
    }
}

/// Resolves the entries of `allow_net`. Each is a CIDR block, an address, or `host[:port]`.
///
/// This **blocks** on name resolution. No name is resolved after [`MAX_ALLOW_NET_TIME`].
///
/// # Errors
///
/// When there are too many entries, or one cannot be parsed or resolved in time. The message names
/// the entry.
///
/// ```
/// let rules = surrealism_runtime::resolve_allow_net(&["10.0.0.0/8".to_string()])?;
/// assert!(rules[0].matches_socket_addr(&"10.1.2.3:443".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resolve_allow_net(entries: &[String]) -> Result<Arc<Vec<ResolvedNetAllow>>> {
    Ok(Arc::new(resolve(&parse(entries)?)?))
}

/// Parses the entries.
pub(crate) fn parse(entries: &[String]) -> Result<Vec<NetRule>> {
    ensure!(
        entries.len() <= MAX_ALLOW_NET_ENTRIES,
        "`allow_net` has {} entries, and {MAX_ALLOW_NET_ENTRIES} are allowed: remove some",
        entries.len()
    );
    let rule = |entry: &String| {
        NetRule::parse(entry).with_context(|| format!("`allow_net` entry {entry:?} cannot be used"))
    };
    entries.iter().map(rule).collect()
}

/// Resolves rules one after the other, until [`MAX_ALLOW_NET_TIME`] is over.
pub(super) fn resolve(rules: &[NetRule]) -> Result<Vec<ResolvedNetAllow>> {
    let until = Instant::now() + MAX_ALLOW_NET_TIME;
    let mut resolved = Vec::new();
    for rule in rules {
        match rule {
            NetRule::Address(address) => resolved.push(address.clone()),
            NetRule::Name(name, port) => {
                ensure!(
                    Instant::now() < until,
                    "`allow_net` was not resolved within {MAX_ALLOW_NET_TIME:?}, before {name:?}: check \
                     the system's resolver"
                );
                let addresses = resolve_blocking(name)
                    .with_context(|| format!("{name:?} of `allow_net` cannot be resolved"))?;
                ensure!(!addresses.is_empty(), "{name:?} of `allow_net` resolves to no address");
                let rule = |ip| ResolvedNetAllow::new(ip, *port);
                resolved.extend(addresses.into_iter().map(rule));
            }
        }
    }
    Ok(resolved)
}

/// Checks that the entries of `allow_net` can be parsed, without resolving names.
///
/// # Errors
///
/// When one cannot be parsed. The message names it.
pub fn check_allow_net(entries: &[String]) -> Result<()> {
    parse(entries).map(drop)
}

/// An entry of `allow_net` before its name is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NetRule {
    /// An address or a block of addresses.
    Address(ResolvedNetAllow),
    /// A name in the form that DNS uses, and a port; `None` is every port.
    Name(String, Option<u16>),
}

impl NetRule {
    pub(super) fn parse(entry: &str) -> Result<Self> {
        if let Ok(net) = entry.parse::<IpNet>() {
            return Ok(Self::Address(ResolvedNetAllow::Net(canonical(net)?)));
        }
        if let Ok(ip) = entry.parse::<IpAddr>() {
            return Ok(Self::Address(ResolvedNetAllow::new(ip, None)));
        }
        let (host, port) = split_port(entry)?;
        Ok(match url::Host::parse(host)? {
            url::Host::Ipv4(ip) => Self::Address(ResolvedNetAllow::new(ip.into(), port)),
            url::Host::Ipv6(ip) => Self::Address(ResolvedNetAllow::new(ip.into(), port)),
            url::Host::Domain(name) => {
                Self::Name(name.strip_suffix('.').unwrap_or(&name).to_string(), port)
            }
        })
    }

    /// Returns what both rules allow, if there is anything. A name and an address have nothing in common,
    /// since the owner of the name decides what it resolves to.
    fn intersect(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Address(rule), Self::Address(other)) => rule.intersect(other).map(Self::Address),
            (Self::Name(name, port), Self::Name(other, other_port))
                if is_same_name(name, other) =>
            {
                let port = match (port, other_port) {
                    (Some(port), Some(other)) if port != other => return None,
                    (port, other) => port.or(*other),
                };
                Some(Self::Name(name.clone(), port))
            }
            _ => None,
        }
    }
}

/// Returns what both lists of rules allow.
pub(crate) fn intersect(rules: &[NetRule], others: &[NetRule]) -> Vec<NetRule> {
    let mut common: Vec<NetRule> = Vec::new();
    for rule in
        rules.iter().flat_map(|rule| others.iter().filter_map(|other| rule.intersect(other)))
    {
        if !common.contains(&rule) {
            common.push(rule);
        }
    }
    common
}

/// Compares names in the form that DNS uses.
pub(super) fn is_same_name(allowed: &str, name: &str) -> bool {
    let normalize = |name: &str| url::Host::parse(name.strip_suffix('.').unwrap_or(name)).ok();
    match (normalize(allowed), normalize(name)) {
        (Some(allowed), Some(name)) => allowed == name,
        _ => false,
    }
}

/// Writes an entry of `allow_net`.
impl fmt::Display for NetRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(ResolvedNetAllow::Net(net))
                if net.prefix_len() == net.max_prefix_len() =>
            {
                net.addr().fmt(f)
            }
            Self::Address(ResolvedNetAllow::Net(net)) => net.fmt(f),
            Self::Address(ResolvedNetAllow::IpPort(ip, port)) => SocketAddr::new(*ip, *port).fmt(f),
            Self::Name(name, None) => f.write_str(name),
            Self::Name(name, Some(port)) => write!(f, "{name}:{port}"),
        }
    }
}

/// Returns a block of mapped IPv4 addresses as a block of IPv4: addresses are compared in that form.
fn canonical(net: IpNet) -> Result<IpNet> {
    let IpNet::V6(v6) = net else { return Ok(net) };
    let Some(mapped) = v6.addr().to_ipv4_mapped() else { return Ok(net) };
    let Some(bits) = v6.prefix_len().checked_sub(MAPPED_PREFIX_BITS) else {
        bail!(
            "{v6} is larger than the block of all mapped IPv4 addresses, ::ffff:0:0/{MAPPED_PREFIX_BITS}: \
             write the IPv4 block"
        )
    };
    Ok(Ipv4Net::new(mapped, bits)?.into())
}

/// Splits `host:port` and `[v6]:port`; the port is optional.
fn split_port(entry: &str) -> Result<(&str, Option<u16>)> {
    match entry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let port = port.parse().with_context(|| format!("{port:?} is not a port"))?;
            Ok((host, Some(port)))
        }
        _ => Ok((entry, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_allow_what_they_say() {
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
            // An IPv4-mapped IPv6 address is the same machine.
            ("10.1.2.3", "[::ffff:10.1.2.3]:1", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3:80", true),
            ("::ffff:10.0.0.0/104", "[::ffff:10.1.2.3]:80", true),
            ("::ffff:10.0.0.0/104", "11.1.2.3:80", false),
            ("::ffff:10.1.2.3/128", "10.1.2.3:80", true),
            ("::ffff:10.1.2.3/128", "10.1.2.4:80", false),
        ];
        for (entry, address, expected) in cases {
            let rules = resolve_allow_net(&[entry.to_string()]).unwrap();
            let address: SocketAddr = address.parse().unwrap();
            let allowed = rules.iter().any(|rule| rule.matches_socket_addr(&address));
            assert_eq!(allowed, expected, "{entry} on {address}");
        }
    }

    #[test]
    fn rules_have_in_common_what_both_allow() {
        for (one, other, expected) in [
            ("10.0.0.0/8", "10.1.0.0/16", Some("10.1.0.0/16")),
            ("10.0.0.0/8", "11.0.0.0/8", None),
            ("10.0.0.0/8", "10.1.2.3:80", Some("10.1.2.3:80")),
            ("10.1.2.3", "10.1.2.3:80", Some("10.1.2.3:80")),
            ("10.1.2.3", "10.1.2.3", Some("10.1.2.3")),
            ("10.1.2.3:80", "10.1.2.3:81", None),
            ("0.0.0.0/0", "::1", None),
            ("::/0", "[::1]:80", Some("[::1]:80")),
            ("a.example", "a.example:80", Some("a.example:80")),
            ("a.example:80", "A.Example.:80", Some("a.example:80")),
            ("a.example:80", "a.example:81", None),
            ("a.example", "b.example", None),
            ("a.example", "0.0.0.0/0", None),
        ] {
            let parse = |entry| [NetRule::parse(entry).unwrap()];
            let (one, other) = (parse(one), parse(other));
            for common in [intersect(&one, &other), intersect(&other, &one)] {
                let common: Vec<_> = common.iter().map(|rule| rule.to_string()).collect();
                let expected: Vec<_> = expected.into_iter().collect();
                assert_eq!(common, expected, "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn faulty_entries_are_named() {
        for entry in ["host:port", "a b", "[::1", "::ffff:10.0.0.0/95"] {
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
