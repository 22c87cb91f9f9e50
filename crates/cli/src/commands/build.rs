//! `surrealism build`: compiles a plugin, or takes compiled WebAssembly, and packs it as an archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytesize::ByteSize;
use clap::Args;
use surrealism_runtime::config::AbiVersion;
use surrealism_runtime::{
    Controller, DetachedContext, ExportsManifest, FunctionExport, PrefixErr, Runtime,
    SurrealismConfig, SurrealismError, SurrealismPackage, SurrealismResult,
};
use tempfile::TempDir;

use crate::args::cache::CacheArgs;
use crate::args::limits::LimitArgs;
use crate::component::componentize;
use crate::component::name_section::shorten_names;
use crate::error::{CliResult, ExitCode, ExitContext, flatten};
use crate::executor::block_on;
use crate::languages::{self, Compiled, Options, rust::RustArgs};
use crate::load::load;
use crate::project::{CONFIG_FILE, Project};
use crate::ui::terminal::{self, Terminal};
use crate::ui::text::{Text, text};

/// The limits of a component while it describes its functions.
const DESCRIBE_LIMITS: LimitArgs =
    LimitArgs { timeout: Duration::from_secs(30), memory: ByteSize(1 << 30) };

/// Build a plugin and pack it as an archive
///
/// Prints the path of the archive on stdout. The component describes its own functions; none of them
/// runs, and neither does its `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surrealism build                       Build the plugin of the current directory
  surrealism build demo --out dist/      Build another plugin, and write the archive to `dist`
  surrealism build --release --locked    Build the archive to publish
  surrealism build --wasm plugin.wasm    Pack a module or component that another tool built
  surrealism build -- --features extra   Pass arguments to cargo")]
pub(crate) struct Build {
    /// Directory of the plugin, or one inside it
    #[arg(default_value = ".")]
    path: PathBuf,

    /// File or directory to write the archive to [default: the plugin's directory]
    #[arg(short, long, value_name = "FILE|DIR")]
    out: Option<PathBuf>,

    /// Pack this core module or component instead of compiling the plugin
    #[arg(long, value_name = "FILE")]
    #[arg(conflicts_with_all = ["release", "debug", "locked", "toolchain", "cargo_args"])]
    wasm: Option<PathBuf>,

    #[command(flatten)]
    rust: RustArgs,
}

impl Build {
    pub(crate) fn run(self, terminal: Terminal, cache: CacheArgs) -> CliResult {
        let archive = self.build(terminal, cache).exit_code(ExitCode::Build)?;
        // The archive itself may have gone to stdout.
        if archive.is_file() {
            terminal::print_value(&archive.display().to_string())?;
        }
        Ok(())
    }

    /// Builds the archive and returns its path.
    pub(crate) fn build(self, terminal: Terminal, cache: CacheArgs) -> CliResult<PathBuf> {
        let started = Instant::now();
        let project = Project::find(&self.path)?;
        // Fail early: compiling may take minutes.
        ensure_current_abi(&project)?;
        let attached = project.attached_dir()?;
        let logo = project.logo()?;

        let Compiled { wasm, files } = self.component(&project, cache, terminal)?;
        let archive = self.archive_path(&project);
        let mut config = project.config;
        if files.is_some() {
            config.attach.fs.get_or_insert_with(|| "fs".to_string());
        }
        let files = files.as_ref().map(TempDir::path);
        let exports = describe_functions(&config, &wasm, files, cache, terminal)?;
        if exports.functions.is_empty() {
            terminal.warn(
                "the plugin exports no functions: mark one with `#[surrealism]`, or `export` it",
            );
        }

        let package = SurrealismPackage { config, wasm, exports, fs: None, logo };
        pack(&package, &archive, files.or(attached.as_deref()), terminal)?;

        terminal.status("Packed", summary(&package, &archive, started.elapsed())?);
        Ok(archive)
    }

    fn component(
        &self,
        project: &Project,
        cache: CacheArgs,
        terminal: Terminal,
    ) -> Result<Compiled> {
        if let Some(file) = &self.wasm {
            // Keeps the names that the other tool wrote.
            let wasm = componentize(read(file)?)
                .with_context(|| format!("cannot pack {}", file.display()))?;
            return Ok(Compiled { wasm, files: None });
        }
        let options = Options { rust: &self.rust, cache, terminal };
        let Compiled { wasm, files } = languages::compile(project, options)?;
        if files.is_some() {
            // An engine, whose code is known by its bytes.
            return Ok(Compiled { wasm, files });
        }
        Ok(Compiled { wasm: shorten_names(&componentize(wasm)?)?, files })
    }

