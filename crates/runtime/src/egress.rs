//! Egress: which addresses a guest may connect to.
//!
//! An address is allowed by a rule for addresses, or because a name that a rule allows resolved to it:
//! during this call, or with [`Runtime::new`](crate::Runtime::new) when the module was loaded. The owner of
//! a name decides what it resolves to, so a name allows global addresses only; a loopback, private or
//! link-local address needs a rule of its own. A link-local or metadata address needs a grant that names it.

pub mod allow_net;
mod global;
mod metadata;
mod resolver;

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use anyhow::Result;

use self::allow_net::{NetRule, ResolvedNetAllow, intersect, is_same_name};
use self::global::is_global;
use self::metadata::{names_only_those, needs_naming};
use self::resolver::Resolver;
use crate::denied::{Capability, Denied, Missing};
use crate::limits::MAX_RESOLVED_ADDRESSES;
use crate::observer::{EventKind, InstanceObservers};
use crate::sync::lock;
use crate::text::truncate;

/// When the names of `allow_net` are resolved for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameResolution {
    AtLoad,
    AtUse,
}

/// What the archive's `allow_net` asks for, and what of it the host grants.
#[derive(Debug, Default)]
pub(crate) struct EgressRules {
    requested: Vec<NetRule>,
    /// Those that a guest may use. One for link-local or metadata addresses alone is among them only if a
    /// grant names these addresses.
    effective: Vec<NetRule>,
}

impl EgressRules {
    /// Grants of the requested rules those that `granted` has too, or with `as_requested` all but those for
    /// link-local and metadata addresses.
    pub(crate) fn new(requested: Vec<NetRule>, granted: &[NetRule], as_requested: bool) -> Self {
        let needs_name = |rule: &&NetRule| match rule {
            NetRule::Address(rule) => names_only_those(rule),
            NetRule::Name(..) => false,
        };
        let base = if as_requested { requested.clone() } else { intersect(&requested, granted) };
        let naming: Vec<_> = granted.iter().filter(needs_name).cloned().collect();
        let mut effective: Vec<_> = base.iter().filter(|rule| !needs_name(rule)).cloned().collect();
        effective.extend(intersect(&requested, &naming));
        Self { requested, effective }
    }

    /// The rules that a guest may use, as entries of `allow_net`.
    pub(crate) fn effective(&self) -> Vec<String> {
        self.effective.iter().map(NetRule::to_string).collect()
    }

    /// The requested rules that are not granted as a whole, as entries of `allow_net`.
    pub(crate) fn ungranted(&self) -> Vec<String> {
        let is_granted =
            |rule: &NetRule| intersect(std::slice::from_ref(rule), &self.effective).contains(rule);
        self.requested.iter().filter(|rule| !is_granted(rule)).map(NetRule::to_string).collect()
    }
}

/// The rules of a module, and the resolver of its names.
#[derive(Debug)]
pub(crate) struct EgressPolicy {
    rules: EgressRules,
    resolver: Resolver,
    /// The rules as they were when the module was loaded: addresses, and those of names that were
    /// resolved then.
    pub(crate) snapshot: Arc<Vec<ResolvedNetAllow>>,
}

impl EgressPolicy {
    /// Creates the policy of a module. With [`NameResolution::AtLoad`] this **blocks** on name resolution.
    ///
    /// # Errors
    ///
    /// When a name cannot be resolved at load.
    pub(crate) fn new(rules: EgressRules, names: NameResolution) -> Result<Self> {
        let snapshot = match names {
            NameResolution::AtLoad => allow_net::resolve(&rules.effective)?,
            NameResolution::AtUse => addresses(&rules.effective).cloned().collect(),
        };
        Ok(Self { rules, resolver: Resolver::default(), snapshot: Arc::new(snapshot) })
    }

    /// Whether the archive asks for a connection, so that sockets are of use.
    pub(crate) fn is_requested(&self) -> bool {
        !self.rules.requested.is_empty()
    }

