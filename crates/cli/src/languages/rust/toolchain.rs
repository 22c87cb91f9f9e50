//! Finds a Rust toolchain that can build guests, from candidates in order of preference, and runs it.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail, ensure};
use cargo_metadata::{Message, Metadata, MetadataCommand};
use clap::ValueEnum;
use serde_json::json;

/// The toolchains to try.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Selection {
    /// The toolchain in PATH, then the system's packages
    #[default]
    Auto,
    /// The toolchain in PATH, with its prebuilt standard library for a wasm target
    Rustup,
    /// The system's packages (Debian), with the standard library built from source
    System,
}

/// A toolchain to look for.
#[derive(Debug, Clone, Copy)]
enum Candidate {
    /// The rustc in PATH, with a standard library for this target.
    Prebuilt(&'static str),
    /// Debian's packages, which include no prebuilt standard library for WASI.
    System,
}

impl Selection {
    fn candidates(self) -> &'static [Candidate] {
        const CANDIDATES: &[Candidate] = &[
            Candidate::Prebuilt("wasm32-wasip2"),
            Candidate::Prebuilt("wasm32-wasip1"),
            Candidate::System,
        ];
        match self {
            Self::Auto => CANDIDATES,
            Self::Rustup => &CANDIDATES[..2],
            Self::System => &CANDIDATES[2..],
        }
    }
}

/// A toolchain that can build guests.
#[derive(Debug)]
pub(super) struct Toolchain {
    cargo: PathBuf,
    pub(super) target: &'static str,
    system: Option<System>,
    /// Why each preferred candidate is unavailable.
    pub(super) skipped: Vec<String>,
}

/// The parts of the system's toolchain that build the standard library with the guest.
#[derive(Debug)]
struct System {
    rustc: PathBuf,
    linker: PathBuf,
    libc: PathBuf,
}

impl Toolchain {
    /// Finds the preferred toolchain for the project in `dir`. Obeys its `rust-toolchain.toml`.
    ///
    /// # Errors
    ///
    /// Fails if no candidate is available. The message lists what each lacks and what to install.
    pub(super) fn find(selection: Selection, dir: &Path) -> Result<Self> {
        let mut skipped: Vec<String> = Vec::new();
        for candidate in selection.candidates() {
            let found = match candidate {
                Candidate::Prebuilt(target) => Self::prebuilt(target, dir),
                Candidate::System => Self::system(Path::new("/")),
            };
            match found {
                Ok(toolchain) => return Ok(Self { skipped, ..toolchain }),
                Err(reason) => skipped.push(format!("{reason:#}")),
            }
        }
        skipped.dedup();
        Err(no_toolchain(&skipped))
    }

    fn prebuilt(target: &'static str, dir: &Path) -> Result<Self> {
        let rustc = in_path("rustc").context("no rustc in PATH")?;
        let cargo = in_path("cargo").context("no cargo in PATH")?;
        let libraries = output(&rustc, &["--print", "target-libdir", "--target", target], dir)
            .with_context(|| format!("{} does not support {target}", rustc.display()))?;
        ensure!(
            has_std(Path::new(&libraries)),
            "{} at {} has no standard library for {target}",
            version(&rustc, dir),
            rustc.display()
        );
        Ok(Self { cargo, target, system: None, skipped: Vec::new() })
    }

    fn system(root: &Path) -> Result<Self> {
        let rustc = root.join("usr/bin/rustc");
        let cargo = root.join("usr/bin/cargo");
        let std = root.join("usr/lib/rustlib/src/rust/library/std/Cargo.toml");
        let libc = root.join("usr/lib/wasm32-wasi");
        let linker = newest_linker();

        let mut missing: Vec<String> = [&rustc, &cargo, &std, &libc.join("libc.a")]
            .into_iter()
            .filter(|file| !file.exists())
            .map(|file| file.display().to_string())
            .collect();
        if linker.is_none() {
            missing.push("wasm-ld in PATH".to_string());
        }
        match linker {
            Some(linker) if missing.is_empty() => Ok(Self {
                cargo,
                target: "wasm32-wasip1",
                system: Some(System { rustc, linker, libc }),
                skipped: Vec::new(),
            }),
            _ => bail!("the system's toolchain lacks {}", missing.join(", ")),
        }
    }

    /// Runs `cargo metadata` for the project in `dir`, without its dependencies.
    ///
    /// # Errors
    ///
    /// Fails if cargo does. Cargo prints the reason on stderr.
    pub(super) fn metadata(&self, dir: &Path, locked: bool) -> Result<Metadata> {
        let mut cargo = self.cargo();
        cargo.args(["metadata", "--format-version=1", "--no-deps"]).current_dir(dir);
        if locked {
            cargo.arg("--locked");
        }
        let output = cargo
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {}", self.cargo.display()))?;
        ensure!(
            output.status.success(),
            "`cargo metadata` failed: {}; see its output above",
            output.status
        );
        Ok(MetadataCommand::parse(String::from_utf8(output.stdout)?)?)
    }

