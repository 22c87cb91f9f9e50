//! What a host grants the guests of a module, and what they have of it.

mod decision;

use anyhow::{Context, Result};

pub(crate) use self::decision::Capabilities;
use crate::egress::EgressRules;
use crate::egress::allow_net;
use crate::package::capabilities::{FunctionTargets, SurrealismCapabilities};

/// What a host grants a module. A guest has a capability when its archive asks for it in the
/// `[capabilities]` of its `surrealism.toml` **and** the host grants it.
///
/// By default nothing is granted, and a guest may compute, read its attached files and write output.
/// [`as_requested`](Self::as_requested) grants what the archive asks for, whatever that is: for archives
/// of an author that the host trusts.
///
/// ```no_run
/// use surrealism_runtime::{Grants, Runtime, SurrealismPackage};
///
/// # fn example(package: SurrealismPackage) -> surrealism_runtime::SurrealismResult<()> {
/// let grants = Grants::none().key_value().network(["api.example.com:443"]).functions(["fn::*"]);
/// let runtime = Runtime::builder(package).grants(grants).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "grants have no effect until they are passed to `RuntimeBuilder::grants`"]
pub struct Grants {
    as_requested: bool,
    queries: bool,
    functions: Vec<String>,
    network: Vec<String>,
    key_value: bool,
    uninterruptible: bool,
}

impl Grants {
    /// Grants nothing. The default.
    pub fn none() -> Self {
        Self::default()
    }

    /// Grants everything that the archive asks for, and the key-value store.
    ///
    /// Link-local addresses and those of clouds' metadata services are the exception, since they hand out the
    /// credentials of the host's machine: they need a [`network`](Self::network) grant that names them.
    pub fn as_requested() -> Self {
        Self { as_requested: true, ..Self::default() }
    }

    /// Grants queries, through `sql`. The archive asks for it by `allow_arbitrary_queries = true`.
    pub fn queries(mut self) -> Self {
        self.queries = true;
        self
    }

    /// Grants functions, through `run`: patterns as in [`FunctionTargets`]. The archive asks for it by
    /// `allow_functions`.
    pub fn functions<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        self.functions.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Grants connections over TCP and HTTP: addresses, CIDR blocks, `host`, `host:port`. The archive asks
    /// for it by `allow_net`.
    ///
    /// A guest reaches an address when both lists have a rule for it, and what a name resolves to when both
    /// lists have the name. A link-local or metadata address is reached only if a grant names it: by the
    /// address itself, or by a block that has no others, such as `169.254.0.0/16`.
    pub fn network<S: Into<String>>(mut self, destinations: impl IntoIterator<Item = S>) -> Self {
        self.network.extend(destinations.into_iter().map(Into::into));
        self
    }

    /// Grants the key-value store of the call's context. An archive needs no entry to ask for it.
    pub fn key_value(mut self) -> Self {
        self.key_value = true;
        self
    }

    /// Grants code that cannot be stopped. The archive asks for it by `strict_timeout = false`. Without the
    /// grant its code is compiled with the checks that let the host stop it, and runs a little slower.
    pub fn uninterruptible(mut self) -> Self {
        self.uninterruptible = true;
        self
    }

    /// Returns the capabilities that an archive with these requests has: those that are requested and
    /// granted. Its limits stay as they are.
    ///
    /// ```
    /// use surrealism_runtime::{Grants, SurrealismCapabilities};
    ///
    /// let requested = SurrealismCapabilities {
    ///     allow_net: vec!["10.0.0.0/8".to_string(), "api.example.com".to_string()],
    ///     ..Default::default()
    /// };
    /// let grants = Grants::none().network(["10.1.0.0/16"]);
    /// assert_eq!(grants.effective(&requested)?.allow_net, ["10.1.0.0/16"]);
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When a destination cannot be parsed, or there are too many. The message names it.
    pub fn effective(&self, requested: &SurrealismCapabilities) -> Result<SurrealismCapabilities> {
        Ok(self.effective_with(requested, &self.egress_rules(requested)?))
    }

    /// Returns what an archive asks for that is not granted, or not as a whole; `None` if there is nothing.
    /// Other fields than capabilities have their defaults.
    ///
    /// # Errors
    ///
    /// Those of [`effective`](Self::effective).
    pub fn ungranted(
        &self,
        requested: &SurrealismCapabilities,
    ) -> Result<Option<SurrealismCapabilities>> {
        let rules = self.egress_rules(requested)?;
        let effective = self.effective_with(requested, &rules);
        let is_granted = |pattern: &String| match &effective.allow_functions {
            FunctionTargets::None => false,
            FunctionTargets::All => true,
            FunctionTargets::Some(granted) => granted.contains(pattern),
        };
        let patterns = requested.allow_functions.patterns();
        let lacking: Vec<_> = patterns.into_iter().filter(|pattern| !is_granted(pattern)).collect();
        let ungranted = SurrealismCapabilities {
            allow_arbitrary_queries: requested.allow_arbitrary_queries
                && !effective.allow_arbitrary_queries,
            allow_functions: lacking.into(),
            allow_net: rules.ungranted(),
            strict_timeout: requested.strict_timeout || !effective.strict_timeout,
            ..SurrealismCapabilities::default()
        };
        Ok((ungranted != SurrealismCapabilities::default()).then_some(ungranted))
    }

