//! `surrealism check`: validates an archive against the plugin interface without running it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytesize::ByteSize;
use clap::Args;
use serde::Serialize;
use surrealism_runtime::config::AbiVersion;
use surrealism_runtime::limits::MAX_POOL_SIZE;
use surrealism_runtime::net_allow::check_allow_net;
use surrealism_runtime::package::verify_logo;
use surrealism_runtime::{
    ExportsManifest, FunctionTargets, Grants, SurrealismCapabilities, SurrealismPackage,
};

use crate::args::cache::CacheArgs;
use crate::component::world::{Functions, World};
use crate::error::{CliError, CliResult, ExitCode, dedup_chain, flatten, with_source};
use crate::load;
use crate::sizes::Sizes;
use crate::ui::terminal::{self, ERROR, SUCCESS, Terminal};
use crate::ui::text::{Text, text};

/// An interface without functions that guests of the published SDK import.
const TYPES_INTERFACE: &str = "surrealism:plugin/types";

/// The WASI packages that a host of this ABI implements.
const WASI_PACKAGES: [&str; 7] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:http/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];

/// Check that an archive is valid and compatible, without running it
///
/// Prints a line for each check. Fails if a check fails.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surrealism check demo.surli
  surrealism check demo.surli --json | jq '.checks[] | select(.ok | not)'")]
pub(crate) struct Check {
    /// Archive to check
    archive: PathBuf,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The results of all checks.
#[derive(Serialize)]
struct Report {
    ok: bool,
    checks: Vec<CheckResult>,
}

#[derive(Serialize)]
struct CheckResult {
    name: &'static str,
    ok: bool,
    detail: String,
}

impl Check {
    pub(crate) fn run(self, terminal: Terminal, cache: CacheArgs) -> CliResult {
        let checks = self.checks(terminal, cache);
        let report = Report { ok: checks.iter().all(|check| check.ok), checks };
        let text = if self.json { Text::json(&report, true)? } else { format_lines(&report) };
        terminal::print(text)?;
        if report.ok { Ok(()) } else { Err(CliError::already_reported(ExitCode::Failed)) }
    }

    fn checks(&self, terminal: Terminal, cache: CacheArgs) -> Vec<CheckResult> {
        let package = match SurrealismPackage::from_file(self.archive.clone()) {
            Ok(package) => package,
            Err(error) => return vec![check_result("archive", Err(flatten(error)))],
        };
        let mut checks = vec![
            check_result("archive", self.archive_size(&package)),
            check_result("abi", abi(package.config.abi)),
            check_result("functions", functions(&package.exports)),
            check_result("capabilities", capabilities(&package.config.capabilities)),
            check_result("logo", logo(package.logo.as_deref())),
        ];
        match World::from_component(&package.wasm) {
            Ok(world) => {
                checks.push(check_result("imports", imports(&world)));
                checks.push(check_result("exports", exports(&world)));
            }
            Err(error) => checks.push(check_result("component", Err(error))),
        }
        checks.push(check_result("code", code(package, terminal, cache)));
        checks
    }

