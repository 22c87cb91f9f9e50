//! `surrealism.toml`: the name, capabilities and attached files of a module.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use surrealism_types::err::{PrefixErr, SurrealismResult};
use surrealism_types::names::near_names;

use super::capabilities::SurrealismCapabilities;
use super::config_key::{self, ConfigKeys};
use crate::limits::MAX_IDENTIFIER_BYTES;
use crate::text::bounded;

/// The content of `surrealism.toml`. An unknown key is an error: a misspelt limit would otherwise be
/// ignored.
///
/// ```
/// use surrealism_runtime::SurrealismConfig;
///
/// let config = SurrealismConfig::parse(
///     r#"
///     abi = 2
///     [package]
///     organisation = "acme"
///     name = "greeter"
///     version = "1.0.0"
///     [capabilities]
///     max_execution_time = 250
///     "#,
/// )?;
/// assert_eq!(config.file_name(), "acme-greeter-1.0.0.surli");
/// # Ok::<(), surrealism_runtime::SurrealismError>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurrealismConfig {
    /// The language of the module's source.
    #[serde(default)]
    pub target: Target,
    /// The version of the interface that the module was built for.
    #[serde(default)]
    pub abi: AbiVersion,
    /// The name and version: `[package]`.
    #[serde(rename = "package")]
    pub meta: SurrealismMeta,
    /// What the module asks to be allowed, and its own limits: `[capabilities]`.
    #[serde(default)]
    pub capabilities: SurrealismCapabilities,
    /// The files packed beside the code: `[attach]`.
    #[serde(default)]
    pub attach: SurrealismAttach,
    /// The keys that the module takes from its host: `[config]`.
    #[serde(default, deserialize_with = "config_key::deserialize")]
    #[serde(skip_serializing_if = "ConfigKeys::is_empty")]
    pub config: ConfigKeys,
}

impl SurrealismConfig {
    /// Parses a configuration.
    ///
    /// # Errors
    ///
    /// When the text is not TOML, a key is missing, unknown or of the wrong type, or a name is not a
    /// plain identifier. The message states the line, and suggests a known key for an unknown one.
    pub fn parse(s: &str) -> SurrealismResult<Self> {
        toml::from_str(s)
            .map_err(|error| with_suggestion(&error))
            .prefix_err(|| "surrealism.toml is not valid")
    }

    /// Writes the configuration in the form that [`parse`](Self::parse) reads.
    ///
    /// # Errors
    ///
    /// When a number is outside TOML's range.
    pub fn to_toml(&self) -> SurrealismResult<String> {
        toml::to_string_pretty(self).prefix_err(|| "surrealism.toml cannot be written")
    }

    /// Returns the archive's file name: `{organisation}-{name}-{version}.surli`.
    pub fn file_name(&self) -> String {
        let SurrealismMeta { organisation, name, version } = &self.meta;
        format!("{organisation}-{name}-{version}.surli")
    }
}

/// Adds a suggestion to serde's "unknown field `x`, expected one of `a`, `b`".
fn with_suggestion(error: &toml::de::Error) -> String {
    // It repeats the line that it is about.
    let message = bounded(format_args!("{error}"));
    let mut quoted = error.message().split('`').skip(1).step_by(2);
    let near = match quoted.next() {
        Some(unknown) if error.message().starts_with("unknown field") => {
            near_names(unknown, quoted)
        }
        _ => Vec::new(),
    };
    match near.first() {
        Some(name) => format!("{message}did you mean `{name}`?"),
        None => message,
    }
}

/// The language of a module's source. Build tools use it; the host does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Rust.
    #[default]
    Rust,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "rust",
        })
    }
}

/// A version of the interface between host and guest. In TOML, a number, `"p1"` or `"p2"`. Default: 0,
/// which every host refuses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AbiVersion(pub u32);

impl AbiVersion {
    /// The version that this crate implements.
    pub const CURRENT: Self = Self(2);
}

impl fmt::Display for AbiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for AbiVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for AbiVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = AbiVersion;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an ABI version: a number, \"p1\" or \"p2\"")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<AbiVersion, E> {
                let invalid = |_| E::invalid_value(de::Unexpected::Signed(number), &self);
                u32::try_from(number).map(AbiVersion).map_err(invalid)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<AbiVersion, E> {
                let invalid = |_| E::invalid_value(de::Unexpected::Unsigned(number), &self);
                u32::try_from(number).map(AbiVersion).map_err(invalid)
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<AbiVersion, E> {
                match name {
                    "p1" => Ok(AbiVersion(1)),
                    "p2" => Ok(AbiVersion(2)),
                    _ => Err(E::invalid_value(de::Unexpected::Str(name), &self)),
                }
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// The name and version of a module.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurrealismMeta {
    /// The organization: letters, digits, `-` and `_`, beginning with a letter or a digit.
    #[serde(deserialize_with = "identifier")]
    pub organisation: String,
    /// The module's name, of the same characters.
    #[serde(deserialize_with = "identifier")]
    pub name: String,
    /// The module's version.
    #[serde(deserialize_with = "version")]
    pub version: semver::Version,
}

/// Formats `organisation/name version`.
impl fmt::Display for SurrealismMeta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}", self.organisation, self.name, self.version)
    }
}

