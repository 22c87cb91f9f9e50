//! `surrealism build`: from sources, or from WebAssembly built elsewhere, to an archive.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytesize::ByteSize;
use cargo_metadata::{Metadata, Package};
use clap::Args;
use surrealism_runtime::config::AbiVersion;
use surrealism_runtime::{
    DetachedContext, ExportsManifest, FunctionExport, Runtime, SDK_VERSION, SurrealismConfig,
    SurrealismPackage, SurrealismResult,
};

use crate::cache::Cache;
use crate::component::componentise;
use crate::exit::{Code, OrExit, Outcome, plain};
use crate::guest::{Bounds, block_on, load};
use crate::names;
use crate::project::{CONFIG_FILE, Project};
use crate::terminal::{self, Terminal};
use crate::toolchain::{Choice, Toolchain};

/// What a component may use while it is asked for its functions.
const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(30), memory: ByteSize(1 << 30) };

/// Build a plugin and pack it as an archive
///
/// The archive's path is printed on stdout. Its signatures are what the component answers when it
/// is asked; no function of the plugin runs, nor does its `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surrealism build                       The plugin of this folder
  surrealism build demo --out dist/      Another one, and the archive elsewhere
  surrealism build --wasm plugin.wasm    Pack a module or component built by other means
  surrealism build -- --features extra   Hand arguments to cargo")]
pub(crate) struct Build {
    /// The plugin's folder, or one in it
    #[arg(default_value = ".")]
    path: PathBuf,

    /// Where to put the archive: a file or a folder [default: the plugin's folder]
    #[arg(short, long, value_name = "FILE|DIR")]
    out: Option<PathBuf>,

    /// Pack this core module or component instead of building one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["debug", "toolchain", "cargo_args"])]
    wasm: Option<PathBuf>,

    /// Build without optimisation
    #[arg(long)]
    debug: bool,

    /// Which Rust toolchain to build with
    #[arg(long, value_enum, default_value_t)]
    toolchain: Choice,

    /// Arguments for cargo
    #[arg(last = true)]
    cargo_args: Vec<OsString>,
}

impl Build {
    pub(crate) fn run(self, terminal: Terminal, cache: Cache) -> Outcome {
        let archive = self.build(terminal, cache).or_exit(Code::Build)?;
        Ok(terminal::print(archive.display())?)
    }

    fn build(self, terminal: Terminal, cache: Cache) -> Outcome<PathBuf> {
        let started = Instant::now();
        let project = Project::find(&self.path)?;
        check_abi(&project)?;
        // Before the minutes that a build may take.
        let attached = project.attached()?;
        let logo = project.logo()?;

        let wasm = self.wasm(&project, terminal)?;
        let wasm = componentise(wasm)?;
        // What was built by other means is packed as it is.
        let wasm = if self.wasm.is_some() { wasm } else { names::shortened(&wasm)? };
        let exports = signatures(&project.config, &wasm, cache, terminal)?;
        if exports.functions.is_empty() {
            terminal.warn("the plugin exports no functions: mark one with `#[surrealism]`");
        }

        let archive = self.archive(&project);
        let config = project.config;
        let package = SurrealismPackage { config, wasm, exports, fs: None, logo };
        pack(&package, &archive, attached.as_deref(), terminal)?;

        terminal.status("Packed", summary(&package, &archive, started.elapsed())?);
        Ok(archive)
    }

    fn wasm(&self, project: &Project, terminal: Terminal) -> Result<Vec<u8>> {
        let file = match &self.wasm {
            Some(file) => file.clone(),
            None => self.compile(project, terminal)?,
        };
        fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
    }

    fn compile(&self, project: &Project, terminal: Terminal) -> Result<PathBuf> {
        let folder = &project.folder;
        ensure!(
            folder.join("Cargo.toml").is_file(),
            "there is no Cargo.toml beside {CONFIG_FILE} in {}: pack what other tools build with \
             `--wasm FILE`",
            folder.display()
        );
        let toolchain = Toolchain::find(self.toolchain, folder)?;
        for reason in &toolchain.passed_over {
            terminal.status("Passed over", reason);
        }
        terminal.status("Using", &toolchain);

        let metadata = toolchain.metadata(folder)?;
        let package = package_in(&metadata, folder)?;
        warn_of_other_sdk(package, terminal);
        // Apart from the native build, whose rustc may be another.
        let target_dir = metadata.target_directory.as_std_path().join("surrealism");
        toolchain.build(folder, &target_dir, &self.cargo_args(terminal))
    }

    /// Ours first: what the author gives may end in arguments for the compiler.
    fn cargo_args(&self, terminal: Terminal) -> Vec<OsString> {
        let mut args: Vec<OsString> = Vec::new();
        if !self.debug && !self.names_profile() {
            args.push("--release".into());
        }
        if terminal.quiet {
            args.push("--quiet".into());
        }
        args.extend_from_slice(&self.cargo_args);
        args
    }

