//! The decision on each capability of a guest.

use anyhow::Result;

use super::Grants;
use crate::denied::{Capability, Denied, Missing};
use crate::egress::EgressRules;
use crate::package::capabilities::SurrealismCapabilities;
use crate::text::truncate;

/// What the guests of one module have. The only place that decides on a guest's capabilities; connections
/// are decided on by the [egress rules](EgressRules) that come from here.
#[derive(Debug)]
pub(crate) struct Capabilities {
    requested: SurrealismCapabilities,
    pub(crate) effective: SurrealismCapabilities,
    key_value: bool,
}

impl Capabilities {
    /// Decides what a module has, and returns its rules for connections.
    ///
    /// # Errors
    ///
    /// Those of [`Grants::effective`].
    pub(crate) fn new(
        requested: &SurrealismCapabilities,
        grants: &Grants,
    ) -> Result<(Self, EgressRules)> {
        let rules = grants.egress_rules(requested)?;
        let capabilities = Self {
            requested: requested.clone(),
            effective: grants.effective_with(requested, &rules),
            key_value: grants.as_requested || grants.key_value,
        };
        Ok((capabilities, rules))
    }

    /// Decides on `sql`.
    pub(crate) fn check_queries(&self) -> Result<(), Denied> {
        let allows = |capabilities: &SurrealismCapabilities| capabilities.allow_arbitrary_queries;
        self.check(allows, || Capability::Queries)
    }

    /// Decides on `run` of a function.
    pub(crate) fn check_function(&self, name: &str) -> Result<(), Denied> {
        let allows =
            |capabilities: &SurrealismCapabilities| capabilities.allow_functions.allows(name);
        self.check(allows, || Capability::Function(truncate(name).to_string()))
    }

    /// Decides on the key-value store.
    pub(crate) fn check_key_value(&self) -> Result<(), Denied> {
        if self.key_value {
            return Ok(());
        }
        Err(Denied::new(Capability::KeyValue, Missing::NotGranted))
    }

    fn check(
        &self,
        allows: impl Fn(&SurrealismCapabilities) -> bool,
        capability: impl FnOnce() -> Capability,
    ) -> Result<(), Denied> {
        if allows(&self.effective) {
            return Ok(());
        }
        let missing =
            if allows(&self.requested) { Missing::NotGranted } else { Missing::NotRequested };
        Err(Denied::new(capability(), missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::capabilities::FunctionTargets;

    #[test]
    fn refusals_say_which_of_the_two_is_missing() {
        let asked = SurrealismCapabilities {
            allow_arbitrary_queries: true,
            allow_functions: FunctionTargets::All,
            ..Default::default()
        };
        let unasked = SurrealismCapabilities::default();
        for (requested, missing) in [(asked, Missing::NotGranted), (unasked, Missing::NotRequested)]
        {
            let (capabilities, _) = Capabilities::new(&requested, &Grants::none()).unwrap();
            assert_eq!(capabilities.check_queries().unwrap_err().missing, missing);
            assert_eq!(capabilities.check_function("fn::x").unwrap_err().missing, missing);
            let store = capabilities.check_key_value().unwrap_err();
            assert_eq!(store.missing, Missing::NotGranted);
        }
    }
}