fn identifier<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let problem = if name.is_empty() {
        "it is empty".to_string()
    } else if name.len() > MAX_IDENTIFIER_BYTES {
        format!("it is {} bytes long, and {MAX_IDENTIFIER_BYTES} are allowed", name.len())
    } else if let Some(c) = name.chars().find(|c| !plain(*c)) {
        format!("{c:?} is not allowed; use letters, digits, `-` and `_`")
    } else if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        "it must begin with a letter or a digit".to_string()
    } else {
        return Ok(name);
    };
    let shown: String = name.chars().take(MAX_IDENTIFIER_BYTES).collect();
    Err(de::Error::custom(format!("{shown:?} is not a plain identifier: {problem}")))
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<semver::Version, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() > MAX_IDENTIFIER_BYTES {
        return Err(de::Error::custom(format!(
            "the version takes {} bytes, and {MAX_IDENTIFIER_BYTES} are allowed",
            text.len()
        )));
    }
    text.parse().map_err(|error| {
        de::Error::custom(format!(
            "{text:?} is not a version ({error}): write three numbers, as in 1.0.0"
        ))
    })
}

/// The files packed beside the code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SurrealismAttach {
    /// A directory, relative to the project, that the guest sees read-only at `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fs: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::package::capabilities::FunctionTargets;

    const PACKAGE: &str =
        "[package]\norganisation = \"acme\"\nname = \"demo\"\nversion = \"1.2.3\"\n";

    #[test]
    fn what_is_left_out_is_denied() {
        let config = SurrealismConfig::parse(PACKAGE).unwrap();
        assert_eq!(config.capabilities, SurrealismCapabilities::default());
        assert_eq!(config.abi, AbiVersion(0));
        assert_eq!(config.attach, SurrealismAttach::default());
        assert_eq!(config.file_name(), "acme-demo-1.2.3.surli");
    }

    #[test]
    fn everything_survives_writing_and_reading() {
        let text = format!(
            "target = \"rust\"\nabi = \"p2\"\n{PACKAGE}\
             [capabilities]\nallow_scripting = true\nallow_arbitrary_queries = true\n\
             allow_functions = [\"fn\"]\nallow_net = [\"10.0.0.0/8\"]\nmax_memory_bytes = 1\n\
             max_execution_time = 250\nmax_pool_size = 2\nmax_kv_entries = 3\n\
             max_kv_value_bytes = 4\nstrict_timeout = false\n[attach]\nfs = \"data\"\n"
        );
        let config = SurrealismConfig::parse(&text).unwrap();
        assert_eq!(config.capabilities.max_execution_time, Some(Duration::from_millis(250)));
        assert_eq!(config.capabilities.allow_functions, FunctionTargets::Some(vec!["fn".into()]));
        assert_eq!(config.abi, AbiVersion::CURRENT);
        let again = SurrealismConfig::parse(&config.to_toml().unwrap()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{config:?}"));
    }

    #[test]
    fn faults_are_named() {
        let package = |organisation: &str| {
            format!(
                "[package]\norganisation = \"{organisation}\"\nname = \"n\"\nversion = \"1.0.0\"\n"
            )
        };
        let cases = [
            (
                format!("{PACKAGE}[capabilities]\nmax_memry_bytes = 1"),
                "did you mean `max_memory_bytes`?",
            ),
            (
                format!("{PACKAGE}[capabilities]\nallow_queries = true"),
                "did you mean `allow_arbitrary_queries`?",
            ),
            (format!("{PACKAGE}[capabilites]\n"), "did you mean `capabilities`?"),
            (format!("{PACKAGE}[capabilities]\nmax_execution_time = \"soon\""), "line 6"),
            (format!("{PACKAGE}[capabilities]\nmax_memory_bytes = -1"), "line 6"),
            (format!("abi = \"p9\"\n{PACKAGE}"), "a number, \"p1\" or \"p2\""),
            (format!("abi = 4294967296\n{PACKAGE}"), "4294967296"),
            ("abi = 2".to_string(), "missing field `package`"),
            (PACKAGE.replace("1.2.3", &format!("1.2.3-{}", "x".repeat(60))), "takes 66 bytes"),
            (PACKAGE.replace("1.2.3", "one"), "line 4"),
            (package("../evil"), "is not a plain identifier: '.' is not allowed"),
            (package(""), "it is empty"),
            (package("-x"), "must begin with a letter or a digit"),
            (package(&"x".repeat(65)), "it is 65 bytes long, and 64 are allowed"),
            (package("a\u{202e}b"), "is not allowed"),
        ];
        for (text, expected) in cases {
            let error = SurrealismConfig::parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error} lacks {expected:?}");
        }
    }
}
