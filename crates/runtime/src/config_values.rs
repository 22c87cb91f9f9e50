//! The values that a host gives a module for the keys of its `[config]`.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Result, anyhow, bail};
use serde_json::Value as Json;
use surrealdb_types::{Kind, SurrealValue, ToSql, Value};
use surrealism_types::codec;
use surrealism_types::coerce::coerce;
use surrealism_types::json::{from_json, to_json};
use surrealism_types::names::near_names;

use crate::limits::{MAX_CONFIG_BYTES, MAX_CONFIG_VALUE_BYTES};
use crate::package::config::SurrealismMeta;
use crate::package::config_key::{ConfigKey, ConfigKeys, json_of};
use crate::secret::Secret;
use crate::text::{quoted, truncate_to};

/// Values for the keys that a module declares in the `[config]` of its `surrealism.toml`.
///
/// They are coerced to the kinds of the keys when the module is loaded. A key that is missing, unknown or
/// of another kind is an error of the load, [`InvalidConfigValues`](crate::LoadError::InvalidConfigValues).
/// `Debug` shows no value, and neither does an error that of a secret.
///
/// ```no_run
/// use surrealism_runtime::{ConfigValues, Runtime, SurrealismPackage};
///
/// # fn example(package: SurrealismPackage) -> Result<(), Box<dyn std::error::Error>> {
/// let values = ConfigValues::new()
///     .value("retries", 3_i64)
///     .text("timeout", "1m30s")
///     .text("api_key", std::env::var("WEATHER_API_KEY")?);
/// let runtime = Runtime::builder(package).config(values).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "values have no effect until they are passed to `RuntimeBuilder::config`"]
pub struct ConfigValues(BTreeMap<String, Secret<Given>>);

/// A value before its kind is known.
#[derive(Clone)]
enum Given {
    Value(Value),
    Text(String),
    Json(Json),
}

impl ConfigValues {
    /// Returns no values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key to a value, which is coerced as an argument of a function is.
    pub fn value(self, key: impl Into<String>, value: impl SurrealValue) -> Self {
        self.with(key.into(), Given::Value(value.into_value()))
    }

    /// Sets a key to what a text stands for, by its kind: `text` for a string, `1h30m` for a duration,
    /// `2026-01-31` for a datetime, and otherwise JSON: `12`, `["a", "b"]`.
    pub fn text(self, key: impl Into<String>, text: impl Into<String>) -> Self {
        self.with(key.into(), Given::Text(text.into()))
    }

    /// Sets a key to a value in [one of the forms of JSON](crate::json#the-forms).
    pub fn json(self, key: impl Into<String>, json: Json) -> Self {
        self.with(key.into(), Given::Json(json))
    }

    fn with(mut self, key: String, given: Given) -> Self {
        self.0.insert(key, Secret::new(given));
        self
    }

    /// Reads values from TOML: `retries = 3`.
    ///
    /// # Errors
    ///
    /// When the text is not TOML. The error has the line, and nothing of what is there.
    pub fn from_toml(text: &str) -> Result<Self> {
        let values: toml::Table = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            anyhow!("line {} is not TOML: write KEY = VALUE", before.matches('\n').count() + 1)
        })?;
        let values = values.iter().map(|(key, value)| (key.clone(), json_of(value)));
        Ok(values.fold(Self::new(), |all, (key, json)| all.json(key, json)))
    }

    /// Reads values from a JSON object: `{ "retries": 3 }`.
    ///
    /// # Errors
    ///
    /// When the text is not a JSON object. The error has the line, and nothing of what is there.
    pub fn from_json(text: &str) -> Result<Self> {
        match serde_json::from_str(text) {
            Ok(Json::Object(values)) => {
                Ok(values.into_iter().fold(Self::new(), |all, (key, json)| all.json(key, json)))
            }
            Ok(_) => bail!("it is not a JSON object: write {{ \"KEY\": VALUE }}"),
            Err(error) => bail!("line {} is not JSON: write {{ \"KEY\": VALUE }}", error.line()),
        }
    }

    /// Returns these values, and for keys that have none here those of `others`.
    pub fn or(mut self, others: Self) -> Self {
        for (key, value) in others.0 {
            self.0.entry(key).or_insert(value);
        }
        self
    }

    /// Returns the keys that have a value.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Keeps the values of these keys.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|key, _| keep(key));
    }

    /// Checks the values for a module that declares these keys, as loading it does.
    ///
    /// # Errors
    ///
    /// When a key is missing, unknown or of another kind. The error has all of them, with their kinds and
    /// comments, and no value of a secret.
    pub fn check(&self, keys: &ConfigKeys) -> Result<()> {
        Settings::resolve(keys, self).map(drop)
    }
}

