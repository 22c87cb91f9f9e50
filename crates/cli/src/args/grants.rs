//! `--allow-…`: what a plugin is granted of what its archive asks for.

mod remembered;

use std::io::{IsTerminal, stderr, stdin};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use dialoguer::Confirm;
use surrealism_runtime::{
    Capability, Error, ErrorKind, FunctionTargets, Grants, Missing, SurrealismCapabilities,
    SurrealismPackage,
};

use self::remembered::Remembered;
use crate::error::{CliResult, ExitCode, ExitContext};
use crate::ui::terminal::Terminal;
use crate::ui::text::text;

/// What a plugin is granted. Without any of these, the command asks once for each archive.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Grants")]
pub(crate) struct GrantArgs {
    /// Grant connections to a HOST, HOST:PORT, address or CIDR block that the archive asks for. Can be
    /// repeated
    #[arg(long, value_name = "HOST")]
    allow_net: Vec<String>,

    /// Grant the functions that the archive asks for, through `run`
    #[arg(long)]
    allow_functions: bool,

    /// Grant queries, through `sql`
    #[arg(long)]
    allow_sql: bool,

    /// Grant code that the time limit cannot stop
    #[arg(long)]
    allow_uninterruptible: bool,

    /// Grant everything that the archive asks for, except link-local and metadata addresses, which
    /// `--allow-net` has to name
    #[arg(long)]
    allow_all: bool,
}

impl GrantArgs {
    /// Returns what the archive is granted: by the command line, or by an answer of the user.
    pub(crate) fn grant(
        &self,
        package: &SurrealismPackage,
        terminal: Terminal,
    ) -> CliResult<Grants> {
        let grants = self.grants();
        let requested = &package.config.capabilities;
        let ungranted = grants.ungranted(requested).exit_code(ExitCode::Archive)?;
        let Some(asked) = ungranted.map(refusable).filter(|asked| *asked != Default::default())
        else {
            return Ok(grants);
        };
        if self.is_given() {
            return Ok(grants);
        }
        let (digest, mut remembered) = (digest(package), Remembered::open(terminal));
        let with_answer = remembered.granted(&digest, grants.clone());
        let is_answered = with_answer.ungranted(requested).is_ok_and(|ungranted| {
            ungranted.map(refusable).is_none_or(|left| left == Default::default())
        });
        if is_answered {
            return Ok(with_answer);
        }
        if !stdin().is_terminal() || !stderr().is_terminal() {
            let meta = &package.config.meta;
            let refusal = anyhow!(
                "{}/{} asks for what it is not granted: {}; pass {}, or `--allow-all`",
                meta.organisation,
                meta.name,
                describe(&asked).join(", "),
                flags(&asked).join(" ")
            );
            return Err(refusal).exit_code(ExitCode::Usage);
        }
        ask(package, &asked, terminal)?;
        remembered.add(&digest, &asked, terminal);
        Ok(remembered.granted(&digest, grants))
    }

    fn is_given(&self) -> bool {
        self.allow_all
            || self.allow_functions
            || self.allow_sql
            || self.allow_uninterruptible
            || !self.allow_net.is_empty()
    }

    /// The key-value store is the module's own, in memory or where `--kv` says, and is always granted.
    fn grants(&self) -> Grants {
        let grants = if self.allow_all { Grants::as_requested() } else { Grants::none() };
        let mut grants = grants.key_value().network(&self.allow_net);
        if self.allow_functions {
            grants = grants.functions(["*"]);
        }
        if self.allow_sql {
            grants = grants.queries();
        }
        if self.allow_uninterruptible {
            grants = grants.uninterruptible();
        }
        grants
    }
}

/// Leaves out what is never refused: without the grant, uninterruptible code runs with checks.
fn refusable(asked: SurrealismCapabilities) -> SurrealismCapabilities {
    SurrealismCapabilities { strict_timeout: true, ..asked }
}

fn ask(
    package: &SurrealismPackage,
    asked: &SurrealismCapabilities,
    terminal: Terminal,
) -> CliResult {
    let meta = &package.config.meta;
    // In the warning, since notes are not shown with `--quiet`.
    let asked = describe(asked).join(", ");
    terminal.warn(text!("{}/{} {} asks for {}", meta.organisation, meta.name, meta.version, asked));
    let confirm = Confirm::new().with_prompt("Allow it for this archive, also from now on?");
    if confirm.default(false).interact().context("cannot ask")? {
        return Ok(());
    }
    Err(anyhow!("the archive was not granted what it asks for")).exit_code(ExitCode::Failed)
}

/// Describes capabilities, one a line.
pub(crate) fn describe(asked: &SurrealismCapabilities) -> Vec<String> {
    let mut lines = Vec::new();
    if asked.allow_arbitrary_queries {
        lines.push("queries".to_string());
    }
    let functions = asked.allow_functions.patterns();
    if !functions.is_empty() {
        lines.push(format!("functions {}", functions.join(" ")));
    }
    if !asked.allow_net.is_empty() {
        lines.push(format!("connections to {}", asked.allow_net.join(" ")));
    }
    lines
}

/// Returns the options that grant capabilities.
fn flags(asked: &SurrealismCapabilities) -> Vec<String> {
    let mut flags = Vec::new();
    if asked.allow_arbitrary_queries {
        flags.push("`--allow-sql`".to_string());
    }
    if asked.allow_functions != FunctionTargets::None {
        flags.push("`--allow-functions`".to_string());
    }
    flags.extend(asked.allow_net.iter().map(|entry| format!("`--allow-net {entry}`")));
    flags
}

/// Returns the option that grants what a call was refused.
pub(crate) fn hint(error: &Error) -> Option<&'static str> {
    let ErrorKind::Denied(denied) = error.kind() else { return None };
    match (&denied.missing, &denied.capability) {
        (Missing::NotGranted, Capability::Queries) => Some("grant queries with `--allow-sql`"),
        (Missing::NotGranted, Capability::Function(_)) => {
            Some("grant functions with `--allow-functions`")
        }
        (Missing::NotGranted, Capability::Network(_)) => Some("grant it with `--allow-net`"),
        _ => None,
    }
}

/// Returns what an archive has of what it asks for by earlier answers, if it asks for something that may be
/// refused.
///
/// # Errors
///
/// When a destination of the archive cannot be parsed.
pub(crate) fn effective_before(
    package: &SurrealismPackage,
    terminal: Terminal,
) -> Result<Option<SurrealismCapabilities>> {
    let requested = &package.config.capabilities;
    let asked = Grants::none().ungranted(requested)?.map(refusable);
    if asked.is_none_or(|asked| asked == Default::default()) {
        return Ok(None);
    }
    let grants = Remembered::open(terminal).granted(&digest(package), Grants::none().key_value());
    Ok(Some(grants.effective(requested)?))
}

/// The SHA-256 of the component, which answers are remembered for.
fn digest(package: &SurrealismPackage) -> String {
    package.digest().iter().map(|byte| format!("{byte:02x}")).collect()
}
