//! Egress: which addresses a guest may connect to.
//!
//! An address is allowed by a rule for addresses, or because a name that a rule allows resolved to it:
//! during this call, or with [`Runtime::new`](crate::Runtime::new) when the module was loaded. The owner of
//! a name decides what it resolves to, so a name allows global addresses only; a loopback, private or
//! link-local address needs a rule of its own.

pub mod allow_net;
mod global;
mod resolver;

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use anyhow::Result;

use self::allow_net::{NetRule, ResolvedNetAllow};
use self::global::is_global;
use self::resolver::Resolver;
use crate::limits::MAX_RESOLVED_ADDRESSES;
use crate::sync::lock;
use crate::text::truncate;

/// When the names of `allow_net` are resolved for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameResolution {
    AtLoad,
    AtUse,
}

/// What `allow_net` of a module allows.
#[derive(Debug)]
pub(crate) struct EgressPolicy {
    rules: Vec<NetRule>,
    resolver: Resolver,
    /// The rules as they were when the module was loaded: addresses, and those of names that were
    /// resolved then.
    pub(crate) snapshot: Arc<Vec<ResolvedNetAllow>>,
}

impl EgressPolicy {
    /// Parses and resolves `allow_net`. This **blocks** on name resolution.
    ///
    /// # Errors
    ///
    /// Those of [`resolve_allow_net`](crate::resolve_allow_net).
    pub(crate) fn resolve(entries: &[String]) -> Result<Self> {
        let rules = allow_net::parse(entries)?;
        let snapshot = Arc::new(allow_net::resolve(&rules)?);
        Ok(Self { rules, resolver: Resolver::default(), snapshot })
    }

    /// Parses `allow_net`. Names are resolved when the guest uses them.
    ///
    /// # Errors
    ///
    /// Those of [`check_allow_net`](allow_net::check_allow_net).
    pub(crate) fn parse(entries: &[String]) -> Result<Self> {
        let rules = allow_net::parse(entries)?;
        let addresses = rules.iter().filter_map(|rule| match rule {
            NetRule::Address(address) => Some(address.clone()),
            NetRule::Name(..) => None,
        });
        let snapshot = Arc::new(addresses.collect());
        Ok(Self { rules, resolver: Resolver::default(), snapshot })
    }

    /// Whether no connection is allowed.
    pub(crate) fn denies_all(&self) -> bool {
        self.rules.is_empty()
    }

    /// The ports that rules allow for a name; `None` is every port.
    fn ports_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Option<u16>> + 'a {
        self.rules.iter().filter_map(move |rule| match rule {
            NetRule::Name(allowed, port) if is_same_name(allowed, name) => Some(*port),
            _ => None,
        })
    }

    fn has_address_rule(&self, matches: impl Fn(&ResolvedNetAllow) -> bool) -> bool {
        self.rules.iter().any(|rule| match rule {
            NetRule::Address(address) => matches(address),
            NetRule::Name(..) => false,
        })
    }
}

/// Compares names in the form that DNS uses.
fn is_same_name(allowed: &str, name: &str) -> bool {
    let normalize = |name: &str| url::Host::parse(name.strip_suffix('.').unwrap_or(name)).ok();
    match (normalize(allowed), normalize(name)) {
        (Some(allowed), Some(name)) => allowed == name,
        _ => false,
    }
}

/// What one instance may connect to: its module's policy, and the names that its guest resolved.
#[derive(Debug, Clone)]
pub(crate) struct EgressFilter {
    policy: Arc<EgressPolicy>,
    resolved: Arc<Mutex<ResolvedNames>>,
}

/// The caller that an instance served when a lookup began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Caller(u64);

#[derive(Debug, Default)]
struct ResolvedNames {
    /// Addresses with their allowed port; `None` is every port.
    addresses: HashSet<(IpAddr, Option<u16>)>,
    caller: Caller,
    /// Why the last lookup of an allowed name failed.
    failure: Option<String>,
}

impl EgressFilter {
    pub(crate) fn new(policy: Arc<EgressPolicy>) -> Self {
        Self { policy, resolved: Arc::default() }
    }

    /// Whether the guest may not connect at all.
    pub(crate) fn denies_all(&self) -> bool {
        self.policy.denies_all()
    }

    /// Whether the guest may connect to an address.
    pub(crate) fn allows(&self, address: &SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        if self.policy.has_address_rule(|rule| rule.matches_socket_addr(address)) {
            return true;
        }
        let addresses = &lock(&self.resolved).addresses;
        is_global(ip)
            && (self.policy.snapshot.iter().any(|rule| rule.matches_socket_addr(address))
                || addresses.contains(&(ip, None))
                || addresses.contains(&(ip, Some(address.port()))))
    }

    /// Resolves a name; `None` when no rule allows it. Each address has to be
    /// [recorded](Self::record_resolved) before the guest sees it.
    pub(crate) fn resolve(
        &self,
        name: &str,
    ) -> Option<impl Future<Output = io::Result<Vec<IpAddr>>> + Send + use<>> {
        self.policy.ports_of(name).next()?;
        // `ports_of` has matched the name, so that it has a DNS form.
        let name = url::Host::parse(name).ok()?.to_string();
        Some(self.policy.resolver.clone().resolve(name))
    }

