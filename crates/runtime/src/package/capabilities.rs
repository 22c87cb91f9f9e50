//! The `[capabilities]` of `surrealism.toml`: what a module asks to be allowed, and its own limits.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

use super::units;

/// The capabilities and limits of a module. By default everything is denied, and no limit is set.
///
/// The host has limits of its own ([`RuntimeBuilder`](crate::RuntimeBuilder)); of two limits, the
/// smaller applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SurrealismCapabilities {
    /// Whether the module needs the database's scripting functions. Default: `false`.
    pub allow_scripting: bool,
    /// Whether the guest may run SurrealQL through `sql`. Default: `false`.
    pub allow_arbitrary_queries: bool,
    /// The functions that the guest may call through `run`. Default: none.
    pub allow_functions: FunctionTargets,
    /// The destinations that the guest may connect to over TCP: addresses, CIDR blocks, `host`,
    /// `host:port`. Names are resolved when the guest uses them and, with
    /// [`Runtime::new`](crate::Runtime::new), also when the module is loaded. Default: none. See
    /// [`resolve_allow_net`](crate::resolve_allow_net).
    pub allow_net: Vec<String>,
    /// Linear memory of one instance, all its memories together, in bytes; in TOML, also `"64MiB"`. Default:
    /// the host's limit.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "units::deserialize")]
    pub max_memory_bytes: Option<usize>,
    /// Time of one call. In TOML, milliseconds, rounded up, or `"1s"`. Default: the host's limit.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "milliseconds")]
    #[serde(deserialize_with = "units::deserialize")]
    pub max_execution_time: Option<Duration>,
    /// Instances that are checked out at a time. Default: the host's pool size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pool_size: Option<usize>,
    /// Entries in the key-value store. Default: the host's limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_kv_entries: Option<usize>,
    /// Encoded size of one value in the key-value store, in bytes; in TOML, also `"1KiB"`. Default: the
    /// host's limit.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "units::deserialize")]
    pub max_kv_value_bytes: Option<usize>,
    /// Whether guest code is compiled with checks that let the host stop it. Default: `true`.
    ///
    /// With `false`, guest code **cannot be stopped**: it keeps its thread until it returns or calls the
    /// host, and a deadline takes effect only while the guest waits for the host. For trusted,
    /// compute-heavy modules.
    pub strict_timeout: bool,
}

impl Default for SurrealismCapabilities {
    fn default() -> Self {
        Self {
            allow_scripting: false,
            allow_arbitrary_queries: false,
            allow_functions: FunctionTargets::None,
            allow_net: Vec::new(),
            max_memory_bytes: None,
            max_execution_time: None,
            max_pool_size: None,
            max_kv_entries: None,
            max_kv_value_bytes: None,
            strict_timeout: true,
        }
    }
}

/// The functions that a guest may call through `run`. In TOML, a list of patterns.
///
/// ```
/// use surrealism_runtime::FunctionTargets;
///
/// let targets = FunctionTargets::from(vec!["http::*".to_string(), "fn::greet".to_string()]);
/// assert!(targets.allows("http::get"));
/// assert!(!targets.allows("fn::delete"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FunctionTargets {
    /// No function: `[]`, the default.
    #[default]
    None,
    /// Every function: a list with `"*"` in it.
    All,
    /// The functions that a pattern matches: `family` and `family::*` match a whole family,
    /// `family::name` one function. The family of a name is the part before its first `::`.
    Some(Vec<String>),
}

impl FunctionTargets {
    /// Whether the function with this full name may be called.
    pub fn allows(&self, fnc: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Some(patterns) => patterns.iter().any(|pattern| pattern_allows(pattern, fnc)),
        }
    }

    /// Returns the patterns, as `allow_functions` lists them: `"*"` stands for every function.
    pub fn patterns(&self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::All => vec!["*".to_string()],
            Self::Some(patterns) => patterns.clone(),
        }
    }

    /// Returns the functions that both allow.
    pub(crate) fn intersect(&self, other: &Self) -> Self {
        let (patterns, others) = match (self, other) {
            (Self::None, _) | (_, Self::None) => return Self::None,
            (Self::All, targets) | (targets, Self::All) => return targets.clone(),
            (Self::Some(patterns), Self::Some(others)) => (patterns, others),
        };
        let narrower = |pattern: &String, other: &String| {
            if pattern_covers(pattern, other) {
                Some(other.clone())
            } else {
                pattern_covers(other, pattern).then(|| pattern.clone())
            }
        };
        let mut common: Vec<String> = Vec::new();
        for pattern in patterns {
            let found = others.iter().filter_map(|other| narrower(pattern, other));
            common.extend(found);
        }
        common.sort();
        common.dedup();
        common.into()
    }
}