    fn archive_size(&self, package: &SurrealismPackage) -> Result<String> {
        let files = Sizes::measure(package, &self.archive)?.files;
        let files = files.map_or("no files".to_string(), |files| files.to_string());
        Ok(format!("component of {}, {files}", ByteSize(package.wasm.len() as u64)))
    }
}

fn check_result(name: &'static str, outcome: Result<String>) -> CheckResult {
    let ok = outcome.is_ok();
    let detail = outcome.unwrap_or_else(|error| dedup_chain(&error).join(": "));
    CheckResult { name, ok, detail }
}

fn format_lines(report: &Report) -> Text {
    let line = |CheckResult { name, ok, detail }: &CheckResult| {
        let (style, status) = if *ok { (SUCCESS, "ok") } else { (ERROR, "FAILED") };
        let status = text!("{:<8}", status).styled(style);
        let detail = Text::lines(detail).indent_rest("                      ");
        text!("{}{:<14}{}", status, name, detail)
    };
    Text::join(&report.checks.iter().map(line).collect::<Vec<_>>(), "\n")
}

fn abi(abi: AbiVersion) -> Result<String> {
    let current = AbiVersion::CURRENT;
    ensure!(
        abi == current,
        "unsupported ABI {abi}: hosts implement ABI {current}; rebuild the plugin with an SDK of that ABI"
    );
    Ok(abi.to_string())
}

fn functions(manifest: &ExportsManifest) -> Result<String> {
    for function in &manifest.functions {
        let mut args = BTreeSet::new();
        for (arg, _) in &function.args {
            ensure!(is_path(arg), "invalid argument name {arg:?} in `{function}`");
            ensure!(args.insert(arg), "`{function}` has two arguments named {arg:?}");
        }
    }
    match manifest.functions.len() {
        0 => bail!("exports.toml lists no functions"),
        1 => Ok("1 function".to_string()),
        count => Ok(format!("{count} functions")),
    }
}

fn is_path(name: &str) -> bool {
    let is_allowed = |c: char| c.is_alphanumeric() || c == '_';
    name.split("::").all(|part| !part.is_empty() && part.chars().all(is_allowed))
}

fn capabilities(requested: &SurrealismCapabilities) -> Result<String> {
    check_allow_net(&requested.allow_net)?;
    if let FunctionTargets::Some(patterns) = &requested.allow_functions {
        for pattern in patterns {
            ensure!(
                matches_some_function(pattern),
                "`allow_functions` entry {pattern:?} matches no function: write the full name of a \
                 function, or the part of a family's names before the first `::`"
            );
        }
    }
    let pool = requested.max_pool_size.unwrap_or(1);
    ensure!(
        (1..=MAX_POOL_SIZE).contains(&pool),
        "`max_pool_size` is {pool}: it must be between 1 and {MAX_POOL_SIZE}"
    );
    ensure!(
        requested.max_memory_bytes != Some(0),
        "`max_memory_bytes` is 0: no instance could start"
    );
    ensure!(
        requested.max_execution_time != Some(Duration::ZERO),
        "`max_execution_time` is 0: no call could finish"
    );
    let requests = [
        ("queries", requested.allow_arbitrary_queries),
        ("functions", requested.allow_functions != FunctionTargets::None),
        ("network", !requested.allow_net.is_empty()),
        ("scripting", requested.allow_scripting),
        ("uninterruptible code", !requested.strict_timeout),
    ];
    let requests: Vec<_> =
        requests.iter().filter(|(_, is_on)| *is_on).map(|(name, _)| *name).collect();
    Ok(if requests.is_empty() {
        "requests none".into()
    } else {
        format!("requests {}", requests.join(", "))
    })
}

/// Whether a host would allow a function whose name has the form of the pattern.
fn matches_some_function(pattern: &str) -> bool {
    let function = pattern.replace('*', "any");
    is_path(&function) && FunctionTargets::from(vec![pattern.to_string()]).allows(&function)
}

fn logo(logo: Option<&[u8]>) -> Result<String> {
    let Some(logo) = logo else { return Ok("none".to_string()) };
    verify_logo(logo).map_err(flatten)?;
    Ok(format!("PNG of {}", ByteSize(logo.len() as u64)))
}

fn imports(world: &World) -> Result<String> {
    let (published, extended) = (World::published()?.imports, World::extended()?.imports);
    let mut extensions = Vec::new();
    for (interface, functions) in &world.imports {
        match extended.get(interface) {
            Some(known) => ensure_compatible(functions, known).with_context(|| {
                format!("import {interface} does not match the host's interface")
            })?,
            None if interface == TYPES_INTERFACE && functions.is_empty() => {}
            None if WASI_PACKAGES.iter().any(|package| interface.starts_with(package)) => {}
            None => bail!("unknown import {interface}: no host of this ABI implements it"),
        }
        if extended.contains_key(interface) && !published.contains_key(interface) {
            extensions.push(interface.as_str());
        }
    }
    let mut detail = match world.imports.len() {
        1 => "1 interface".to_string(),
        count => format!("{count} interfaces"),
    };
    if !extensions.is_empty() {
        detail += &format!("; third-party hosts lack {}", extensions.join(", "));
    }
    Ok(detail)
}

/// Fails unless each of `functions` has the same type in `known`.
fn ensure_compatible(functions: &Functions, known: &Functions) -> Result<()> {
    for (name, signature) in functions {
        let Some(expected) = known.get(name) else { bail!("unknown function `{name}`") };
        ensure!(signature == expected, "`{name}` has type {signature}: expected {expected}");
    }
    Ok(())
}

fn exports(world: &World) -> Result<String> {
    let (published, extended) = (World::published()?.exports, World::extended()?.exports);
    ensure!(world.exports.contains_key("invoke"), "missing export `invoke`: hosts require it");
    let (known, unknown): (Functions, Functions) =
        world.exports.clone().into_iter().partition(|(name, _)| extended.contains_key(name));
    ensure_compatible(&known, &extended)?;

    let mut detail = known.keys().cloned().collect::<Vec<_>>().join(", ");
    for name in published.keys().filter(|name| !known.contains_key(*name)) {
        detail += &format!("; without {name}");
    }
    for name in unknown.keys() {
        detail += &format!("; {name} is unused by hosts");
    }
    Ok(detail)
}

/// Compiles and links the component, as a host does before it creates the first instance.
fn code(mut package: SurrealismPackage, terminal: Terminal, cache: CacheArgs) -> Result<String> {
    let size = ByteSize(package.wasm.len() as u64);
    let _progress = terminal.spinner(text!("Compiling {} of WebAssembly", size));
    // The other checks cover these already. Without `allow_net`, no host name is resolved.
    let strict_timeout = package.config.capabilities.strict_timeout;
    package.config.capabilities = SurrealismCapabilities { strict_timeout, ..Default::default() };
    package.config.abi = AbiVersion::CURRENT;
    package.config.config = Default::default();
    let grants = Grants::none().uninterruptible();
    load::builder(package, cache, terminal).grants(grants).build().map_err(with_source)?;
    Ok("compiles and links".to_string())
}
