//! The refusal of a capability: which one, what is missing, and what to write.

use std::error::Error;
use std::fmt;

use crate::text::truncate;

/// What a guest was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Queries, through `sql`.
    Queries,
    /// The function with this name, through `run`.
    Function(String),
    /// The key-value store.
    KeyValue,
    /// A connection to this address, or the resolution of this name. Empty if the guest was refused a socket
    /// before it could name an address.
    Network(String),
}

/// What is missing for a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missing {
    /// The archive does not ask for the capability in its `surrealism.toml`.
    NotRequested,
    /// The archive asks for it, and the host does not [grant](crate::Grants) it.
    NotGranted,
    /// The archive may use it, and the context of this call does not provide it.
    NotProvided,
}

/// A guest used a capability that it does not have.
///
/// A guest has a capability when its archive asks for it, the host grants it and the context of the call
/// provides it. `Display` says which of them is missing, and what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denied {
    /// What was refused.
    pub capability: Capability,
    /// Why it was refused.
    pub missing: Missing,
}

impl Capability {
    /// Returns a word for metrics and traces, without a part of an untrusted text.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Queries => "queries",
            Self::Function(_) => "function",
            Self::KeyValue => "key_value",
            Self::Network(_) => "network",
        }
    }
}

impl Missing {
    /// Returns a word for metrics and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotRequested => "not_requested",
            Self::NotGranted => "not_granted",
            Self::NotProvided => "not_provided",
        }
    }
}

impl Denied {
    pub(crate) fn new(capability: Capability, missing: Missing) -> Self {
        Self { capability, missing }
    }

    /// Returns the refusal of a context that does not provide `capability`. The guest gets its text.
    pub fn not_provided(capability: Capability) -> Self {
        Self::new(capability, Missing::NotProvided)
    }

    /// Returns what to write so that the capability is allowed.
    pub fn next_step(&self) -> String {
        let quoted = |text: &str| format!("{:?}", truncate(text));
        match (self.missing, &self.capability) {
            (Missing::NotProvided, _) => "have the host provide it".to_string(),
            (Missing::NotRequested, Capability::Queries) => {
                "write `allow_arbitrary_queries = true` in its surrealism.toml".to_string()
            }
            (Missing::NotRequested, Capability::Function(name)) => {
                format!("add {} to `allow_functions` in its surrealism.toml", quoted(name))
            }
            (Missing::NotRequested, Capability::Network(destination)) if destination.is_empty() => {
                "add its address to `allow_net` in its surrealism.toml".to_string()
            }
            (Missing::NotRequested, Capability::Network(destination)) => {
                format!("add {} to `allow_net` in its surrealism.toml", quoted(destination))
            }
            (_, Capability::Queries) => "add `Grants::queries` to the host's grants".to_string(),
            (_, Capability::Function(name)) => {
                format!("add `Grants::functions([{}])` to the host's grants", quoted(name))
            }
            (_, Capability::Network(destination)) => {
                format!("add `Grants::network([{}])` to the host's grants", quoted(destination))
            }
            (_, Capability::KeyValue) => "add `Grants::key_value` to the host's grants".to_string(),
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queries => f.write_str("`sql`"),
            Self::Function(name) => write!(f, "`run` of {:?}", truncate(name)),
            Self::KeyValue => f.write_str("the key-value store"),
            Self::Network(destination) if destination.is_empty() => f.write_str("the connection"),
            Self::Network(destination) => {
                write!(f, "the connection to {:?}", truncate(destination))
            }
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = match self.missing {
            Missing::NotProvided => {
                let provider = match self.capability {
                    Capability::Queries | Capability::Function(_) => "no database",
                    Capability::KeyValue | Capability::Network(_) => "none",
                };
                let capability = &self.capability;
                return write!(
                    f,
                    "{capability} is not available: the host gave this call {provider}"
                );
            }
            Missing::NotRequested => "the archive does not ask for it",
            Missing::NotGranted => "the archive asks for it, and the host does not grant it",
        };
        write!(f, "{} is denied: {missing}; {}", self.capability, self.next_step())
    }
}

impl Error for Denied {}
