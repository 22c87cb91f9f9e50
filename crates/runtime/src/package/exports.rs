//! `exports.toml`: the signatures of an archive's functions, readable without running a guest.

use std::collections::HashSet;
use std::fmt;

use anyhow::ensure;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use surrealdb_types::{Kind, ToSql, Value};
use surrealism_types::coerce::ArgumentError;
use surrealism_types::err::{PrefixErr, SurrealismResult};
use surrealism_types::{codec, json};

use crate::limits::{MAX_FUNCTION_NAME_BYTES, MAX_FUNCTIONS};
use crate::text::bounded;

/// The signatures of a module's functions.
///
/// ```
/// use surrealdb_types::Kind;
/// use surrealism_runtime::{ExportsManifest, FunctionExport, SurrealismError};
///
/// let mut manifest = ExportsManifest::empty();
/// manifest.functions.push(FunctionExport {
///     name: Some("math::add".to_string()),
///     args: vec![("a".to_string(), Kind::Int), ("b".to_string(), Kind::Int)],
///     returns: Kind::Int,
///     args_text: None,
///     returns_text: None,
///     writeable: false,
///     comment: None,
/// });
///
/// let parsed = ExportsManifest::parse(&manifest.to_toml()?)?;
/// assert_eq!(parsed, manifest);
/// assert!(parsed.get_signature(Some("math::add")).is_some());
/// assert!(parsed.get_signature(None).is_none());
/// # Ok::<(), SurrealismError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportsManifest {
    /// The functions, in no particular order.
    pub functions: Vec<FunctionExport>,
}

impl ExportsManifest {
    /// Returns a manifest without functions: a build begins with it, before it has run the component.
    pub fn empty() -> Self {
        Self { functions: Vec::new() }
    }

    /// Parses a manifest.
    ///
    /// # Errors
    ///
    /// When the text is not TOML, a signature cannot be decoded, two functions have the same name, or a
    /// limit is exceeded.
    pub fn parse(s: &str) -> SurrealismResult<Self> {
        // The error repeats the line that it is about.
        let parsed = toml::from_str::<Self>(s)
            .map_err(|error| anyhow::Error::msg(bounded(format_args!("{error}"))));
        let checked = parsed.and_then(|manifest| manifest.check().map(|()| manifest));
        checked.prefix_err(|| "exports.toml is not valid")
    }

    /// Writes the manifest in the form that [`parse`](Self::parse) reads.
    ///
    /// # Errors
    ///
    /// When a signature cannot be encoded.
    pub fn to_toml(&self) -> SurrealismResult<String> {
        toml::to_string(self).prefix_err(|| "exports.toml cannot be written")
    }

    fn check(&self) -> anyhow::Result<()> {
        let count = self.functions.len();
        ensure!(
            count <= MAX_FUNCTIONS,
            "the archive has {count} functions, and {MAX_FUNCTIONS} are allowed: split it"
        );
        let mut seen = HashSet::new();
        for function in &self.functions {
            let name = function.name.as_deref();
            let length = name.map_or(0, str::len);
            ensure!(
                length <= MAX_FUNCTION_NAME_BYTES,
                "the name of a function takes {length} bytes, and {MAX_FUNCTION_NAME_BYTES} are allowed: \
                 shorten it"
            );
            ensure!(
                name.is_none_or(is_path),
                "{name:?} is not the name of a function: use words of letters, digits and `_` with `::` \
                 between them",
                name = name.unwrap_or_default()
            );
            ensure!(
                seen.insert(name),
                "the archive has two functions {:?}",
                name.unwrap_or("(default)")
            );
        }
        Ok(())
    }

    /// Returns a function by its name; `None` is the default export.
    pub fn get_signature(&self, name: Option<&str>) -> Option<&FunctionExport> {
        self.functions.iter().find(|function| function.name.as_deref() == name)
    }
}