/// Whether a pattern allows every function that `other` allows.
fn pattern_covers(pattern: &str, other: &str) -> bool {
    let is_family = |name: Option<&str>| matches!(name, None | Some("*"));
    let ((family, name), (other_family, other_name)) = (split_family(pattern), split_family(other));
    family == other_family && (is_family(name) || name == other_name)
}

fn pattern_allows(pattern: &str, fnc: &str) -> bool {
    let (family, name) = split_family(fnc);
    match split_family(pattern) {
        (allowed, None | Some("*")) => allowed == family,
        (allowed, Some(exact)) => allowed == family && Some(exact) == name,
    }
}

fn split_family(name: &str) -> (&str, Option<&str>) {
    match name.split_once("::") {
        Some((family, rest)) => (family, Some(rest)),
        None => (name, None),
    }
}

impl From<Vec<String>> for FunctionTargets {
    fn from(patterns: Vec<String>) -> Self {
        if patterns.is_empty() {
            Self::None
        } else if patterns.iter().any(|pattern| pattern == "*") {
            Self::All
        } else {
            Self::Some(patterns)
        }
    }
}

impl<'de> Deserialize<'de> for FunctionTargets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<String>::deserialize(deserializer)?.into())
    }
}

impl Serialize for FunctionTargets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.patterns().serialize(serializer)
    }
}

/// Writes a duration in whole milliseconds, rounded up: a short time must not become zero.
fn milliseconds<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let whole = |duration: Duration| u64::try_from(duration.as_nanos().div_ceil(1_000_000));
    duration.map(whole).transpose().map_err(ser::Error::custom)?.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_allow_what_they_say() {
        let some = |patterns: &[&str]| {
            FunctionTargets::from(patterns.iter().map(|p| p.to_string()).collect::<Vec<_>>())
        };
        let cases = [
            (some(&[]), "http::get", false),
            (some(&["*"]), "http::get", true),
            (some(&["fn::a", "*"]), "http::get", true),
            (some(&["http"]), "http::get", true),
            (some(&["http::*"]), "http::get", true),
            (some(&["http::*"]), "httpx::get", false),
            (some(&["http::get"]), "http::get", true),
            (some(&["http::get"]), "http::put", false),
            (some(&["http::get"]), "http", false),
            (some(&["http::get"]), "http::get::deep", false),
            (some(&["fn::a::b"]), "fn::a::b", true),
            (some(&["fn::a::*"]), "fn::a::b", false),
            (some(&["count"]), "count", true),
            (some(&["count"]), "counter", false),
        ];
        for (targets, function, expected) in cases {
            assert_eq!(targets.allows(function), expected, "{targets:?} on {function}");
        }
    }

    #[test]
    fn an_intersection_allows_what_both_allow() {
        let patterns =
            ["*", "fn", "fn::*", "fn::a", "fn::b", "fn::a::b", "http", "http::get", "fn::"];
        let names = ["fn", "fn::a", "fn::b", "fn::c", "fn::a::b", "http", "http::get", "x", "fn::"];
        let lists = (0..patterns.len()).flat_map(|a| (a..=patterns.len()).map(move |b| (a, b)));
        let targets: Vec<FunctionTargets> = lists
            .map(|(a, b)| {
                patterns[a..b.min(a + 3)].iter().map(|p| p.to_string()).collect::<Vec<_>>()
            })
            .map(FunctionTargets::from)
            .collect();
        for one in &targets {
            for other in &targets {
                let common = one.intersect(other);
                for name in names {
                    let expected = one.allows(name) && other.allows(name);
                    assert_eq!(common.allows(name), expected, "{one:?}, {other:?}, {name}");
                }
            }
        }
    }

    #[test]
    fn a_short_time_is_not_written_as_zero() {
        for (time, written) in [
            (Duration::ZERO, 0),
            (Duration::from_nanos(1), 1),
            (Duration::from_micros(999), 1),
            (Duration::from_millis(1), 1),
            (Duration::from_micros(1_001), 2),
            (Duration::from_secs(60), 60_000),
        ] {
            let max_execution_time = Some(time);
            let limited = SurrealismCapabilities { max_execution_time, ..Default::default() };
            let text = toml::to_string(&limited).unwrap();
            assert!(
                text.contains(&format!("max_execution_time = {written}\n")),
                "{time:?}: {text}"
            );
            let read: SurrealismCapabilities = toml::from_str(&text).unwrap();
            assert_eq!(read.max_execution_time, Some(Duration::from_millis(written)));
        }
        let max_execution_time = Some(Duration::MAX);
        let endless = SurrealismCapabilities { max_execution_time, ..Default::default() };
        toml::to_string(&endless).unwrap_err();
    }
}
