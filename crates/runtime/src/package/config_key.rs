//! The `[config]` of `surrealism.toml`: the keys that a module takes from its host.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value as Json;
use surrealdb_types::{Kind, ToSql, Value};
use surrealism_types::coerce::{coerce, parse_kind};
use surrealism_types::json::from_json;

use crate::limits::{MAX_CONFIG_COMMENT_BYTES, MAX_CONFIG_KEY_BYTES, MAX_CONFIG_KEYS};

/// The declared keys, by name.
pub type ConfigKeys = BTreeMap<String, ConfigKey>;

/// A key that a module takes from its host: `[config.KEY]`.
///
/// ```
/// use surrealdb_types::Kind;
/// use surrealism_runtime::SurrealismConfig;
///
/// let config = SurrealismConfig::parse(
///     r#"
///     [package]
///     organisation = "acme"
///     name = "weather"
///     version = "1.0.0"
///     [config.api_url]
///     kind = "string"
///     comment = "Where the weather service is"
///     [config.retries]
///     kind = "int"
///     default = 3
///     "#,
/// )?;
/// assert_eq!(config.config["api_url"].kind(), &Kind::String);
/// assert!(config.config["api_url"].is_required() && !config.config["retries"].is_required());
/// # Ok::<(), surrealism_runtime::SurrealismError>(())
/// ```
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Declaration", into = "Declaration")]
pub struct ConfigKey {
    declaration: Declaration,
    kind: Kind,
    default: Option<Value>,
}

impl ConfigKey {
    /// Returns the kind of the key's value.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Returns what the key is for, in the words of the author, on one line.
    pub fn comment(&self) -> Option<&str> {
        self.declaration.comment.as_deref()
    }

    /// Returns whether nothing may show the key's value.
    pub fn is_secret(&self) -> bool {
        self.declaration.secret
    }

    /// Returns the value that the key has without one of the host: its default, or NONE for a kind that takes
    /// NONE.
    pub fn default_value(&self) -> Option<&Value> {
        self.default.as_ref()
    }

    /// Returns whether the host has to give a value.
    pub fn is_required(&self) -> bool {
        self.default.is_none()
    }
}

/// Leaves out the default of a secret.
impl fmt::Debug for ConfigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = self.default.as_ref().map(|value| match self.is_secret() {
            true => "[secret]".to_string(),
            false => value.to_sql(),
        });
        f.debug_struct("ConfigKey")
            .field("kind", &self.declaration.kind)
            .field("comment", &self.declaration.comment)
            .field("secret", &self.declaration.secret)
            .field("default", &default)
            .finish()
    }
}

/// The table in TOML.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    secret: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<toml::Value>,
}

impl TryFrom<Declaration> for ConfigKey {
    type Error = String;

    fn try_from(declaration: Declaration) -> Result<Self, String> {
        let kind = parse_kind(&declaration.kind).map_err(|error| error.to_string())?;
        let default =
            match &declaration.default {
                Some(default) => Some(from_json(&json_of(default), &kind).map_err(|error| {
                    match declaration.secret {
                        true => "the default is not of the key's kind".to_string(),
                        false => format!("the default is not of the key's kind: {error}"),
                    }
                })?),
                None => coerce(Value::None, &kind).ok(),
            };
        let comment = declaration.comment.as_deref().map(one_line).transpose()?;
        Ok(Self { declaration: Declaration { comment, ..declaration }, kind, default })
    }
}

impl From<ConfigKey> for Declaration {
    fn from(key: ConfigKey) -> Self {
        key.declaration
    }
}

/// Joins the lines of a comment.
fn one_line(comment: &str) -> Result<String, String> {
    let comment = comment.split_whitespace().collect::<Vec<_>>().join(" ");
    if comment.len() > MAX_CONFIG_COMMENT_BYTES {
        return Err(format!(
            "the comment takes {} bytes, and {MAX_CONFIG_COMMENT_BYTES} are allowed: shorten it",
            comment.len()
        ));
    }
    if comment.contains(char::is_control) {
        return Err("the comment has a control character: remove it".to_string());
    }
    Ok(comment)
}

/// Reads the table of all keys.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<ConfigKeys, D::Error> {
    let keys = ConfigKeys::deserialize(deserializer)?;
    if keys.len() > MAX_CONFIG_KEYS {
        return Err(de::Error::custom(format!(
            "[config] has {} keys, and {MAX_CONFIG_KEYS} are allowed: put several into one of kind `object`",
            keys.len()
        )));
    }
    keys.keys().try_for_each(|name| check_name(name)).map_err(de::Error::custom)?;
    Ok(keys)
}