    /// Builds the library of the package in `dir` and returns the path of its WebAssembly. Cargo prints
    /// its output on stderr.
    ///
    /// # Errors
    ///
    /// Fails if the package does not build or has no library.
    pub(super) fn build(
        &self,
        dir: &Path,
        target_dir: &Path,
        cargo_args: &[OsString],
    ) -> Result<PathBuf> {
        // `cargo rustc` passes the linker's arguments to the library alone. As rustflags they would
        // replace those of the project's own configuration.
        let mut cargo = self.cargo();
        cargo.args(["rustc", "--lib", "--crate-type=cdylib", "--target", self.target]);
        cargo.arg("--message-format=json-render-diagnostics").arg("--target-dir").arg(target_dir);
        if let Some(System { linker, .. }) = &self.system {
            // Without std's backtrace support, which does not work on WASI: the host prints backtraces.
            cargo.args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features="]).arg("--config");
            cargo.arg(format!(
                "target.{}.linker={}",
                self.target,
                json!(linker.display().to_string())
            ));
        }
        cargo.args(cargo_args);
        if let Some(System { libc, .. }) = &self.system {
            // The user's arguments for rustc may have begun already.
            if !cargo_args.iter().any(|arg| arg == "--") {
                cargo.arg("--");
            }
            cargo.args(["-Clink-self-contained=no", "-L"]).arg(libc);
        }

        let mut child = cargo
            .current_dir(dir)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", self.cargo.display()))?;
        let messages = child.stdout.take().context("cannot read cargo's output")?;
        let wasm = built_library(BufReader::new(messages), dir)?;
        let status = child.wait()?;
        ensure!(
            status.success(),
            "cannot compile the plugin: cargo failed ({status}); see its output above"
        );
        wasm.context("cannot compile the plugin: the package has no library; add src/lib.rs")
    }

    fn cargo(&self) -> Command {
        let mut cargo = clean_env(&self.cargo);
        if let Some(System { rustc, .. }) = &self.system {
            cargo.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
        }
        cargo
    }
}

/// Describes the toolchain in a status line.
impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.cargo.display(), self.target)?;
        match self.system {
            Some(_) => f.write_str(", with its standard library from source"),
            None => Ok(()),
        }
    }
}

/// Finds the WebAssembly of the library in `dir` in cargo's messages.
fn built_library(messages: impl BufRead, dir: &Path) -> Result<Option<PathBuf>> {
    let mut wasm = None;
    for message in Message::parse_stream(messages) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.manifest_path.parent().is_some_and(|parent| parent == dir)
            && let Some(file) = artifact.filenames.iter().find(|f| f.extension() == Some("wasm"))
        {
            wasm = Some(file.clone().into_std_path_buf());
        }
    }
    Ok(wasm)
}

fn no_toolchain(reasons: &[String]) -> anyhow::Error {
    anyhow!(
        "no installed Rust toolchain can build for WebAssembly:\n  - {}\n\
         Add the target to the project's toolchain:\n  \
         rustup target add wasm32-wasip2\n\
         or install the system's packages (Debian, Ubuntu):\n  \
         apt-get install --no-install-recommends rustc-web cargo-web rust-web-src rust-web-llvm \
         lld-19 wasi-libc",
        reasons.join("\n  - ")
    )
}

/// Creates a command without this command's own variables, which have passwords: cargo runs build scripts
/// and macros of others. Also removes those that a calling `cargo run` sets for its own build.
fn clean_env(program: &Path) -> Command {
    let mut command = Command::new(program);
    let in_cargo = env::var_os("CARGO").is_some();
    for (name, _) in env::vars_os() {
        let shown = name.to_string_lossy();
        let is_cargos = matches!(&*shown, "CARGO" | "RUSTC" | "RUSTDOC" | "RUSTUP_TOOLCHAIN")
            || ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|p| shown.starts_with(p));
        // Windows does not distinguish case.
        let is_ours = shown.to_ascii_uppercase().starts_with("SURREALISM_");
        if is_ours || (in_cargo && is_cargos) {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a program and returns its trimmed output.
fn output(program: &Path, args: &[&str], dir: &Path) -> Result<String> {
    let output = clean_env(program).args(args).current_dir(dir).output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// Returns `rustc 1.95.0`, without commit and date.
fn version(rustc: &Path, dir: &Path) -> String {
    let version = output(rustc, &["--version"], dir).unwrap_or_default();
    version.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn has_std(libraries: &Path) -> bool {
    let is_std = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("libstd-");
    fs::read_dir(libraries).is_ok_and(|entries| entries.flatten().any(is_std))
}

fn path_dirs() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

fn in_path(program: &str) -> Option<PathBuf> {
    let program = format!("{program}{}", env::consts::EXE_SUFFIX);
    path_dirs().into_iter().map(|dir| dir.join(&program)).find(|file| file.is_file())
}

/// Finds the `wasm-ld-NN` with the highest number, or else `wasm-ld`.
fn newest_linker() -> Option<PathBuf> {
    let files = path_dirs().into_iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten();
    let numbered = |file: fs::DirEntry| {
        let number = file.file_name().to_str()?.strip_prefix("wasm-ld-")?.parse::<u32>().ok()?;
        Some((number, file.path()))
    };
    let newest = files.flatten().filter_map(numbered).max();
    newest.map(|(_, file)| file).or_else(|| in_path("wasm-ld"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_part_of_the_system_toolchain_is_listed() {
        let empty = tempfile::tempdir().unwrap();
        let error = Toolchain::system(empty.path()).unwrap_err().to_string();
        for piece in ["usr/bin/rustc", "usr/bin/cargo", "library/std/Cargo.toml", "libc.a"] {
            assert!(error.contains(piece), "{error} lacks {piece}");
        }
    }

    #[test]
    fn the_commands_that_install_a_toolchain_are_listed() {
        let error = no_toolchain(&["no rustc in PATH".to_string()]).to_string();
        for piece in ["- no rustc", "rustup target add wasm32-wasip2", "apt-get install"] {
            assert!(error.contains(piece), "{error} lacks {piece}");
        }
    }
}
