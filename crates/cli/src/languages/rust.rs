//! Plugins written in Rust: packages with a `Cargo.toml` beside `surrealism.toml`.

mod profile;
mod toolchain;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, Package};
use clap::Args;
use serde_json::json;
use surrealism_runtime::SDK_VERSION;

use super::{Compiled, Language, Options, Template};
use crate::languages::rust::profile::Profile;
use crate::languages::rust::toolchain::{Selection, Toolchain};
use crate::project::{CONFIG_FILE, Project};
use crate::ui::terminal::Terminal;
use crate::ui::text::text;

const MANIFEST_FILE: &str = "Cargo.toml";

/// What precedes a wait that no later build has.
const FIRST_BUILD: &str =
    "compiles the SDK and its dependencies, a minute or two; later builds take seconds";

/// How to compile a Rust plugin.
#[derive(Debug, Args)]
pub(crate) struct RustArgs {
    /// Build with the project's release profile: a smaller component, and slower rebuilds. With the same
    /// sources, lock file and toolchain, the archive is the same, byte for byte
    #[arg(long)]
    release: bool,

    /// Build without optimization
    #[arg(long, conflicts_with = "release")]
    debug: bool,

    /// Fail if `Cargo.lock` is missing or out of date, instead of changing it
    #[arg(long)]
    locked: bool,

    /// Rust toolchain to build with
    #[arg(long, value_enum, default_value_t)]
    toolchain: Selection,

    /// Arguments for cargo
    #[arg(last = true)]
    cargo_args: Vec<OsString>,
}

pub(super) const TEMPLATE: Template = Template {
    files: &[
        ("Cargo.toml", include_str!("../../templates/Cargo.toml")),
        ("surrealism.toml", include_str!("../../templates/surrealism.toml")),
        ("src/lib.rs", include_str!("../../templates/src/lib.rs")),
        ("tests.toml", include_str!("../../templates/tests.toml")),
        ("README.md", include_str!("../../templates/README.md")),
        (".gitignore", include_str!("../../templates/gitignore")),
    ],
    next: "cargo test\n  surrealism test\n  surrealism run {{archive}} greet \"'Ada'\"",
};

/// Rust.
pub(super) struct Rust;

impl Language for Rust {
    fn is_project(&self, dir: &Path) -> bool {
        dir.join(MANIFEST_FILE).is_file()
    }

    fn compile(&self, project: &Project, options: Options<'_>) -> Result<Compiled> {
        let file = compile(&project.dir, options.rust, options.terminal)?;
        let wasm = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Compiled { wasm, files: None })
    }
}

/// Compiles the package in `dir` with the preferred toolchain that is installed.
fn compile(dir: &Path, args: &RustArgs, terminal: Terminal) -> Result<PathBuf> {
    let toolchain = Toolchain::find(args.toolchain, dir)?;
    for reason in &toolchain.skipped {
        terminal.status("Skipped", text!("{}", reason));
    }
    terminal.status("Using", text!("{}", toolchain));

    let metadata = toolchain.metadata(dir, args.locked)?;
    let package = package_in(&metadata, dir)?;
    warn_of_sdk_mismatch(package, terminal);
    // Separate from native builds, which may use another rustc.
    let target_dir = metadata.target_directory.as_std_path().join("surrealism");
    let profile = args.profile();
    if let Some(meaning) = profile.meaning() {
        terminal.status("Profile", meaning);
    }
    if !target_dir.join(toolchain.target).exists() {
        terminal.status("First build", FIRST_BUILD);
    }
    toolchain.build(dir, &target_dir, &args.for_cargo(&profile, terminal))
}

impl RustArgs {
    /// Returns the first option that is set, for a plugin in another language.
    pub(super) fn first_set(&self) -> Option<&'static str> {
        let options = [
            (self.release, "--release"),
            (self.debug, "--debug"),
            (self.locked, "--locked"),
            (self.toolchain != Selection::default(), "--toolchain"),
            (!self.cargo_args.is_empty(), "--"),
        ];
        options.into_iter().find(|(is_set, _)| *is_set).map(|(_, name)| name)
    }

    fn profile(&self) -> Profile {
        let for_cargo = self.cargo_args.iter().take_while(|arg| *arg != "--");
        let mut for_cargo = for_cargo.filter_map(|arg| arg.to_str());
        let is_selected = for_cargo.any(|arg| {
            matches!(arg, "-r" | "--release" | "--profile") || arg.starts_with("--profile=")
        });
        match (is_selected, self.debug, self.release) {
            (true, ..) => Profile::OfCargoArgs,
            (_, true, _) => Profile::Debug,
            (.., true) => Profile::Release,
            _ => Profile::Quick,
        }
    }

    /// Puts our arguments first, since the user's may end with arguments for rustc.
    fn for_cargo(&self, profile: &Profile, terminal: Terminal) -> Vec<OsString> {
        let mut args = Vec::new();
        if let Profile::Release = profile {
            args.extend(without_paths());
        }
        args.extend(profile.cargo_args().iter().map(OsString::from));
        if self.locked {
            args.push("--locked".into());
        }
        if terminal.quiet {
            args.push("--quiet".into());
        }
        args.extend_from_slice(&self.cargo_args);
        args
    }
}

/// Returns the argument for cargo that keeps the user's own paths out of messages of panics, so that two
/// users build the same archive. Cargo joins it with the project's flags; those of the environment replace
/// it.
fn without_paths() -> Option<OsString> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")))?;
    let flag = format!("--remap-path-prefix={}=/cargo", home.to_str()?);
    Some(format!("--config=build.rustflags={}", json!([flag])).into())
}

fn package_in<'a>(metadata: &'a Metadata, dir: &Path) -> Result<&'a Package> {
    let manifest = dir.join(MANIFEST_FILE);
    let is_here = |package: &&Package| package.manifest_path == manifest;
    metadata.packages.iter().find(is_here).with_context(|| {
        format!(
            "cannot compile the plugin: {} is a workspace without a root package; move {CONFIG_FILE} \
             to the directory of the plugin's package",
            manifest.display()
        )
    })
}

fn warn_of_sdk_mismatch(package: &Package, terminal: Terminal) {
    let Ok(ours) = SDK_VERSION.parse() else { return };
    let sdk = package.dependencies.iter().find(|dependency| dependency.name == "surrealism");
    if let Some(sdk) = sdk.filter(|sdk| !sdk.req.matches(&ours)) {
        terminal.warn(text!(
            "{} depends on surrealism {}, and this command is version {}: hosts may reject the archive",
            package.name,
            sdk.req,
            SDK_VERSION
        ));
    }
}