/// Allows names that differ in more than their case, since those of environment variables have none.
fn check_name(name: &str) -> Result<(), String> {
    let in_names = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let length = name.len();
    if length > MAX_CONFIG_KEY_BYTES {
        return Err(format!(
            "the name of a key takes {length} bytes, and {MAX_CONFIG_KEY_BYTES} are allowed: shorten it"
        ));
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(in_names) {
        return Err(format!(
            "{name:?} is not the name of a key: use lowercase letters, digits and `_`, a letter first"
        ));
    }
    Ok(())
}

/// Returns what JSON has for a value of TOML. A date is its text.
pub(crate) fn json_of(value: &toml::Value) -> Json {
    match value {
        toml::Value::String(text) => Json::from(text.as_str()),
        toml::Value::Integer(int) => Json::from(*int),
        toml::Value::Float(float) if float.is_nan() => Json::from("NaN"),
        toml::Value::Float(float) if float.is_infinite() => {
            Json::from(if *float > 0.0 { "Infinity" } else { "-Infinity" })
        }
        toml::Value::Float(float) => Json::from(*float),
        toml::Value::Boolean(bool) => Json::from(*bool),
        toml::Value::Datetime(datetime) => Json::from(datetime.to_string()),
        toml::Value::Array(items) => items.iter().map(json_of).collect(),
        toml::Value::Table(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), json_of(value))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::config::SurrealismConfig;

    fn parse(config: &str) -> Result<SurrealismConfig, String> {
        let package = "[package]\norganisation = 'acme'\nname = 'demo'\nversion = '1.0.0'\n";
        SurrealismConfig::parse(&format!("{package}{config}")).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_are_read_and_written() {
        let config = parse(
            "[config.url]\nkind = 'string'\ncomment = '''\nWhere it is,\n  and how.'''\n\
             [config.since]\nkind = 'datetime'\ndefault = 2026-01-31T12:00:00Z\n\
             [config.ratio]\nkind = 'float'\ndefault = 1\n\
             [config.limit]\nkind = 'number'\ndefault = inf\n\
             [config.names]\nkind = 'array<string>'\ndefault = ['a', 'b']\n\
             [config.server]\nkind = '{ host: string, port: 80 | 443 }'\n\
             default = { host = 'x', port = 443 }\n\
             [config.note]\nkind = 'option<string>'\n\
             [config.key]\nkind = 'string'\nsecret = true\ndefault = 'hunter2'\n",
        )
        .unwrap();
        let default = |key: &str| config.config[key].default_value().map(ToSql::to_sql);
        assert_eq!(config.config["url"].comment(), Some("Where it is, and how."));
        assert_eq!(default("url"), None);
        assert_eq!(default("since").unwrap(), "d'2026-01-31T12:00:00Z'");
        assert_eq!(default("ratio").unwrap(), "1f");
        assert_eq!(default("limit").unwrap(), "Infinity");
        assert_eq!(default("names").unwrap(), "['a', 'b']");
        assert_eq!(default("server").unwrap(), "{ host: 'x', port: 443 }");
        assert_eq!(default("note").unwrap(), "NONE");

        let again = SurrealismConfig::parse(&config.to_toml().unwrap()).unwrap();
        assert_eq!(again.config, config.config);
        let shown = format!("{config:?}");
        assert!(shown.contains("[secret]") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_module_without_keys_is_written_without_the_table() {
        assert!(!parse("").unwrap().to_toml().unwrap().contains("config"));
    }

    #[test]
    fn faults_are_named() {
        let many = |count: usize| -> String {
            (0..count).map(|n| format!("[config.k{n}]\nkind = 'int'\n")).collect()
        };
        let comment =
            |length: usize| format!("[config.a]\nkind = 'int'\ncomment = '{}'", "x".repeat(length));
        let named = |length: usize| format!("[config.{}]\nkind = 'int'", "x".repeat(length));
        for fits in
            [many(MAX_CONFIG_KEYS), comment(MAX_CONFIG_COMMENT_BYTES), named(MAX_CONFIG_KEY_BYTES)]
        {
            parse(&fits).unwrap();
        }
        for (text, expected) in [
            (many(MAX_CONFIG_KEYS + 1), "[config] has 101 keys, and 100 are allowed"),
            (comment(MAX_CONFIG_COMMENT_BYTES + 1), "takes 1025 bytes, and 1024 are allowed"),
            (named(MAX_CONFIG_KEY_BYTES + 1), "takes 65 bytes, and 64 are allowed"),
            ("[config.a]\nkind = 'strin'".into(), "did you mean `string`?"),
            ("[config.a]\ncomment = 'x'".into(), "missing field `kind`"),
            ("[config.a]\nkind = 'int'\nsecrt = true".into(), "did you mean `secret`?"),
            ("[config.a]\nkind = 'int'\ndefault = 'x'".into(), "expected int, got string 'x'"),
            ("[config.a]\nkind = 'int'\ncomment = \"\\u0007\"".into(), "control character"),
            ("[config.Url]\nkind = 'int'".into(), "\"Url\" is not the name of a key"),
            ("[config.1a]\nkind = 'int'".into(), "is not the name of a key"),
            ("[config.a-b]\nkind = 'int'".into(), "is not the name of a key"),
            ("[config.\"\"]\nkind = 'int'".into(), "is not the name of a key"),
            ("[config]\na = 'int'".into(), "line 6"),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(expected), "{error} lacks {expected:?}");
        }
    }
}
