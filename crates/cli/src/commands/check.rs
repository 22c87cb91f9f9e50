//! `surrealism check`: whether an archive keeps the contract, without running it.

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
    ExportsManifest, FunctionTargets, SurrealismCapabilities, SurrealismPackage,
};

use crate::cache::Cache;
use crate::component::{Functions, World};
use crate::exit::{Code, Failure, Outcome, plain, told_once};
use crate::guest;
use crate::info::Sizes;
use crate::terminal::{self, ERROR, GOOD, Terminal, visible};

/// An interface of types alone, which the published SDK's guests import.
const TYPES: &str = "surrealism:plugin/types";

/// The WASI packages of a host of this ABI.
const WASI: [&str; 7] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:http/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];

/// Check that an archive keeps the contract, without running it
///
/// Prints a line for each check, and fails if one of them does.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surrealism check demo.surli
  surrealism check demo.surli --json | jq '.checks[] | select(.ok | not)'")]
pub(crate) struct Check {
    /// The archive
    archive: PathBuf,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// All checks of an archive.
#[derive(Serialize)]
struct Report {
    ok: bool,
    checks: Vec<Checked>,
}

#[derive(Serialize)]
struct Checked {
    name: &'static str,
    ok: bool,
    detail: String,
}

impl Check {
    pub(crate) fn run(self, terminal: Terminal, cache: Cache) -> Outcome {
        let checks = self.checks(terminal, cache);
        let report = Report { ok: checks.iter().all(|check| check.ok), checks };
        let text = if self.json { serde_json::to_string_pretty(&report)? } else { lines(&report) };
        terminal::print(text)?;
        if report.ok { Ok(()) } else { Err(Failure::silent(Code::Failed)) }
    }

    fn checks(&self, terminal: Terminal, cache: Cache) -> Vec<Checked> {
        let package = match SurrealismPackage::from_file(self.archive.clone()) {
            Ok(package) => package,
            Err(error) => return vec![checked("archive", Err(plain(error)))],
        };
        let mut checks = vec![
            checked("archive", self.archive_size(&package)),
            checked("abi", abi(package.config.abi)),
            checked("functions", functions(&package.exports)),
            checked("capabilities", capabilities(&package.config.capabilities)),
            checked("logo", logo(package.logo.as_deref())),
        ];
        match World::of_component(&package.wasm) {
            Ok(world) => {
                checks.push(checked("imports", imports(&world)));
                checks.push(checked("exports", exports(&world)));
            }
            Err(error) => checks.push(checked("component", Err(error))),
        }
        checks.push(checked("code", code(package, terminal, cache)));
        checks
    }