    fn archive_path(&self, project: &Project) -> PathBuf {
        let name = project.config.file_name();
        match &self.out {
            None => project.dir.join(name),
            Some(out) if out.is_dir() || has_trailing_separator(out) => out.join(name),
            Some(out) => out.clone(),
        }
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn has_trailing_separator(path: &Path) -> bool {
    path.to_string_lossy().ends_with(std::path::is_separator)
}

fn ensure_current_abi(project: &Project) -> Result<()> {
    let (abi, current) = (project.config.abi, AbiVersion::CURRENT);
    ensure!(
        abi == current,
        "unsupported ABI {abi} in {}: this command builds for ABI {current}, which hosts implement; \
         remove the line, or write `abi = {current}`",
        project.dir.join(CONFIG_FILE).display()
    );
    Ok(())
}

/// Instantiates the component without capabilities and lets it describe its functions.
fn describe_functions(
    config: &SurrealismConfig,
    wasm: &[u8],
    files: Option<&Path>,
    cache: CacheArgs,
    terminal: Terminal,
) -> CliResult<ExportsManifest> {
    let mut config = config.clone();
    config.capabilities = Default::default();
    // It reads none while it describes itself, and an operator will set them.
    config.config = Default::default();
    let (wasm, exports) = (wasm.to_vec(), ExportsManifest::empty());
    let package = SurrealismPackage { config, wasm, exports, fs: None, logo: None };
    let package = attach(package, files)?;
    let runtime = load(package, Default::default(), DESCRIBE_LIMITS, cache, terminal)?;
    let exports = block_on(query_functions(&runtime))?
        .map_err(flatten)
        .context("the component cannot describe its functions")?;

    let duplicate = exports.functions.windows(2).find(|pair| pair[0].name == pair[1].name);
    if let Some([function, _]) = duplicate {
        Err(anyhow::anyhow!("the component exports {function} twice"))?;
    }
    Ok(exports)
}

/// Returns the package as a host reads it, with its attached files.
fn attach(package: SurrealismPackage, files: Option<&Path>) -> Result<SurrealismPackage> {
    let Some(files) = files else { return Ok(package) };
    let dir = tempfile::tempdir().context("cannot create a temporary directory")?;
    let archive = dir.path().join("unfinished.surli");
    package.pack(archive.clone(), Some(files)).map_err(flatten)?;
    SurrealismPackage::from_file(archive).map_err(flatten)
}

/// Queries the signatures of all functions, sorted by name.
async fn query_functions(runtime: &Runtime) -> SurrealismResult<ExportsManifest> {
    let context = DetachedContext::new().output(terminal::print_guest_line);
    // Not `acquire_controller`, which runs `init`.
    let mut controller = runtime.new_controller(Box::new(context)).await?;
    let mut names = controller.list().await?;
    names.sort();

    let mut manifest = ExportsManifest::empty();
    for name in names {
        let shown = name.clone().unwrap_or_else(|| "the default function".to_string());
        let function = describe(&mut controller, name).await;
        let is_endless = matches!(&function, Err(error) if is_stack_overflow(error));
        let hint = if is_endless {
            ": types that contain each other need `#[derive(surrealism::SurrealValue)]`"
        } else {
            ""
        };
        manifest.functions.push(function.prefix_err(|| format!("cannot describe {shown}{hint}"))?);
    }
    Ok(manifest)
}

fn is_stack_overflow(error: &SurrealismError) -> bool {
    format!("{error:?}").contains("ran out of stack")
}

async fn describe(
    controller: &mut Controller,
    name: Option<String>,
) -> SurrealismResult<FunctionExport> {
    Ok(FunctionExport {
        args: controller.args(name.clone()).await?,
        returns: controller.returns(name.clone()).await?,
        args_text: None,
        returns_text: None,
        writeable: controller.writeable(name.clone()).await?,
        comment: controller.comment(name.clone()).await?,
        name,
    })
}

/// Writes the archive. Creates its directory if necessary.
fn pack(
    package: &SurrealismPackage,
    archive: &Path,
    attached: Option<&Path>,
    terminal: Terminal,
) -> CliResult {
    let _progress = terminal.spinner("Packing");
    let dir = archive.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = dir.unwrap_or(Path::new("."));
    fs::create_dir_all(dir).with_context(|| match dir.is_file() {
        true => format!("{} is a file: choose another path for `--out`", dir.display()),
        false => format!("cannot create the directory {}", dir.display()),
    })?;
    package.pack(archive.to_path_buf(), attached)?;
    Ok(())
}

fn summary(package: &SurrealismPackage, archive: &Path, elapsed: Duration) -> Result<Text> {
    let functions = match package.exports.functions.len() {
        1 => "1 function".to_string(),
        count => format!("{count} functions"),
    };
    let component = ByteSize(package.wasm.len() as u64);
    let packed = fs::metadata(archive)?;
    // A stream has no size.
    let packed = packed.is_file().then(|| format!(", archive {}", ByteSize(packed.len())));
    let seconds = format!("{:.1}s", elapsed.as_secs_f32());
    Ok(text!(
        "{}, component {}{}, in {}",
        functions,
        component,
        packed.unwrap_or_default(),
        seconds
    ))
}
