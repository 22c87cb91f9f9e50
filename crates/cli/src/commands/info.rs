//! `surrealism info`: describes an archive without running it.

use std::fmt;
use std::path::PathBuf;

use bytesize::ByteSize;
use clap::Args;
use serde::Serialize;
use surrealdb_types::ToSql;
use surrealism_runtime::config::SurrealismMeta;
use surrealism_runtime::{
    ConfigKey, ConfigKeys, ConfigValues, ExportsManifest, FunctionExport, FunctionTargets,
    SurrealismCapabilities, SurrealismPackage,
};

use crate::args::config::ConfigArgs;
use crate::args::grants;
use crate::error::{CliResult, ExitCode, ExitContext};
use crate::load;
use crate::sizes::{Files, Sizes};
use crate::ui::table::Table;
use crate::ui::terminal::{self, BOLD, DIM, Terminal};
use crate::ui::text::{Text, text};

/// Show the functions, capabilities, limits and sizes of an archive
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surrealism info demo.surli
  surrealism info demo.surli --json | jq '.functions[].name'")]
pub(crate) struct Info {
    /// Archive to describe
    archive: PathBuf,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    config: ConfigArgs,
}

impl Info {
    pub(crate) fn run(self, terminal: Terminal) -> CliResult {
        let package = load::open(&self.archive)?;
        let effective =
            grants::effective_before(&package, terminal).exit_code(ExitCode::Archive)?;
        let sizes = Sizes::measure(&package, &self.archive)?;
        let values = self.config.values(&package, terminal)?;
        let config = config_keys(&package.config.config, &values);
        let text = match self.json {
            true => Text::json(&Description::new(&package, effective, config, sizes), true)?,
            false => describe(&package, effective, &config, &sizes),
        };
        Ok(terminal::print(text)?)
    }
}

/// The JSON output.
#[derive(Serialize)]
struct Description<'a> {
    #[serde(flatten)]
    meta: &'a SurrealismMeta,
    abi: u32,
    functions: Vec<Function<'a>>,
    capabilities: &'a SurrealismCapabilities,
    /// What the archive has of that by earlier answers; left out if it asks for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective: Option<SurrealismCapabilities>,
    config: Vec<ConfigEntry<'a>>,
    store: Store,
    sizes: Sizes,
}

/// A key that the archive takes from its host.
#[derive(Serialize)]
struct ConfigEntry<'a> {
    name: &'a str,
    kind: String,
    comment: Option<&'a str>,
    secret: bool,
    required: bool,
    /// Whether the command line, a variable or a file sets it.
    set: bool,
    /// As SurrealQL. That of a secret is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
}

fn config_keys<'a>(keys: &'a ConfigKeys, values: &ConfigValues) -> Vec<ConfigEntry<'a>> {
    let entry = |(name, key): (&'a String, &'a ConfigKey)| ConfigEntry {
        name,
        kind: key.kind().to_sql(),
        comment: key.comment(),
        secret: key.is_secret(),
        required: key.is_required(),
        set: values.keys().any(|set| set == name),
        default: key.default_value().filter(|_| !key.is_secret()).map(ToSql::to_sql),
    };
    keys.iter().map(entry).collect()
}

/// Says whether a key is set and what it is for.
impl fmt::Display for ConfigEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}, ", self.kind, if self.secret { ", secret" } else { "" })?;
        match (&self.default, self.set, self.required) {
            (_, true, _) => f.write_str("set")?,
            (_, false, true) => f.write_str("NOT SET")?,
            (Some(default), false, false) => write!(f, "default {default}")?,
            (None, false, false) => f.write_str("default")?,
        }
        self.comment.map_or(Ok(()), |comment| write!(f, ": {comment}"))
    }
}

/// The key-value store that the archive gets unless the operator names another.
#[derive(Serialize)]
struct Store {
    name: String,
    /// SHA-256 of the component. The store belongs to the first that used its name.
    owner: String,
}

impl Store {
    fn new(package: &SurrealismPackage) -> Self {
        let SurrealismMeta { organisation, name, .. } = &package.config.meta;
        let owner = package.digest().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name: format!("{organisation}/{name}"), owner }
    }
}

#[derive(Serialize)]
struct Function<'a> {
    /// `null` for the default export.
    name: Option<&'a str>,
    args: Vec<Argument<'a>>,
    returns: String,
    writeable: bool,
    comment: Option<&'a str>,
}

#[derive(Serialize)]
struct Argument<'a> {
    name: &'a str,
    kind: String,
}

impl<'a> Description<'a> {
    fn new(
        package: &'a SurrealismPackage,
        effective: Option<SurrealismCapabilities>,
        keys: Vec<ConfigEntry<'a>>,
        sizes: Sizes,
    ) -> Self {
        let config = &package.config;
        Self {
            meta: &config.meta,
            abi: config.abi.0,
            functions: sorted(&package.exports).into_iter().map(Function::new).collect(),
            capabilities: &config.capabilities,
            effective,
            config: keys,
            store: Store::new(package),
            sizes,
        }
    }
}