    /// The ports that rules allow for a name; `None` is every port.
    fn ports_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Option<u16>> + 'a {
        ports_of(&self.rules.effective, name)
    }

    /// Whether a rule for addresses allows what `matches` says, at an address.
    fn has_address_rule(&self, ip: IpAddr, matches: impl Fn(&ResolvedNetAllow) -> bool) -> bool {
        let is_named = |rule| !needs_naming(ip) || names_only_those(rule);
        addresses(&self.rules.effective).any(|rule| matches(rule) && is_named(rule))
    }

    fn refuse_address(&self, address: &SocketAddr) -> Denied {
        let is_requested =
            addresses(&self.rules.requested).any(|rule| rule.matches_socket_addr(address));
        refuse(address.to_string(), is_requested)
    }

    fn refuse_resolved(&self, ip: IpAddr) -> Denied {
        let is_requested = addresses(&self.rules.requested).any(|rule| rule.has_ip(ip));
        refuse(ip.to_string(), is_requested)
    }

    fn refuse_name(&self, name: &str) -> Denied {
        let is_requested = ports_of(&self.rules.requested, name).next().is_some();
        refuse(truncate(name).to_string(), is_requested)
    }
}

fn refuse(destination: String, is_requested: bool) -> Denied {
    let missing = if is_requested { Missing::NotGranted } else { Missing::NotRequested };
    Denied::new(Capability::Network(destination), missing)
}

fn ports_of<'a>(rules: &'a [NetRule], name: &'a str) -> impl Iterator<Item = Option<u16>> + 'a {
    rules.iter().filter_map(move |rule| match rule {
        NetRule::Name(allowed, port) if is_same_name(allowed, name) => Some(*port),
        _ => None,
    })
}

fn addresses(rules: &[NetRule]) -> impl Iterator<Item = &ResolvedNetAllow> {
    rules.iter().filter_map(|rule| match rule {
        NetRule::Address(address) => Some(address),
        NetRule::Name(..) => None,
    })
}

/// What one instance may connect to: its module's policy, and the names that its guest resolved.
#[derive(Debug, Clone)]
pub(crate) struct EgressFilter {
    policy: Arc<EgressPolicy>,
    resolved: Arc<Mutex<ResolvedNames>>,
    observers: InstanceObservers,
}

/// The caller that an instance served when a lookup began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Caller(u64);

#[derive(Debug, Default)]
struct ResolvedNames {
    /// Addresses with their allowed port; `None` is every port.
    addresses: HashSet<(IpAddr, Option<u16>)>,
    caller: Caller,
    /// Why the guest's last use of the network failed. A connection that is allowed clears it.
    failure: Option<EgressFailure>,
}

/// Why a guest did not get a connection. WASI has no words for it, so the error of the call tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EgressFailure {
    Denied(Denied),
    /// An allowed name could not be resolved.
    Unresolved(String),
}

impl fmt::Display for EgressFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denied) => denied.fmt(f),
            Self::Unresolved(reason) => reason.fmt(f),
        }
    }
}

impl EgressFilter {
    pub(crate) fn new(policy: Arc<EgressPolicy>, observers: InstanceObservers) -> Self {
        Self { policy, resolved: Arc::default(), observers }
    }

    /// Returns a filter that lets nothing through.
    pub(crate) fn closed() -> Self {
        let rules = EgressRules::new(Vec::new(), &[], false);
        let (resolver, snapshot) = (Resolver::default(), Arc::default());
        let policy = Arc::new(EgressPolicy { rules, resolver, snapshot });
        Self::new(policy, InstanceObservers::default())
    }

    /// Whether the archive asks for a connection, so that sockets are of use.
    pub(crate) fn is_requested(&self) -> bool {
        self.policy.is_requested()
    }

    /// Whether the guest may connect to an address. A refusal is recorded.
    pub(crate) fn allows(&self, address: &SocketAddr) -> bool {
        let allowed = self.permits(address);
        let failure =
            (!allowed).then(|| EgressFailure::Denied(self.policy.refuse_address(address)));
        self.record(self.caller(), failure);
        allowed
    }

    /// Records that the guest was refused a socket, before it could name an address.
    pub(crate) fn refuse_socket(&self) {
        let denied = refuse(String::new(), self.is_requested());
        self.record(self.caller(), Some(EgressFailure::Denied(denied)));
    }

    fn permits(&self, address: &SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        if self.policy.has_address_rule(ip, |rule| rule.matches_socket_addr(address)) {
            return true;
        }
        let resolved = &lock(&self.resolved).addresses;
        is_reached_by_name(ip)
            && (self.policy.snapshot.iter().any(|rule| rule.matches_socket_addr(address))
                || resolved.contains(&(ip, None))
                || resolved.contains(&(ip, Some(address.port()))))
    }

    /// Returns those of the addresses of one destination that the guest may connect to. A refusal is
    /// recorded if it is none.
    #[cfg(any(feature = "http", test))]
    pub(crate) fn allowed(&self, caller: Caller, addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let allowed: Vec<_> =
            addresses.iter().filter(|address| self.permits(address)).copied().collect();
        if !allowed.is_empty() {
            self.record(caller, None);
        } else if let Some(first) = addresses.first() {
            let denied = self.policy.refuse_address(first);
            self.record(caller, Some(EgressFailure::Denied(denied)));
        }
        allowed
    }