    fn names_profile(&self) -> bool {
        let for_cargo = self.cargo_args.iter().take_while(|arg| *arg != "--");
        for_cargo.filter_map(|arg| arg.to_str()).any(|arg| {
            matches!(arg, "-r" | "--release" | "--profile") || arg.starts_with("--profile=")
        })
    }

    fn archive(&self, project: &Project) -> PathBuf {
        let name = project.config.file_name();
        match &self.out {
            None => project.folder.join(name),
            Some(out) if out.is_dir() || names_folder(out) => out.join(name),
            Some(out) => out.clone(),
        }
    }
}

fn names_folder(path: &Path) -> bool {
    path.to_string_lossy().ends_with(std::path::is_separator)
}

fn check_abi(project: &Project) -> Result<()> {
    let (abi, current) = (project.config.abi, AbiVersion::CURRENT);
    ensure!(
        abi == current,
        "{} is for ABI {abi}, and hosts speak ABI {current}: write `abi = {current}` above its \
         `[package]`",
        project.folder.join(CONFIG_FILE).display()
    );
    Ok(())
}

fn package_in<'a>(metadata: &'a Metadata, folder: &Path) -> Result<&'a Package> {
    let manifest = folder.join("Cargo.toml");
    let here = |package: &&Package| package.manifest_path == manifest;
    metadata.packages.iter().find(here).with_context(|| {
        format!(
            "{} is a workspace without a package of its own: put {CONFIG_FILE} beside the \
             Cargo.toml of the plugin",
            manifest.display()
        )
    })
}

fn warn_of_other_sdk(package: &Package, terminal: Terminal) {
    let Ok(ours) = SDK_VERSION.parse() else { return };
    let sdk = package.dependencies.iter().find(|dependency| dependency.name == "surrealism");
    if let Some(sdk) = sdk.filter(|sdk| !sdk.req.matches(&ours)) {
        terminal.warn(format!(
            "{} depends on surrealism {}, and this command is of {SDK_VERSION}: the archive may \
             not suit the hosts that it is for",
            package.name, sdk.req
        ));
    }
}

/// Asks a component for its functions.
fn signatures(
    config: &SurrealismConfig,
    wasm: &[u8],
    cache: Cache,
    terminal: Terminal,
) -> Outcome<ExportsManifest> {
    // Describing itself takes no capabilities, nor files.
    let mut config = config.clone();
    config.capabilities = Default::default();
    let (wasm, exports) = (wasm.to_vec(), ExportsManifest::empty());
    let package = SurrealismPackage { config, wasm, exports, fs: None, logo: None };
    let runtime = load(package, BOUNDS, cache, terminal)?;
    let exports = block_on(ask(&runtime))?
        .map_err(plain)
        .context("the component cannot be asked for its functions")?;

    let names = exports.functions.windows(2).find(|pair| pair[0].name == pair[1].name);
    if let Some([function, _]) = names {
        Err(anyhow::anyhow!("the component exports {function} twice"))?;
    }
    Ok(exports)
}

async fn ask(runtime: &Runtime) -> SurrealismResult<ExportsManifest> {
    let context = DetachedContext::new().output(terminal::print_line);
    // Not from the pool: `init` must not run.
    let mut guest = runtime.new_controller(Box::new(context)).await?;
    let mut names = guest.list().await?;
    names.sort();

    let mut manifest = ExportsManifest::empty();
    for name in names {
        manifest.functions.push(FunctionExport {
            args: guest.args(name.clone()).await?,
            returns: guest.returns(name.clone()).await?,
            args_text: None,
            returns_text: None,
            writeable: guest.writeable(name.clone()).await?,
            comment: guest.comment(name.clone()).await?,
            name,
        });
    }
    Ok(manifest)
}

/// Writes the archive, into a folder that is made if need be.
fn pack(
    package: &SurrealismPackage,
    archive: &Path,
    attached: Option<&Path>,
    terminal: Terminal,
) -> Outcome {
    let _progress = terminal.spin("Packing");
    let folder = archive.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    package.pack(archive.to_path_buf(), attached)?;
    Ok(())
}

fn summary(package: &SurrealismPackage, archive: &Path, took: Duration) -> Result<String> {
    let functions = match package.exports.functions.len() {
        1 => "1 function".to_string(),
        count => format!("{count} functions"),
    };
    let component = ByteSize(package.wasm.len() as u64);
    let packed = ByteSize(fs::metadata(archive)?.len());
    let seconds = took.as_secs_f32();
    Ok(format!("{functions}, component {component}, archive {packed}, in {seconds:.1}s"))
}
