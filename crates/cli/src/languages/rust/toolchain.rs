//! Finding a Rust toolchain that can build guests: a ladder of ways, the best first.

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

/// Which toolchains to try.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Choice {
    /// The one in PATH, then the system's
    #[default]
    Auto,
    /// The one in PATH, with its prebuilt standard library for a wasm target
    Rustup,
    /// The system's packages, building the standard library from their source
    System,
}

/// One way to build a guest.
#[derive(Debug, Clone, Copy)]
enum Rung {
    /// rustc in PATH, with a standard library for this target.
    Prebuilt(&'static str),
    /// Debian's packages; there is no prebuilt standard library for wasm among them.
    System,
}

impl Choice {
    fn rungs(self) -> &'static [Rung] {
        const RUNGS: &[Rung] =
            &[Rung::Prebuilt("wasm32-wasip2"), Rung::Prebuilt("wasm32-wasip1"), Rung::System];
        match self {
            Self::Auto => RUNGS,
            Self::Rustup => &RUNGS[..2],
            Self::System => &RUNGS[2..],
        }
    }
}

/// A toolchain that can build guests.
#[derive(Debug)]
pub(crate) struct Toolchain {
    cargo: PathBuf,
    target: &'static str,
    system: Option<System>,
    /// Why each better way is not there.
    pub(crate) passed_over: Vec<String>,
}

/// What it takes to build the standard library along with the guest.
#[derive(Debug)]
struct System {
    rustc: PathBuf,
    linker: PathBuf,
    libc: PathBuf,
}

impl Toolchain {
    /// Finds the best toolchain for a project in `folder`, whose `rust-toolchain.toml` counts.
    ///
    /// # Errors
    ///
    /// When there is none; the message says what each way lacks, and what to install.
    pub(crate) fn find(choice: Choice, folder: &Path) -> Result<Self> {
        let mut passed_over: Vec<String> = Vec::new();
        for rung in choice.rungs() {
            let found = match rung {
                Rung::Prebuilt(target) => Self::prebuilt(target, folder),
                Rung::System => Self::system(Path::new("/")),
            };
            match found {
                Ok(toolchain) => return Ok(Self { passed_over, ..toolchain }),
                Err(reason) => passed_over.push(format!("{reason:#}")),
            }
        }
        passed_over.dedup();
        Err(nothing_found(&passed_over))
    }

    fn prebuilt(target: &'static str, folder: &Path) -> Result<Self> {
        let rustc = in_path("rustc").context("there is no rustc in PATH")?;
        let cargo = in_path("cargo").context("there is no cargo in PATH")?;
        let libraries = ask(&rustc, &["--print", "target-libdir", "--target", target], folder)
            .with_context(|| format!("{} does not know {target}", rustc.display()))?;
        ensure!(
            holds_std(Path::new(&libraries)),
            "{} at {} has no standard library for {target}",
            version(&rustc, folder),
            rustc.display()
        );
        Ok(Self { cargo, target, system: None, passed_over: Vec::new() })
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
                passed_over: Vec::new(),
            }),
            _ => bail!("the system's toolchain lacks {}", missing.join(", ")),
        }
    }

    /// What `cargo metadata` says of the project in `folder`, without its dependencies.
    ///
    /// # Errors
    ///
    /// When cargo has something against it.
    pub(crate) fn metadata(&self, folder: &Path) -> Result<Metadata> {
        let mut cargo = self.cargo();
        cargo.args(["metadata", "--format-version=1", "--no-deps"]).current_dir(folder);
        let output = cargo
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {}", self.cargo.display()))?;
        ensure!(output.status.success(), "`cargo metadata` failed ({}): see above", output.status);
        Ok(MetadataCommand::parse(String::from_utf8(output.stdout)?)?)
    }

    /// Builds the library of the package in `folder` and answers its WebAssembly. Cargo's own
    /// output goes to stderr.
    ///
    /// # Errors
    ///
    /// When the package does not build.
    pub(crate) fn build(
        &self,
        folder: &Path,
        target_dir: &Path,
        cargo_args: &[OsString],
    ) -> Result<PathBuf> {
        // `cargo rustc` hands the linker's arguments to the library alone. As rustflags they would
        // take the place of those in the author's own configuration.
        let mut cargo = self.cargo();
        cargo.args(["rustc", "--lib", "--crate-type=cdylib", "--target", self.target]);
        cargo.arg("--message-format=json-render-diagnostics").arg("--target-dir").arg(target_dir);
        if let Some(System { linker, .. }) = &self.system {
            // Without std's own backtraces, which wasm has none of: the host makes them.
            cargo.args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features="]).arg("--config");
            cargo.arg(format!(
                "target.{}.linker={}",
                self.target,
                json!(linker.display().to_string())
            ));
        }
        cargo.args(cargo_args);
        if let Some(System { libc, .. }) = &self.system {
            // The author's own arguments for the compiler may have begun already.
            if !cargo_args.iter().any(|arg| arg == "--") {
                cargo.arg("--");
            }
            cargo.args(["-Clink-self-contained=no", "-L"]).arg(libc);
        }

        let mut child = cargo
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", self.cargo.display()))?;
        let messages = child.stdout.take().context("cargo has no output")?;
        let wasm = built_library(BufReader::new(messages), folder)?;
        let status = child.wait()?;
        ensure!(status.success(), "cargo could not build the plugin ({status}): see above");
        wasm.context("cargo built no WebAssembly: the package has no library")
    }

    fn cargo(&self) -> Command {
        let mut cargo = outside_cargo(&self.cargo);
        if let Some(System { rustc, .. }) = &self.system {
            cargo.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
        }
        cargo
    }
}