    /// Resolves a name; `None` when no rule allows it. Each address has to be
    /// [recorded](Self::record_resolved) before the guest sees it.
    pub(crate) fn resolve(
        &self,
        caller: Caller,
        name: &str,
    ) -> Option<impl Future<Output = io::Result<Vec<IpAddr>>> + Send + use<>> {
        if self.policy.ports_of(name).next().is_none() {
            let denied = self.policy.refuse_name(name);
            self.record(caller, Some(EgressFailure::Denied(denied)));
            return None;
        }
        // `ports_of` has matched the name, so that it has a DNS form.
        let name = url::Host::parse(name).ok()?.to_string();
        Some(self.policy.resolver.clone().resolve(name))
    }

    /// Records how the last use of the network ended, if the instance still serves `caller`.
    fn record(&self, caller: Caller, failure: Option<EgressFailure>) {
        let denied = match &failure {
            Some(EgressFailure::Denied(denied)) => Some(denied.clone()),
            _ => None,
        };
        let is_current = {
            let mut resolved = lock(&self.resolved);
            let is_current = resolved.caller == caller;
            if is_current {
                resolved.failure = failure;
            }
            is_current
        };
        // Outside the lock: an observer is the host's code.
        match (denied, is_current) {
            (Some(denied), true) => self.observers.tell(EventKind::Denied(&denied)),
            (Some(denied), false) => self.observers.tell_late(EventKind::Denied(&denied)),
            (None, _) => {}
        }
    }

    /// Forgets every resolved name, before the instance serves another caller.
    pub(crate) fn clear(&self) {
        let mut resolved = lock(&self.resolved);
        resolved.addresses.clear();
        resolved.failure = None;
        resolved.caller.0 += 1;
    }

    /// Records why an allowed name could not be resolved, if the instance still serves `caller`.
    pub(crate) fn record_failure(&self, caller: Caller, name: &str, error: &io::Error) {
        let reason = format!(
            "the host could not resolve {:?} of `allow_net`: {error}; check the system's resolver",
            truncate(name)
        );
        self.record(caller, Some(EgressFailure::Unresolved(reason)));
    }

    /// Forgets what failed, before the next call.
    pub(crate) fn clear_failure(&self) {
        lock(&self.resolved).failure = None;
    }

    /// Returns why the guest's last use of the network during this call failed.
    pub(crate) fn failure(&self) -> Option<EgressFailure> {
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
        if self.policy.has_address_rule(ip, |rule| rule.has_ip(ip)) {
            return true;
        }
        if !is_reached_by_name(ip) {
            drop(resolved);
            let denied = self.policy.refuse_resolved(ip);
            self.record(caller, Some(EgressFailure::Denied(denied)));
            return false;
        }
        let addresses = &mut resolved.addresses;
        if addresses.len() < MAX_RESOLVED_ADDRESSES {
            addresses.extend(self.policy.ports_of(name).map(|port| (ip, port)));
        }
        true
    }
}