impl Given {
    /// Returns the value of the kind.
    ///
    /// # Errors
    ///
    /// With a text that may have parts of the value.
    fn read(&self, kind: &Kind) -> Result<Value, String> {
        match self {
            Self::Value(value) => coerce(value.clone(), kind),
            Self::Json(json) => from_json(json, kind),
            Self::Text(text) => from_json(&Json::from(text.as_str()), kind).or_else(|error| {
                let json = serde_json::from_str(text).map_err(|_| error)?;
                from_json(&json, kind)
            }),
        }
        .map_err(|error| error.to_string())
    }
}

/// The values of a loaded module, as its guests get them.
#[derive(Debug, Default)]
pub(crate) struct Settings(BTreeMap<String, Setting>);

#[derive(Debug)]
struct Setting {
    /// What any guest gets: the text of a string, JSON for other values; `None` for NONE.
    text: Option<Secret<String>>,
    /// What the SDK gets: the encoded value in hexadecimal digits.
    encoded: Secret<String>,
}

/// What the SDK puts before a key to get the encoded value.
const ENCODED_PREFIX: &str = "surrealism:";

impl Settings {
    /// Reads the values that a host gives a module.
    ///
    /// # Errors
    ///
    /// When a key is missing, unknown or of another kind, or its value is too large.
    pub(crate) fn new(
        meta: &SurrealismMeta,
        keys: &ConfigKeys,
        given: &ConfigValues,
    ) -> Result<Self> {
        Self::resolve(keys, given)
            .map_err(|error| anyhow!("the configuration of {meta} is not valid: {error}"))
    }

    fn resolve(keys: &ConfigKeys, given: &ConfigValues) -> Result<Self> {
        let mut problems: Vec<String> = Vec::new();
        let mut settings = BTreeMap::new();
        let mut bytes = 0;
        for (name, key) in keys {
            let value = given.0.get(name).map(Secret::expose);
            match setting(name, key, value) {
                Ok(setting) => {
                    bytes += setting.encoded.expose().len() / 2;
                    settings.insert(name.clone(), setting);
                }
                Err(problem) => problems.push(problem),
            }
        }
        let unknown = given.keys().filter(|name| !keys.contains_key(*name));
        problems.extend(unknown.map(|name| not_declared(name, keys)));
        if problems.is_empty() && bytes > MAX_CONFIG_BYTES {
            problems.push(format!(
                "its values take {bytes} bytes, and {MAX_CONFIG_BYTES} are allowed: shorten them"
            ));
        }
        if problems.is_empty() { Ok(Self(settings)) } else { bail!("{}", listed(&problems)) }
    }

    /// Returns what a guest gets for a key; `None` where there is nothing.
    ///
    /// # Errors
    ///
    /// When the SDK asks for a key that is not declared.
    pub(crate) fn get(&self, key: &str) -> Result<Option<String>, String> {
        let Some(name) = key.strip_prefix(ENCODED_PREFIX) else {
            let text = self.0.get(key).and_then(|setting| setting.text.as_ref());
            return Ok(text.map(|text| text.expose().clone()));
        };
        match self.0.get(name) {
            Some(setting) => Ok(Some(setting.encoded.expose().clone())),
            None => Err(undeclared(name, self.0.keys().map(String::as_str))),
        }
    }

    /// Returns the texts of all keys that have one.
    pub(crate) fn all(&self) -> Vec<(String, String)> {
        let texts = self.0.iter().filter_map(|(name, setting)| {
            Some((name.clone(), setting.text.as_ref()?.expose().clone()))
        });
        texts.collect()
    }
}