/// What the toolchain is called in a status line.
impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.cargo.display(), self.target)?;
        match self.system {
            Some(_) => f.write_str(", with its standard library from source"),
            None => Ok(()),
        }
    }
}

/// Reads cargo's messages for the WebAssembly of the library in `folder`.
fn built_library(messages: impl BufRead, folder: &Path) -> Result<Option<PathBuf>> {
    let mut wasm = None;
    for message in Message::parse_stream(messages) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.manifest_path.parent().is_some_and(|parent| parent == folder)
            && let Some(file) = artifact.filenames.iter().find(|f| f.extension() == Some("wasm"))
        {
            wasm = Some(file.clone().into_std_path_buf());
        }
    }
    Ok(wasm)
}

fn nothing_found(reasons: &[String]) -> anyhow::Error {
    anyhow!(
        "no Rust toolchain here can build for WebAssembly:\n  - {}\n\
         Add the target to the toolchain of this project\n  \
         rustup target add wasm32-wasip2\n\
         or, on Debian and its kin, install the system's\n  \
         apt-get install --no-install-recommends rustc-web cargo-web rust-web-src rust-web-llvm \
         lld-19 wasi-libc",
        reasons.join("\n  - ")
    )
}

/// A command that does not take over what a calling `cargo run` has set for its own build.
fn outside_cargo(program: &Path) -> Command {
    let mut command = Command::new(program);
    if env::var_os("CARGO").is_some() {
        for (name, _) in env::vars_os() {
            let Some(name) = name.to_str() else { continue };
            let own = matches!(name, "CARGO" | "RUSTC" | "RUSTDOC" | "RUSTUP_TOOLCHAIN")
                || ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
                    .iter()
                    .any(|p| name.starts_with(p));
            if own {
                command.env_remove(name);
            }
        }
    }
    command
}

fn ask(program: &Path, args: &[&str], folder: &Path) -> Result<String> {
    let output = outside_cargo(program).args(args).current_dir(folder).output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// `rustc 1.95.0`, without its commit and date.
fn version(rustc: &Path, folder: &Path) -> String {
    let version = ask(rustc, &["--version"], folder).unwrap_or_default();
    version.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn holds_std(libraries: &Path) -> bool {
    let is_std = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("libstd-");
    fs::read_dir(libraries).is_ok_and(|entries| entries.flatten().any(is_std))
}

fn path_folders() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

fn in_path(program: &str) -> Option<PathBuf> {
    let program = format!("{program}{}", env::consts::EXE_SUFFIX);
    path_folders().into_iter().map(|folder| folder.join(&program)).find(|file| file.is_file())
}

/// `wasm-ld-NN` with the highest number, or plain `wasm-ld`.
fn newest_linker() -> Option<PathBuf> {
    let files = path_folders().into_iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
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
    fn a_missing_system_toolchain_is_told_piece_by_piece() {
        let empty = tempfile::tempdir().unwrap();
        let error = Toolchain::system(empty.path()).unwrap_err().to_string();
        for piece in ["usr/bin/rustc", "usr/bin/cargo", "library/std/Cargo.toml", "libc.a"] {
            assert!(error.contains(piece), "{error} lacks {piece}");
        }
    }

    #[test]
    fn with_no_toolchain_the_commands_to_install_one_are_told() {
        let error = nothing_found(&["there is no rustc in PATH".to_string()]).to_string();
        for piece in ["- there is no rustc", "rustup target add wasm32-wasip2", "apt-get install"] {
            assert!(error.contains(piece), "{error} lacks {piece}");
        }
    }
}
