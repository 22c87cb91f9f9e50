//! `surrealism info`: what an archive holds, without running it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bytesize::ByteSize;
use clap::Args;
use serde::Serialize;
use surrealdb_types::ToSql;
use surrealism_runtime::config::SurrealismMeta;
use surrealism_runtime::{
    ExportsManifest, FunctionExport, FunctionTargets, SurrealismCapabilities, SurrealismPackage,
};

use crate::exit::Outcome;
use crate::guest;
use crate::table::Columns;
use crate::terminal::{self, BOLD, DIM};

/// Show what an archive holds: functions, capabilities, limits, sizes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surrealism info demo.surli
  surrealism info demo.surli --json | jq '.functions[].name'")]
pub(crate) struct Info {
    /// The archive
    archive: PathBuf,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Info {
    pub(crate) fn run(self) -> Outcome {
        let package = guest::open(&self.archive)?;
        let sizes = Sizes::of(&package, &self.archive)?;
        let text = if self.json {
            serde_json::to_string_pretty(&Described::of(&package, sizes))?
        } else {
            describe(&package, &sizes)
        };
        Ok(terminal::print(text)?)
    }
}

/// The JSON form.
#[derive(Serialize)]
struct Described<'a> {
    #[serde(flatten)]
    meta: &'a SurrealismMeta,
    abi: u32,
    functions: Vec<Function<'a>>,
    capabilities: &'a SurrealismCapabilities,
    sizes: Sizes,
}

#[derive(Serialize)]
struct Function<'a> {
    /// `null` is the default export.
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

/// In bytes.
#[derive(Debug, Serialize)]
pub(crate) struct Sizes {
    archive: u64,
    component: u64,
    pub(crate) files: Option<Files>,
    logo: Option<u64>,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Files {
    count: u64,
    bytes: u64,
}

impl<'a> Described<'a> {
    fn of(package: &'a SurrealismPackage, sizes: Sizes) -> Self {
        let config = &package.config;
        Self {
            meta: &config.meta,
            abi: config.abi.0,
            functions: sorted(&package.exports).into_iter().map(Function::of).collect(),
            capabilities: &config.capabilities,
            sizes,
        }
    }
}

impl<'a> Function<'a> {
    fn of(export: &'a FunctionExport) -> Self {
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

impl Sizes {
    pub(crate) fn of(package: &SurrealismPackage, archive: &Path) -> Result<Self> {
        let archive = fs::metadata(archive)?.len();
        let component = package.wasm.len() as u64;
        let files = package.fs.as_ref().map(|files| Files::in_folder(files.path())).transpose()?;
        let logo = package.logo.as_ref().map(|logo| logo.len() as u64);
        Ok(Self { archive, component, files, logo })
    }
}

impl Files {
    fn in_folder(folder: &Path) -> Result<Self> {
        let mut files = Self::default();
        let entries = fs::read_dir(folder);
        for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
            let entry = entry?;
            let (count, bytes) = if entry.file_type()?.is_dir() {
                let Self { count, bytes } = Self::in_folder(&entry.path())?;
                (count, bytes)
            } else {
                (1, entry.metadata()?.len())
            };
            files.count += count;
            files.bytes += bytes;
        }
        Ok(files)
    }
}

impl std::fmt::Display for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let noun = if self.count == 1 { "file" } else { "files" };
        write!(f, "{} in {} {noun}", ByteSize(self.bytes), self.count)
    }
}

fn describe(package: &SurrealismPackage, sizes: &Sizes) -> String {
    let SurrealismMeta { organisation, name, version } = &package.config.meta;
    let abi = package.config.abi;
    format!(
        "{BOLD}{organisation}/{name} {version}{BOLD:#} {DIM}(ABI {abi}){DIM:#}\n\n{}\n\n{}",
        functions(package),
        properties(&package.config.capabilities, sizes),
    )
}

fn functions(package: &SurrealismPackage) -> String {
    if package.exports.functions.is_empty() {
        return "no functions".to_string();
    }
    let mut table =
        Columns::new().header(["Function", "Arguments", "Returns", "Writes", "Comment"]);
    for function in sorted(&package.exports) {
        table.row([
            function.name.as_deref().unwrap_or("(default)"),
            &function.args_display(),
            &function.returns_display(),
            if function.writeable { "yes" } else { "" },
            &summary(function.comment.as_deref().unwrap_or_default()),
        ]);
    }
    table.to_string()
}

/// A comment's first paragraph, on one line.
fn summary(comment: &str) -> String {
    let lines = comment.trim().lines().map(str::trim);
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The default function, then the others by name.
fn sorted(manifest: &ExportsManifest) -> Vec<&FunctionExport> {
    let mut functions: Vec<_> = manifest.functions.iter().collect();
    functions.sort_by_key(|function| &function.name);
    functions
}

fn properties(capabilities: &SurrealismCapabilities, sizes: &Sizes) -> String {
    let allowed = |allowed| if allowed { "allowed" } else { "denied" }.to_string();
    let bytes = |bytes: Option<usize>| limit(bytes.map(|bytes| ByteSize(bytes as u64)));
    let time = capabilities.max_execution_time.map(humantime::format_duration);
    let logo = sizes.logo.map_or("none".to_string(), |bytes| ByteSize(bytes).to_string());

    let mut table = Columns::new();
    for (section, what, value) in [
        ("Capabilities", "queries", allowed(capabilities.allow_arbitrary_queries)),
        ("", "functions", targets(&capabilities.allow_functions)),
        ("", "network", listed(&capabilities.allow_net)),
        ("", "scripting", allowed(capabilities.allow_scripting)),
        ("Limits", "memory", bytes(capabilities.max_memory_bytes)),
        ("", "time per call", limit(time)),
        ("", "stoppable", stoppable(capabilities).to_string()),
        ("", "instances", limit(capabilities.max_pool_size)),
        ("", "kv entries", limit(capabilities.max_kv_entries)),
        ("", "kv value", bytes(capabilities.max_kv_value_bytes)),
        ("Sizes", "archive", ByteSize(sizes.archive).to_string()),
        ("", "component", ByteSize(sizes.component).to_string()),
        ("", "files", sizes.files.as_ref().map_or("none".to_string(), Files::to_string)),
        ("", "logo", logo),
    ] {
        table.row([section, what, &value]);
    }
    table.to_string()
}

fn limit(limit: Option<impl ToString>) -> String {
    limit.map_or("unset".to_string(), |limit| limit.to_string())
}

fn stoppable(capabilities: &SurrealismCapabilities) -> &'static str {
    if capabilities.strict_timeout {
        "yes"
    } else {
        "NO: its code cannot be stopped while it computes, only where it waits for the host"
    }
}

fn targets(targets: &FunctionTargets) -> String {
    match targets {
        FunctionTargets::None => listed(&[]),
        FunctionTargets::All => "all".to_string(),
        FunctionTargets::Some(patterns) => listed(patterns),
    }
}

fn listed(entries: &[String]) -> String {
    if entries.is_empty() { "denied".to_string() } else { entries.join(", ") }
}
