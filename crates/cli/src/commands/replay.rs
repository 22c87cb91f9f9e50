//! `surrealism replay`: makes recorded calls again, without a host.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use surrealism_runtime::record::{RecordedCall, Recording, Replayed, Verdict};
use surrealism_runtime::{Grants, Runtime};

use crate::args::cache::CacheArgs;
use crate::args::config::ConfigArgs;
use crate::args::limits::LimitArgs;
use crate::error::{CliError, CliResult, ExitCode, ExitContext};
use crate::executor::block_on;
use crate::load;
use crate::ui::terminal::{self, DIM, ERROR, SUCCESS, Terminal};
use crate::ui::text::{Text, text};

/// Make the calls of a recording again, without a host
///
/// The recording answers for the host: queries, other functions, the key-value store, clocks and
/// randomness. A call that returns something else than it did is printed, and so is the first thing that
/// it asks of the host and did not. Nothing is connected to, and no time passes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surrealism run demo.surli greet \"'Ada'\" --record calls.jsonl
  surrealism replay calls.jsonl demo.surli         Make the recorded call again
  surrealism replay calls.jsonl demo-2.surli       Try another version on it
  surrealism replay calls.jsonl demo.surli --call 3")]
pub(crate) struct Replay {
    /// Recording, as `surrealism run --record` or a host writes it
    recording: PathBuf,

    /// Archive to call
    archive: PathBuf,

    /// Replay only the call with this number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    call: Option<u64>,

    #[command(flatten)]
    limits: LimitArgs,

    #[command(flatten)]
    config: ConfigArgs,
}

/// How many calls went how.
#[derive(Default)]
struct Counts {
    same: usize,
    different: usize,
    unreplayable: usize,
    of_other_modules: usize,
}

impl Replay {
    pub(crate) fn run(self, terminal: Terminal, cache: CacheArgs) -> CliResult {
        let calls = self.open().exit_code(ExitCode::Usage)?;
        let package = load::open(&self.archive)?;
        let name = format!("{}/{} ", package.config.meta.organisation, package.config.meta.name);
        // A recording has no value of the configuration.
        let allowed = (Grants::none(), self.config.values(&package, terminal)?);
        let runtime = load::load(package, allowed, self.limits, cache, terminal)?;

        let mut counts = Counts::default();
        for call in calls {
            let call = call.map_err(CliError::from)?;
            if self.call.is_some_and(|number| number != call.number() as u64) {
                continue;
            }
            if !call.module().starts_with(&name) {
                counts.of_other_modules += 1;
                continue;
            }
            let replayed = block_on(runtime.replay(&call))?;
            counts.add(&replayed.verdict);
            terminal::print(line(&call, &replayed))?;
        }
        counts.report(&self, &runtime)
    }

    fn open(&self) -> anyhow::Result<Recording<BufReader<File>>> {
        let file = File::open(&self.recording).map_err(anyhow::Error::from);
        let recording = file.and_then(|file| Recording::open(BufReader::new(file)));
        recording.with_context(|| format!("cannot read {}", self.recording.display()))
    }
}

impl Counts {
    fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Same => self.same += 1,
            Verdict::ResultDiffers { .. } | Verdict::Diverged { .. } => self.different += 1,
            _ => self.unreplayable += 1,
        }
    }

    fn report(&self, replay: &Replay, runtime: &Runtime) -> CliResult {
        let Self { same, different, unreplayable, of_other_modules } = self;
        let mut summary = text!("\n{} same, {} different", same, different);
        if *unreplayable > 0 {
            summary = text!("{}, {} not replayable", summary, unreplayable);
        }
        if *of_other_modules > 0 {
            summary = text!("{}, {} of other modules", summary, of_other_modules);
        }
        terminal::print(summary)?;
        if same + different + unreplayable == 0 {
            let name = &runtime.config().meta.name;
            let which = replay.call.map_or("call".to_string(), |number| format!("call {number}"));
            let recording = replay.recording.display();
            Err(anyhow::anyhow!("{recording} has no {which} of {name}: pass its archive"))?;
        }
        match different + unreplayable {
            0 => Ok(()),
            _ => Err(CliError::already_reported(ExitCode::Failed)),
        }
    }
}

/// Describes a call, and what came of it.
fn line(call: &RecordedCall, Replayed { host_calls, verdict }: &Replayed) -> Text {
    let (status, style) = match verdict {
        Verdict::Same => ("same", SUCCESS),
        Verdict::Unreplayable { .. } => ("not replayable", DIM),
        _ => ("DIFFERENT", ERROR),
    };
    let status = text!("{}", status).styled(style);
    let head = text!("{} {} {}", call.number(), status, call.text());
    let details = match verdict {
        Verdict::Same => return text!("{} (host calls: {})", head, host_calls),
        Verdict::ResultDiffers { recorded, now } => {
            text!("\n    returned  {}\n    returns   {}", block(recorded), block(now))
        }
        Verdict::Diverged { index, recorded, now } => text!(
            "\n    first difference: host call {}\n    asked  {}\n    asks   {}",
            index + 1,
            block(recorded.as_deref().unwrap_or("nothing: it had returned")),
            block(now.as_deref().unwrap_or("nothing: it returned"))
        ),
        Verdict::Unreplayable { reason } => text!("\n    {}", block(reason)),
        _ => text!(""),
    };
    text!("{}{}", head, details)
}

fn block(text: &str) -> Text {
    Text::lines(text).indent_rest("              ")
}