impl<'a> Function<'a> {
    fn new(export: &'a FunctionExport) -> Self {
        let args = export.args.iter();
        Self {
            name: export.name.as_deref(),
            args: args.map(|(name, kind)| Argument { name, kind: kind.to_sql() }).collect(),
            returns: export.returns_display(),
            writeable: export.writeable,
            comment: export.comment.as_deref(),
        }
    }
}

fn describe(
    package: &SurrealismPackage,
    effective: Option<SurrealismCapabilities>,
    config: &[ConfigEntry<'_>],
    sizes: &Sizes,
) -> Text {
    let SurrealismMeta { organisation, name, version } = &package.config.meta;
    text!(
        "{} {}\n\n{}\n\n{}",
        text!("{}/{} {}", organisation, name, version).styled(BOLD),
        text!("(ABI {})", package.config.abi).styled(DIM),
        functions(package),
        properties(package, effective, config, sizes),
    )
}

fn functions(package: &SurrealismPackage) -> Text {
    if package.exports.functions.is_empty() {
        return "no functions".into();
    }
    let mut table = Table::new().header(["Function", "Arguments", "Returns", "Writes", "Comment"]);
    for function in sorted(&package.exports) {
        table.row([
            function.name.as_deref().unwrap_or("(default)"),
            &function.args_display(),
            &function.returns_display(),
            if function.writeable { "yes" } else { "" },
            &summary(function.comment.as_deref().unwrap_or_default()),
        ]);
    }
    table.text()
}

/// Returns the first paragraph of a comment on one line.
fn summary(comment: &str) -> String {
    let lines = comment.trim().lines().map(str::trim);
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Sorts functions by name, the default export first.
fn sorted(manifest: &ExportsManifest) -> Vec<&FunctionExport> {
    let mut functions: Vec<_> = manifest.functions.iter().collect();
    functions.sort_by_key(|function| &function.name);
    functions
}

fn properties(
    package: &SurrealismPackage,
    effective: Option<SurrealismCapabilities>,
    config: &[ConfigEntry<'_>],
    sizes: &Sizes,
) -> Text {
    let (capabilities, store) = (&package.config.capabilities, Store::new(package));
    let allowed = |allowed| if allowed { "allowed" } else { "denied" }.to_string();
    let bytes = |bytes: Option<usize>| limit(bytes.map(|bytes| ByteSize(bytes as u64)));
    let time = capabilities.max_execution_time.map(humantime::format_duration);
    let logo = sizes.logo.map_or("none".to_string(), |bytes| ByteSize(bytes).to_string());

    let mut table = Table::new();
    for (section, name, value) in [
        ("Capabilities", "queries", allowed(capabilities.allow_arbitrary_queries)),
        ("", "functions", targets(&capabilities.allow_functions)),
        ("", "network", join_or_denied(&capabilities.allow_net)),
        ("", "scripting", allowed(capabilities.allow_scripting)),
        ("", "granted", granted(effective)),
        ("Limits", "memory", bytes(capabilities.max_memory_bytes)),
        ("", "time per call", limit(time)),
        ("", "interruptible", interruptible(capabilities).to_string()),
        ("", "instances", limit(capabilities.max_pool_size)),
        ("", "kv entries", limit(capabilities.max_kv_entries)),
        ("", "kv value", bytes(capabilities.max_kv_value_bytes)),
    ] {
        // An archive that asks for nothing needs no grant.
        if name != "granted" || !value.is_empty() {
            table.row([section, name, &value]);
        }
    }
    for (index, entry) in config.iter().enumerate() {
        table.row([if index == 0 { "Config" } else { "" }, entry.name, &entry.to_string()]);
    }
    for (section, name, value) in [
        ("Store", "name", store.name),
        ("", "owner", format!("sha256:{}", store.owner)),
        ("Sizes", "archive", ByteSize(sizes.archive).to_string()),
        ("", "component", ByteSize(sizes.component).to_string()),
        ("", "files", sizes.files.as_ref().map_or("none".to_string(), Files::to_string)),
        ("", "logo", logo),
    ] {
        table.row([section, name, &value]);
    }
    table.text()
}

/// Describes what the archive has of what it asks for, or nothing if it asks for nothing.
fn granted(effective: Option<SurrealismCapabilities>) -> String {
    let Some(effective) = effective else { return String::new() };
    match grants::describe(&effective).as_slice() {
        [] => "nothing: `run` and `repl` ask, or take `--allow-all`".to_string(),
        lines => lines.join(", "),
    }
}

fn limit(limit: Option<impl ToString>) -> String {
    limit.map_or("unset".to_string(), |limit| limit.to_string())
}

fn interruptible(capabilities: &SurrealismCapabilities) -> &'static str {
    if capabilities.strict_timeout {
        "yes"
    } else {
        "NO: the time limit cannot stop its code, only its waiting for the host"
    }
}

fn targets(targets: &FunctionTargets) -> String {
    match targets {
        FunctionTargets::None => join_or_denied(&[]),
        FunctionTargets::All => "all".to_string(),
        FunctionTargets::Some(patterns) => join_or_denied(patterns),
    }
}

fn join_or_denied(entries: &[String]) -> String {
    if entries.is_empty() { "denied".to_string() } else { entries.join(", ") }
}