/// Makes a key's value. The error is a problem to list.
fn setting(name: &str, key: &ConfigKey, given: Option<&Given>) -> Result<Setting, String> {
    let value = match (given, key.default_value()) {
        (Some(given), _) => given.read(key.kind()).map_err(|reason| match key.is_secret() {
            true => format!("{} is not of its kind", described(name, key)),
            false => format!("{}: {reason}", described(name, key)),
        })?,
        (None, Some(default)) => default.clone(),
        (None, None) => return Err(format!("{} has no value", described(name, key))),
    };
    let encoded = codec::encode_value(&value)
        .map_err(|_| format!("{} cannot be encoded", described(name, key)))?;
    if encoded.len() > MAX_CONFIG_VALUE_BYTES {
        return Err(format!(
            "{} takes {} bytes, and {MAX_CONFIG_VALUE_BYTES} are allowed",
            described(name, key),
            encoded.len()
        ));
    }
    let text = match &value {
        Value::None => None,
        Value::String(text) => Some(text.clone()),
        value => Some(to_json(value).to_string()),
    };
    let encoded = Secret::new(hex::encode(encoded));
    Ok(Setting { text: text.map(Secret::new), encoded })
}

/// Returns a key's name, kind and comment.
fn described(name: &str, key: &ConfigKey) -> String {
    const MAX_TEXT_BYTES: usize = 200;

    let kind = key.kind().to_sql();
    let kind = truncate_to(&kind, MAX_TEXT_BYTES).escape_debug();
    let secret = if key.is_secret() { ", secret" } else { "" };
    match key.comment() {
        Some(comment) => {
            format!("`{name}` ({kind}{secret}: {})", truncate_to(comment, MAX_TEXT_BYTES))
        }
        None => format!("`{name}` ({kind}{secret})"),
    }
}

fn not_declared(name: &str, keys: &ConfigKeys) -> String {
    undeclared_with(name, keys.keys().map(String::as_str), |near| described(near, &keys[near]))
}

fn undeclared<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    undeclared_with(name, known, |near| format!("`{near}`"))
}

fn undeclared_with<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    shown: impl Fn(&str) -> String,
) -> String {
    const MAX_NAME_BYTES: usize = 64;
    const MAX_LISTED: usize = 10;

    let near = near_names(name, known.clone());
    let name = format!("{:?} is not declared in [config]", truncate_to(name, MAX_NAME_BYTES));
    let listed: Vec<&str> = known.take(MAX_LISTED).collect();
    match (near.as_slice(), listed.as_slice()) {
        ([near, ..], _) => format!("{name}; did you mean {}?", shown(near)),
        ([], []) => format!("{name}, which has no keys"),
        ([], listed) => format!("{name}, which has {}", quoted(listed)),
    }
}

/// Lists problems, of many the first.
fn listed(problems: &[String]) -> impl fmt::Display {
    const MAX_LISTED: usize = 10;

    let more = match problems.len().checked_sub(MAX_LISTED) {
        None | Some(0) => String::new(),
        Some(more) => format!("; and {more} more"),
    };
    let shown: Vec<&str> = problems.iter().take(MAX_LISTED).map(String::as_str).collect();
    format!("{}{more}", shown.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::config::SurrealismConfig;

    #[test]
    fn guests_of_any_sdk_get_texts() {
        let config = SurrealismConfig::parse(
            "[package]\norganisation = 'acme'\nname = 'x'\nversion = '1.0.0'\n\
             [config.text]\nkind = 'string'\ndefault = '12'\n\
             [config.count]\nkind = 'int'\ndefault = 12\n\
             [config.since]\nkind = 'datetime'\ndefault = 2026-01-31\n\
             [config.names]\nkind = 'array<string>'\ndefault = ['a']\n\
             [config.note]\nkind = 'option<string>'\n",
        )
        .unwrap();
        let settings = Settings::new(&config.meta, &config.config, &ConfigValues::new()).unwrap();
        let text = |key: &str| settings.get(key).unwrap();
        assert_eq!(text("text").unwrap(), "12");
        assert_eq!(text("count").unwrap(), "12");
        assert_eq!(text("since").unwrap(), "\"2026-01-31T00:00:00Z\"");
        assert_eq!(text("names").unwrap(), "[\"a\"]");
        assert_eq!((text("note"), text("nothing")), (None, None));
        assert_eq!(settings.all().len(), 4);

        let encoded = codec::encode_value(&Value::from_t(12_i64)).unwrap();
        assert_eq!(text("surrealism:count").unwrap(), hex::encode(encoded));
        assert!(text("surrealism:note").is_some());
        settings.get("surrealism:nothing").unwrap_err();
        assert!(!format!("{settings:?}").contains("12"), "{settings:?}");
    }
}