    fn archive_size(&self, package: &SurrealismPackage) -> Result<String> {
        let files = Sizes::of(package, &self.archive)?.files;
        let files = files.map_or("no files".to_string(), |files| files.to_string());
        Ok(format!("component of {}, {files}", ByteSize(package.wasm.len() as u64)))
    }
}

fn checked(name: &'static str, outcome: Result<String>) -> Checked {
    let ok = outcome.is_ok();
    let detail = outcome.unwrap_or_else(|error| told_once(&error).join(": "));
    Checked { name, ok, detail }
}

fn lines(report: &Report) -> String {
    let line = |Checked { name, ok, detail }: &Checked| {
        let (style, verdict) = if *ok { (GOOD, "ok") } else { (ERROR, "FAILED") };
        let detail = visible(detail).replace('\n', "\n                      ");
        format!("{style}{verdict:<8}{style:#}{name:<14}{detail}")
    };
    report.checks.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn abi(abi: AbiVersion) -> Result<String> {
    let current = AbiVersion::CURRENT;
    ensure!(
        abi == current,
        "it is for ABI {abi}, and hosts speak ABI {current}: build it again with an SDK of that ABI"
    );
    Ok(abi.to_string())
}

fn functions(manifest: &ExportsManifest) -> Result<String> {
    for function in &manifest.functions {
        ensure!(
            function.name.as_deref().is_none_or(is_path),
            "{:?} is no name of a function: use letters, digits and `_`, and `::` in between",
            function.name.as_deref().unwrap_or_default()
        );
        let mut args = BTreeSet::new();
        for (arg, _) in &function.args {
            ensure!(is_path(arg), "`{function}` has an argument named {arg:?}");
            ensure!(args.insert(arg), "`{function}` has two arguments named {arg:?}");
        }
    }
    match manifest.functions.len() {
        0 => bail!("exports.toml lists none: there is nothing to call"),
        1 => Ok("1 function".to_string()),
        count => Ok(format!("{count} functions")),
    }
}

fn is_path(name: &str) -> bool {
    let in_names = |c: char| c.is_alphanumeric() || c == '_';
    name.split("::").all(|part| !part.is_empty() && part.chars().all(in_names))
}

fn capabilities(asked: &SurrealismCapabilities) -> Result<String> {
    check_allow_net(&asked.allow_net)?;
    if let FunctionTargets::Some(patterns) = &asked.allow_functions {
        for pattern in patterns {
            ensure!(
                admits_something(pattern),
                "`allow_functions` entry {pattern:?} admits nothing: write the whole name of a function, \
                 or of a family what stands before the first `::`"
            );
        }
    }
    let pool = asked.max_pool_size.unwrap_or(1);
    ensure!(
        (1..=MAX_POOL_SIZE).contains(&pool),
        "`max_pool_size` is {pool}, and it has to be 1 to {MAX_POOL_SIZE}"
    );
    ensure!(asked.max_memory_bytes != Some(0), "`max_memory_bytes` is 0: nothing can run in that");
    ensure!(
        asked.max_execution_time != Some(Duration::ZERO),
        "`max_execution_time` is 0: no call can end in that"
    );
    let asks = [
        ("queries", asked.allow_arbitrary_queries),
        ("functions", asked.allow_functions != FunctionTargets::None),
        ("network", !asked.allow_net.is_empty()),
        ("scripting", asked.allow_scripting),
        ("to be unstoppable", !asked.strict_timeout),
    ];
    let asks: Vec<_> = asks.iter().filter(|(_, asked)| *asked).map(|(what, _)| *what).collect();
    Ok(if asks.is_empty() {
        "asks for none".into()
    } else {
        format!("asks for {}", asks.join(", "))
    })
}

/// Whether a host would let a guest call what the pattern looks like.
fn admits_something(pattern: &str) -> bool {
    let function = pattern.replace('*', "any");
    is_path(&function) && FunctionTargets::from(vec![pattern.to_string()]).allows(&function)
}

fn logo(logo: Option<&[u8]>) -> Result<String> {
    let Some(logo) = logo else { return Ok("none".to_string()) };
    verify_logo(logo).map_err(plain)?;
    Ok(format!("PNG of {}", ByteSize(logo.len() as u64)))
}

fn imports(world: &World) -> Result<String> {
    let (contract, ours) = (World::contract()?.imports, World::ours()?.imports);
    let mut beyond = Vec::new();
    for (interface, functions) in &world.imports {
        match ours.get(interface) {
            Some(known) => agree(functions, known)
                .with_context(|| format!("it imports {interface} as no host has it"))?,
            None if interface == TYPES && functions.is_empty() => {}
            None if WASI.iter().any(|package| interface.starts_with(package)) => {}
            None => bail!("it imports {interface}, which no host of this ABI has"),
        }
        if ours.contains_key(interface) && !contract.contains_key(interface) {
            beyond.push(interface.as_str());
        }
    }
    let mut told = match world.imports.len() {
        1 => "1 interface".to_string(),
        count => format!("{count} interfaces"),
    };
    for interface in beyond {
        told += &format!("; {interface}, which hosts of other makes lack");
    }
    Ok(told)
}

/// Whether each of `functions` is among those `known`, with the same type.
fn agree(functions: &Functions, known: &Functions) -> Result<()> {
    for (name, signature) in functions {
        let Some(expected) = known.get(name) else { bail!("there is no `{name}`") };
        ensure!(signature == expected, "`{name}` is {signature}, and should be {expected}");
    }
    Ok(())
}

fn exports(world: &World) -> Result<String> {
    let (contract, ours) = (World::contract()?.exports, World::ours()?.exports);
    ensure!(world.exports.contains_key("invoke"), "it exports no `invoke`, which hosts need");
    let (known, other): (Functions, Functions) =
        world.exports.clone().into_iter().partition(|(name, _)| ours.contains_key(name));
    agree(&known, &ours)?;

    let mut told = known.keys().cloned().collect::<Vec<_>>().join(", ");
    let absent: Vec<_> = contract.keys().filter(|name| !known.contains_key(*name)).collect();
    for name in absent {
        told += &format!("; without {name}");
    }
    for name in other.keys() {
        told += &format!("; also {name}, which no host calls");
    }
    Ok(told)
}

/// Compiles and links, as a host does before it makes the first instance.
fn code(mut package: SurrealismPackage, terminal: Terminal, cache: Cache) -> Result<String> {
    let size = ByteSize(package.wasm.len() as u64);
    let _progress = terminal.spin(format!("Compiling {size} of WebAssembly"));
    // What is checked already must not fail again here, nor names be looked up.
    let strict_timeout = package.config.capabilities.strict_timeout;
    package.config.capabilities = SurrealismCapabilities { strict_timeout, ..Default::default() };
    package.config.abi = AbiVersion::CURRENT;
    guest::builder(package, cache, terminal).build().map_err(plain)?;
    Ok("compiles and links".to_string())
}