/// Returns whether a function can have this name. Hosts print names and complete them in queries, so that
/// they must not contain quotes, spaces or invisible characters.
fn is_path(name: &str) -> bool {
    // The joiners are invisible, and some versions of Unicode allow them in identifiers.
    let is_allowed = |c| unicode_ident::is_xid_continue(c) && !matches!(c, '\u{200c}' | '\u{200d}');
    name.split("::").all(|word| !word.is_empty() && word.chars().all(is_allowed))
}

/// The signature of a function.
///
/// ```
/// use surrealdb_types::Kind;
/// use surrealism_runtime::FunctionExport;
///
/// let function = FunctionExport {
///     name: Some("text::slug".to_string()),
///     args: vec![("text".to_string(), Kind::String)],
///     returns: Kind::String,
///     args_text: None,
///     returns_text: None,
///     writeable: false,
///     comment: Some("Makes a slug of a title.".to_string()),
/// };
/// assert_eq!(function.to_string(), "text::slug(text: string) -> string");
/// assert_eq!(function.args_display(), "text: string");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionExport {
    /// The name, namespaces included; `None` for the default export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The arguments, by name and kind. In TOML, the hexadecimal form of
    /// [`codec::encode_arguments`].
    #[serde(with = "hex_arguments")]
    pub args: Vec<(String, Kind)>,
    /// The kind of the result. In TOML, the hexadecimal form of [`codec::encode_kind`].
    #[serde(with = "hex_kind")]
    pub returns: Kind,
    /// The arguments as text, where that says more than their kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args_text: Option<Vec<String>>,
    /// The result as text, where that says more than its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns_text: Option<String>,
    /// Whether the function may write to the database.
    #[serde(default)]
    pub writeable: bool,
    /// The function's documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl FunctionExport {
    /// Reads the arguments of a call from JSON, by the kinds of the signature: an array, or an object by the
    /// names of the parameters. [`to_json`](crate::json::to_json) and
    /// [`to_json_lossless`](crate::json::to_json_lossless) write results.
    ///
    /// ```
    /// use serde_json::json;
    /// # use surrealism_runtime::FunctionExport;
    /// # use surrealdb_types::{Kind, ToSql};
    /// # let price = FunctionExport {
    /// #     name: Some("price".to_string()),
    /// #     args: vec![("net".to_string(), Kind::Decimal), ("due".to_string(), Kind::Datetime)],
    /// #     returns: Kind::Decimal,
    /// #     args_text: None,
    /// #     returns_text: None,
    /// #     writeable: false,
    /// #     comment: None,
    /// # };
    ///
    /// let args = price.arguments_from_json(&json!({ "net": "12.50", "due": "2026-01-31" }))?;
    /// assert_eq!(args[0].to_sql(), "12.50dec");
    /// # Ok::<(), surrealism_runtime::coerce::ArgumentError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When there are too many arguments or too few, or one cannot be read as its kind. The error says which.
    pub fn arguments_from_json(
        &self,
        args: &serde_json::Value,
    ) -> Result<Vec<Value>, ArgumentError> {
        json::arguments_from_json(args, &self.args)
    }

    /// Formats the arguments: `name: string, age: int`.
    pub fn args_display(&self) -> String {
        match &self.args_text {
            Some(text) => text.join(", "),
            None => {
                let argument = |(name, kind): &(String, Kind)| format!("{name}: {}", kind.to_sql());
                self.args.iter().map(argument).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Formats the result's kind: `array<string>`.
    pub fn returns_display(&self) -> String {
        self.returns_text.clone().unwrap_or_else(|| self.returns.to_sql())
    }
}

/// Formats the signature: `math::add(a: int, b: int) -> int`.
impl fmt::Display for FunctionExport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("(default)");
        write!(f, "{name}({}) -> {}", self.args_display(), self.returns_display())
    }
}

