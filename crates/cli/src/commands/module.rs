//! `surrealism module`: the flags and the output of the published command, for scripts written for it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, Subcommand};
use surrealdb_types::{ToSql, Value};
use surrealism_runtime::Grants;

use crate::answers::{AnsweringContext, Answers};
use crate::args::cache::CacheArgs;
use crate::args::config::ConfigArgs;
use crate::args::limits::LimitArgs;
use crate::args::parse::parse;
use crate::commands::build::Build;
use crate::commands::info::Info;
use crate::commands::new::New;
use crate::error::{CliError, CliResult, ExitCode, ExitContext};
use crate::literal;
use crate::load;
use crate::ui::terminal::{self, Terminal};
use crate::ui::text::{Text, text};

/// The limits of a call, which the published command does not have. A user may answer.
const LIMITS: LimitArgs =
    LimitArgs { timeout: Duration::from_secs(3600), memory: ByteSize(1 << 30) };

/// Run scripts that were written for `surreal module`
///
/// Takes the flags of the published command and prints results as it does. The other commands do more.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surrealism module build --debug -o demo.surli demo
  surrealism module run --fnc math::add --arg 1 --arg 2 demo.surli")]
pub(crate) struct Module {
    #[command(subcommand)]
    command: ModuleCommand,

    /// Accepted and ignored: this command writes no log
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<String>,
}

#[derive(Debug, Subcommand)]
enum ModuleCommand {
    /// Create a plugin, as `surrealism new` does
    Init {
        /// Directory to create the plugin in
        #[arg(default_value = ".")]
        path: PathBuf,

        /// Use the defaults without prompting
        #[arg(long)]
        headless: bool,

        /// Organization that publishes the plugin
        #[arg(long)]
        org: Option<String>,

        /// Name of the plugin
        #[arg(long)]
        name: Option<String>,
    },
    /// Build a plugin, as `surrealism build` does
    Build {
        /// Build without optimization
        #[arg(long)]
        debug: bool,

        /// File to write the archive to
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,

        /// Directory of the plugin
        #[arg(default_value = ".")]
        source_path: PathBuf,
    },
    /// Describe an archive, as `surrealism info` does
    Info {
        /// Archive to describe
        file: PathBuf,
    },
    /// Print the signature of a function, or of all
    Sig {
        /// Name of the function
        #[arg(long)]
        fnc: Option<String>,

        /// Archive that contains it
        file: PathBuf,
    },
    /// Call a function, with lines of stdin as the answers to `sql` and `run`
    Run {
        /// Name of the function [default: the default export]
        #[arg(long)]
        fnc: Option<String>,

        /// Argument, a SurrealQL value
        #[arg(long = "arg", value_name = "VALUE", allow_hyphen_values = true)]
        args: Vec<String>,

        /// Archive that contains the function
        file: PathBuf,
    },
}

impl Module {
    pub(crate) fn run(self, terminal: Terminal, cache: CacheArgs) -> CliResult {
        match self.command {
            ModuleCommand::Init { path, headless, org, name } => {
                let mut args: Vec<OsString> = vec![path.into()];
                args.extend(headless.then(|| "--yes".into()));
                for (flag, value) in [("--organisation", org), ("--name", name)] {
                    args.extend(value.into_iter().flat_map(|value| [flag.into(), value.into()]));
                }
                parse::<New>(args).run(terminal)
            }
            ModuleCommand::Build { debug, out, source_path } => {
                let mut args: Vec<OsString> = vec![source_path.into()];
                // The published command builds for release.
                args.push(if debug { "--debug" } else { "--release" }.into());
                args.extend(out.into_iter().flat_map(|out| ["--out".into(), out.into()]));
                parse::<Build>(args).run(terminal, cache)
            }
            ModuleCommand::Info { file } => parse::<Info>([file]).run(terminal),
            ModuleCommand::Sig { fnc, file } => print_signatures(fnc, file),
            ModuleCommand::Run { fnc, args, file } => run(fnc, &args, file, terminal, cache),
        }
    }
}

fn print_signatures(name: Option<String>, file: PathBuf) -> CliResult {
    let exports = load::open(&file)?.exports;
    let is_chosen = |found: Option<&str>| name.is_none() || found == name.as_deref();
    let chosen = exports.functions.iter().filter(|function| is_chosen(function.name.as_deref()));
    let lines: Vec<_> = chosen.map(|function| text!("{}", function)).collect();
    if lines.is_empty() && name.is_some() {
        let (name, file) = (name.unwrap_or_default(), file.display());
        return Err(anyhow::anyhow!(
            "{file} has no function {name:?}; see `surrealism info {file}`"
        )
        .into());
    }
    Ok(terminal::print(Text::join(&lines, "\n"))?)
}

/// Prints the result after `✅` on stdout, and an error after `❌` on stderr.
fn run(
    name: Option<String>,
    args: &[String],
    file: PathBuf,
    terminal: Terminal,
    cache: CacheArgs,
) -> CliResult {
    let args: Result<Vec<Value>, _> = args.iter().map(|text| literal::surrealql(text)).collect();
    let args = args.exit_code(ExitCode::Usage)?;
    // As the published command does; link-local and metadata addresses stay out of reach.
    let grants = Grants::as_requested();
    let package = load::open(&file)?;
    // The published command has no flag for them; variables of the environment set keys.
    let config = ConfigArgs::default().values(&package, terminal)?;
    let runtime = load::load(package, (grants, config), LIMITS, cache, terminal)?;
    let context = AnsweringContext::as_published(
        Answers::from_stdin(),
        runtime.kv_store().clone(),
        Arc::new(terminal::print_stdout_line),
        Arc::new(terminal::print_guest_line),
    );
    match context.call(&runtime, name.as_deref(), args, LIMITS.timeout)? {
        Ok(value) => Ok(terminal::print_value(&format!("✅ {}", value.to_sql()))?),
        Err(error) => {
            terminal::print_error(text!("❌ {}", Text::lines(error).indent_rest("    ")));
            Err(CliError::already_reported(ExitCode::Failed))
        }
    }
}