/// Whether a rule for a name allows an address that it resolves to.
fn is_reached_by_name(ip: IpAddr) -> bool {
    is_global(ip) && !needs_naming(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(entries: &[&str]) -> Vec<NetRule> {
        entries.iter().map(|entry| NetRule::parse(entry).unwrap()).collect()
    }

    fn filter(entries: &[&str]) -> EgressFilter {
        granting(entries, &[], true, NameResolution::AtUse)
    }

    fn granting(
        requested: &[&str],
        granted: &[&str],
        as_requested: bool,
        names: NameResolution,
    ) -> EgressFilter {
        let rules = EgressRules::new(parse(requested), &parse(granted), as_requested);
        let policy = Arc::new(EgressPolicy::new(rules, names).unwrap());
        EgressFilter::new(policy, InstanceObservers::default())
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
            assert_eq!(filter.resolve(Caller(0), name).is_some(), allowed, "{name}");
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
        assert!(filter.allowed(earlier, vec!["8.8.8.8:443".parse().unwrap()]).is_empty());
        assert!(filter.resolve(earlier, "other.example").is_none());
        assert_eq!(filter.failure(), None);
        assert!(!allows(&filter, "8.8.8.8:443"));
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

            let entries = &["example.com", ip];
            let by_both = granting(entries, entries, false, NameResolution::AtUse);
            assert!(by_both.record_resolved(Caller(0), "example.com", ip.parse().unwrap()), "{ip}");
            assert!(by_both.allows(&SocketAddr::new(ip.parse().unwrap(), 443)), "{ip}");
        }
    }

    #[test]
    fn addresses_resolved_at_load_are_filtered_alike() {
        let filter = granting(&["localhost:9"], &[], true, NameResolution::AtLoad);
        assert!(!filter.policy.snapshot.is_empty());
        assert!(!allows(&filter, "127.0.0.1:9"));
    }

    #[test]
    fn a_link_local_or_metadata_address_needs_a_grant_that_names_it() {
        let ip = "169.254.169.254";
        let address = "169.254.169.254:80";
        for (requested, grants, as_requested, expected) in [
            (&[ip][..], &[][..], true, false),
            (&[ip], &["0.0.0.0/0"], true, false),
            (&[ip], &["0.0.0.0/0"], false, false),
            (&["0.0.0.0/0"], &["0.0.0.0/0"], true, false),
            (&[ip], &[ip], false, true),
            (&[ip], &[ip], true, true),
            (&[ip], &["169.254.0.0/16"], true, true),
            (&["0.0.0.0/0"], &[ip], true, true),
            (&["0.0.0.0/0"], &[address], false, true),
            (&["0.0.0.0/0"], &["169.254.169.254:81"], true, false),
            (&[], &[ip], true, false),
            (&["169.254.1.1"], &[ip], true, false),
        ] {
            let what = format!("{requested:?}, {grants:?}, {as_requested}");
            let filter = granting(requested, grants, as_requested, NameResolution::AtLoad);
            assert_eq!(allows(&filter, address), expected, "{what}");
            assert_eq!(allows(&filter, "[::ffff:169.254.169.254]:80"), expected, "{what}");

            let entries: Vec<_> = requested.iter().copied().chain(["example.com"]).collect();
            let filter = granting(&entries, grants, as_requested, NameResolution::AtUse);
            filter.record_resolved(Caller(0), "example.com", ip.parse().unwrap());
            assert_eq!(allows(&filter, address), expected, "{what}, after DNS");
        }
    }

    #[test]
    fn a_metadata_address_that_iana_calls_global_is_not_reached_by_a_name() {
        let filter = filter(&["example.com"]);
        assert!(!filter.record_resolved(
            Caller(0),
            "example.com",
            "168.63.129.16".parse().unwrap()
        ));
        assert!(!allows(&filter, "168.63.129.16:80"));
    }

    #[test]
    fn refusals_say_what_is_missing() {
        let requested = &["10.0.0.0/8", "a.example", "b.example"];
        let filter = granting(requested, &["a.example"], false, NameResolution::AtUse);
        for (address, missing) in [("10.0.0.1:1", "does not grant it"), ("11.0.0.1:1", "not ask")] {
            assert!(!allows(&filter, address));
            let failure = filter.failure().unwrap().to_string();
            assert!(failure.contains(missing) && failure.contains(address), "{failure}");
        }
        for (name, missing) in [("b.example", "does not grant it"), ("c.example", "not ask")] {
            assert!(filter.resolve(Caller(0), name).is_none());
            let failure = filter.failure().unwrap().to_string();
            assert!(failure.contains(missing) && failure.contains(name), "{failure}");
        }
        assert!(filter.resolve(Caller(0), "a.example").is_some());
    }

    #[test]
    fn a_connection_that_is_allowed_clears_an_earlier_refusal() {
        let filter = filter(&["10.0.0.1", "example.com"]);
        let allowed = || "10.0.0.1:1".parse().unwrap();
        let refusals: [fn(&EgressFilter); 4] = [
            |filter| assert!(!allows(filter, "11.0.0.1:1")),
            |filter| assert!(filter.resolve(Caller(0), "other.example").is_none()),
            |filter| {
                let private = "10.0.0.2".parse().unwrap();
                assert!(!filter.record_resolved(Caller(0), "example.com", private));
            },
            EgressFilter::refuse_socket,
        ];
        for refuse in refusals {
            refuse(&filter);
            assert!(matches!(filter.failure(), Some(EgressFailure::Denied(_))));
            assert!(filter.allows(&allowed()));
            assert_eq!(filter.failure(), None);
            refuse(&filter);
            assert_eq!(filter.allowed(Caller(0), vec![allowed()]).len(), 1);
            assert_eq!(filter.failure(), None);
        }
    }
}