mod hex_arguments {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        args: &[(String, Kind)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let args: Vec<(&str, Kind)> =
            args.iter().map(|(name, kind)| (name.as_str(), kind.clone())).collect();
        let bytes = codec::encode_arguments(&args).map_err(ser::Error::custom)?;
        hex::serde::serialize(bytes, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(String, Kind)>, D::Error> {
        let bytes: Vec<u8> = hex::serde::deserialize(deserializer)?;
        codec::decode_arguments(&bytes).map_err(de::Error::custom)
    }
}

mod hex_kind {
    use super::*;

    pub(super) fn serialize<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = codec::encode_kind(kind).map_err(ser::Error::custom)?;
        hex::serde::serialize(bytes, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Kind, D::Error> {
        let bytes: Vec<u8> = hex::serde::deserialize(deserializer)?;
        codec::decode_kind(&bytes).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: Option<&str>, args: Vec<(String, Kind)>) -> FunctionExport {
        FunctionExport {
            name: name.map(str::to_string),
            args,
            returns: Kind::Array(Box::new(Kind::Any), None),
            args_text: None,
            returns_text: None,
            writeable: true,
            comment: Some("Says hello.".to_string()),
        }
    }

    #[test]
    fn a_manifest_survives_writing_and_reading() {
        let optional = Kind::Either(vec![Kind::None, Kind::Int]);
        let manifest = ExportsManifest {
            functions: vec![
                function(None, vec![("name".to_string(), Kind::String)]),
                function(Some("a::b"), vec![("x".to_string(), optional)]),
            ],
        };
        let again = ExportsManifest::parse(&manifest.to_toml().unwrap()).unwrap();
        assert_eq!(again, manifest);
        assert!(again.get_signature(None).is_some());
        assert!(again.get_signature(Some("a::b")).is_some());
        assert!(again.get_signature(Some("b")).is_none());
    }

    #[test]
    fn signatures_read_well() {
        let mut export = function(
            Some("greet"),
            vec![
                ("name".to_string(), Kind::String),
                ("age".to_string(), Kind::Either(vec![Kind::None, Kind::Int])),
            ],
        );
        assert_eq!(export.to_string(), "greet(name: string, age: none | int) -> array<any>");
        export.args_text = Some(vec!["who".to_string()]);
        export.returns_text = Some("greetings".to_string());
        assert_eq!(export.to_string(), "greet(who) -> greetings");
    }

    #[test]
    fn names_are_paths_of_words() {
        for good in ["f", "math::add", "_1", "größe", "हिन्दी::a", "1st"] {
            assert!(is_path(good), "{good:?}");
        }
        for bad in [
            "",
            "::",
            "a::",
            "a:b",
            "a b",
            "a-b",
            "f(); REMOVE TABLE page; --",
            "`f`",
            "a\nb",
            "a\u{1b}[2J",
            "a\u{9b}",
            "a\u{200d}b",
            "a\u{202e}b",
            "a\u{2028}b",
            "a\u{e0041}",
        ] {
            assert!(!is_path(bad), "{bad:?}");
        }
    }

    const FUNCTION: &str = "[[functions]]\nname = \"f\"\n\
        args = \"0c0000000000060008000400060000000400000000000000\"\n\
        returns = \"0c00000008000c00070008000800000000000003080000000400040004000000\"\n";

    #[test]
    fn faults_are_named() {
        let cases = [
            ("", "missing field `functions`"),
            ("[[functions]]\nargs = \"zz\"\nreturns = \"\"", "line 2"),
            (&FUNCTION.repeat(2), "two functions \"f\""),
            (&FUNCTION.replace("\"f\"", "\"f()\""), "\"f()\" is not the name of a function"),
            ("[[functions]]\nargs = \"00\"\nreturns = \"00\"", "cannot decode a list of arguments"),
        ];
        for (text, expected) in cases {
            let error = ExportsManifest::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error} lacks {expected:?}");
        }
    }
}
