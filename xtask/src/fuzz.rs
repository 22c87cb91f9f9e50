//! Fuzzing: libFuzzer drives the targets in `fuzz/`, instrumented by stable Rust.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::{clean_cargo_env, guests, step, toolchain};

const TARGETS: [&str; 6] = ["archive", "config", "value", "calls", "columns", "compile"];

/// How long CI fuzzes each target, in seconds.
const BRIEFLY: u64 = 20;

/// Fuzzes one target, or all in turn, for this many minutes each.
///
/// # Errors
///
/// When a target fails or does not exist.
pub(crate) fn run(shell: &Shell, target: Option<&str>, minutes: Option<&str>) -> Result<()> {
    let minutes: u64 =
        minutes.unwrap_or("10").parse().context("the minutes must be a whole number")?;
    let target = target.filter(|target| *target != "all");
    let known = target.is_none_or(|target| TARGETS.contains(&target));
    ensure!(known, "unknown fuzz target; available: {}, all", TARGETS.join(", "));
    guests::build(shell)?;
    build(shell)?;
    let chosen = TARGETS.iter().filter(|name| target.is_none_or(|target| target == **name));
    chosen.into_iter().try_for_each(|name| fuzz(shell, name, minutes * 60))
}

/// Fuzzes every target for [`BRIEFLY`]; needs the guests.
///
/// # Errors
///
/// When a target fails.
pub(crate) fn briefly(shell: &Shell) -> Result<()> {
    build(shell)?;
    TARGETS.iter().try_for_each(|name| fuzz(shell, name, BRIEFLY))
}

/// Instruments the crates of this workspace only, so that dependencies are shared with other builds.
fn build(shell: &Shell) -> Result<()> {
    toolchain::ensure_program(shell, toolchain::CPP)?;
    step("building the fuzz targets");
    let _wrapper =
        shell.push_env("RUSTC_WORKSPACE_WRAPPER", shell.current_dir().join("fuzz/instrument"));
    let targets = TARGETS.iter().flat_map(|name| ["--bin", name]);
    // `--workspace`, so that features are those of the other builds.
    clean_cargo_env(cmd!(shell, "cargo build --workspace {targets...}")).run()?;
    Ok(())
}

/// Runs one target on the seeds and the corpus, and adds new inputs to the corpus.
fn fuzz(shell: &Shell, name: &str, seconds: u64) -> Result<()> {
    step(&format!("fuzzing {name} for {seconds} seconds"));
    let (corpus, artifacts) = (format!("fuzz/corpus/{name}"), format!("fuzz/artifacts/{name}/"));
    shell.create_dir(&corpus)?;
    shell.create_dir(&artifacts)?;
    let _memory = in_memory(shell);
    let seconds = seconds.to_string();
    cmd!(
        shell,
        "target/debug/{name} {corpus} fuzz/seeds/{name} -artifact_prefix={artifacts}
         -max_total_time={seconds} -timeout=30 -rss_limit_mb=2048 -verbosity=0
         -print_final_stats=1"
    )
    .run()
    .with_context(|| {
        format!(
            "fuzzing found a failing input, in {artifacts}: `cargo test --package surrealism-fuzz` \
             replays it; once the cause is fixed, move the input to fuzz/seeds/{name}"
        )
    })
}

/// Unpacks archives in memory, since the disk would take most of the time.
fn in_memory(shell: &Shell) -> Option<xshell::PushEnv<'_>> {
    const MEMORY: &str = "/dev/shm";
    Path::new(MEMORY).is_dir().then(|| shell.push_env("TMPDIR", MEMORY))
}