    /// Returns the capabilities, with what `rules` say of connections.
    fn effective_with(
        &self,
        requested: &SurrealismCapabilities,
        rules: &EgressRules,
    ) -> SurrealismCapabilities {
        SurrealismCapabilities {
            allow_arbitrary_queries: requested.allow_arbitrary_queries
                && (self.as_requested || self.queries),
            allow_functions: self.effective_functions(&requested.allow_functions),
            allow_net: rules.effective(),
            strict_timeout: requested.strict_timeout
                || !(self.as_requested || self.uninterruptible),
            ..requested.clone()
        }
    }

    fn effective_functions(&self, requested: &FunctionTargets) -> FunctionTargets {
        if self.as_requested {
            return requested.clone();
        }
        requested.intersect(&self.functions.clone().into())
    }

    /// Returns the rules for connections, requested and granted.
    fn egress_rules(&self, requested: &SurrealismCapabilities) -> Result<EgressRules> {
        let granted =
            allow_net::parse(&self.network).context("the host's grants cannot be used")?;
        Ok(EgressRules::new(allow_net::parse(&requested.allow_net)?, &granted, self.as_requested))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> SurrealismCapabilities {
        SurrealismCapabilities {
            allow_arbitrary_queries: true,
            allow_functions: FunctionTargets::All,
            allow_net: vec!["10.0.0.0/8".to_string(), "169.254.169.254".to_string()],
            strict_timeout: false,
            max_pool_size: Some(3),
            ..Default::default()
        }
    }

    #[test]
    fn nothing_is_granted_by_default() {
        let effective = Grants::none().effective(&everything()).unwrap();
        let limits = SurrealismCapabilities { max_pool_size: Some(3), ..Default::default() };
        assert_eq!(effective, limits);
        let none = SurrealismCapabilities::default();
        assert_eq!(Grants::none().ungranted(&none).unwrap(), None);
    }

    #[test]
    fn as_requested_grants_all_but_metadata_addresses() {
        let effective = Grants::as_requested().effective(&everything()).unwrap();
        let allow_net = vec!["10.0.0.0/8".to_string()];
        assert_eq!(effective, SurrealismCapabilities { allow_net, ..everything() });
        let ungranted = Grants::as_requested().ungranted(&everything()).unwrap().unwrap();
        assert_eq!(ungranted.allow_net, ["169.254.169.254"]);
        assert!(!ungranted.allow_arbitrary_queries && ungranted.strict_timeout);

        let named = Grants::as_requested().network(["169.254.169.254"]);
        assert_eq!(named.effective(&everything()).unwrap(), everything());
        assert_eq!(named.ungranted(&everything()).unwrap(), None);
    }

    #[test]
    fn a_grant_that_is_not_requested_has_no_effect() {
        let grants = Grants::none()
            .queries()
            .functions(["*"])
            .network(["0.0.0.0/0"])
            .key_value()
            .uninterruptible();
        let requested = SurrealismCapabilities::default();
        assert_eq!(grants.effective(&requested).unwrap(), requested);
    }

    #[test]
    fn each_grant_is_a_capability_of_its_own() {
        let lacking = |grants: Grants| grants.ungranted(&everything()).unwrap().unwrap();
        let all = lacking(Grants::none());
        assert_eq!(all, SurrealismCapabilities { max_pool_size: None, ..everything() });
        for (grants, expected) in [
            (
                Grants::none().queries(),
                SurrealismCapabilities { allow_arbitrary_queries: false, ..all.clone() },
            ),
            (
                Grants::none().functions(["*"]),
                SurrealismCapabilities { allow_functions: FunctionTargets::None, ..all.clone() },
            ),
            (Grants::none().functions(["fn::*"]), all.clone()),
            (
                Grants::none().network(["10.0.0.0/8", "169.254.169.254"]),
                SurrealismCapabilities { allow_net: Vec::new(), ..all.clone() },
            ),
            (Grants::none().network(["10.0.0.0/9", "169.254.169.254:80"]), all.clone()),
            (
                Grants::none().uninterruptible(),
                SurrealismCapabilities { strict_timeout: true, ..all.clone() },
            ),
        ] {
            assert_eq!(lacking(grants.clone()), expected, "{grants:?}");
        }
    }

    #[test]
    fn a_grant_that_cannot_be_parsed_is_named() {
        let error = Grants::none().network(["a b"]).effective(&everything()).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("the host's grants") && text.contains("\"a b\""), "{text}");
    }
}