    /// Forgets every resolved name, before the instance serves another caller.
    pub(crate) fn clear(&self) {
        let mut resolved = lock(&self.resolved);
        resolved.addresses.clear();
        resolved.failure = None;
        resolved.caller.0 += 1;
    }

    /// Records why an allowed name could not be resolved, if the instance still serves `caller`. WASI has
    /// no words for it, so the error of the call tells.
    pub(crate) fn record_failure(&self, caller: Caller, name: &str, error: &io::Error) {
        let failure = format!(
            "the host could not resolve {:?} of `allow_net`: {error}; check the system's resolver",
            truncate(name)
        );
        let mut resolved = lock(&self.resolved);
        if resolved.caller == caller {
            resolved.failure = Some(failure);
        }
    }

    /// Forgets why a name could not be resolved, before the next call.
    pub(crate) fn clear_failure(&self) {
        lock(&self.resolved).failure = None;
    }

    /// Returns why an allowed name could not be resolved during this call.
    pub(crate) fn failure(&self) -> Option<String> {
        lock(&self.resolved).failure.clone()
    }

    /// Returns the caller that the instance serves.
    pub(crate) fn caller(&self) -> Caller {
        lock(&self.resolved).caller
    }

    /// Records an address that an allowed name resolved to for `caller`. Returns whether the guest may see
    /// it, which it may not once the instance serves another caller.
    pub(crate) fn record_resolved(&self, caller: Caller, name: &str, ip: IpAddr) -> bool {
        let mut resolved = lock(&self.resolved);
        if resolved.caller != caller {
            return false;
        }
        let ip = ip.to_canonical();
        let names_address = |rule: &ResolvedNetAllow| match rule {
            ResolvedNetAllow::Net(net) => net.contains(&ip),
            ResolvedNetAllow::IpPort(allowed, _) => *allowed == ip,
        };
        if self.policy.has_address_rule(names_address) {
            return true;
        }
        if !is_global(ip) {
            return false;
        }
        let addresses = &mut resolved.addresses;
        if addresses.len() < MAX_RESOLVED_ADDRESSES {
            addresses.extend(self.policy.ports_of(name).map(|port| (ip, port)));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(entries: &[&str]) -> EgressFilter {
        let rules = entries.iter().map(|entry| NetRule::parse(entry).unwrap()).collect();
        EgressFilter::new(Arc::new(EgressPolicy {
            rules,
            resolver: Resolver::default(),
            snapshot: Arc::default(),
        }))
    }

    fn allows(filter: &EgressFilter, address: &str) -> bool {
        filter.allows(&address.parse().unwrap())
    }

    #[test]
    fn names_resolve_only_where_a_rule_names_them() {
        let filter = filter(&["Example.COM:443", "bücher.example"]);
        for (name, allowed) in [
            ("example.com", true),
            ("EXAMPLE.com.", true),
            ("xn--bcher-kva.example", true),
            ("bücher.example", true),
            ("evil.example.com", false),
            ("example.com.evil", false),
            ("", false),
        ] {
            assert_eq!(filter.resolve(name).is_some(), allowed, "{name}");
        }
    }

    #[test]
    fn a_name_allows_what_it_resolves_to_and_only_its_port() {
        let filter = filter(&["example.com:443"]);
        assert!(!allows(&filter, "8.8.8.8:443"));
        assert!(filter.record_resolved(Caller(0), "example.com", "8.8.8.8".parse().unwrap()));
        assert!(allows(&filter, "8.8.8.8:443"));
        assert!(!allows(&filter, "8.8.8.8:80"));
        assert!(!allows(&filter, "8.8.4.4:443"));
        filter.clear();
        assert!(!allows(&filter, "8.8.8.8:443"));
    }

    #[test]
    fn a_lookup_of_an_earlier_caller_opens_nothing_to_the_next() {
        let filter = filter(&["example.com", "9.9.9.9"]);
        let earlier = filter.caller();
        filter.clear();
        for ip in ["8.8.8.8", "9.9.9.9"] {
            assert!(!filter.record_resolved(earlier, "example.com", ip.parse().unwrap()), "{ip}");
        }
        filter.record_failure(earlier, "example.com", &io::Error::other("late"));
        assert!(!allows(&filter, "8.8.8.8:443"));
        assert_eq!(filter.failure(), None);
    }

    #[test]
    fn a_name_allows_no_address_that_is_not_global() {
        for ip in ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1"] {
            let by_name = filter(&["example.com"]);
            assert!(
                !by_name.record_resolved(Caller(0), "example.com", ip.parse().unwrap()),
                "{ip}"
            );
            assert!(!by_name.allows(&SocketAddr::new(ip.parse().unwrap(), 443)), "{ip}");

            let by_both = filter(&["example.com", ip]);
            assert!(by_both.record_resolved(Caller(0), "example.com", ip.parse().unwrap()), "{ip}");
            assert!(by_both.allows(&SocketAddr::new(ip.parse().unwrap(), 443)), "{ip}");
        }
    }

    #[test]
    fn addresses_resolved_at_load_are_filtered_alike() {
        let policy = Arc::new(EgressPolicy::resolve(&["localhost:9".to_string()]).unwrap());
        assert!(!policy.snapshot.is_empty());
        assert!(!allows(&EgressFilter::new(policy), "127.0.0.1:9"));
    }
}
