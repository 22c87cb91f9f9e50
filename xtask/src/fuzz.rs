//! Fuzzing: libFuzzer drives the targets in `fuzz/`, which stable Rust instruments.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::{bare, guests, step, toolchain};

const TARGETS: [&str; 4] = ["archive", "config", "value", "calls"];

/// How long CI fuzzes each target, in seconds.
const BRIEFLY: u64 = 20;

/// Fuzzes one target, or all in turn, for so many minutes each.
///
/// # Errors
///
/// When something is found, or there is no such target.
pub(crate) fn run(shell: &Shell, target: Option<&str>, minutes: Option<&str>) -> Result<()> {
    let minutes: u64 = minutes.unwrap_or("10").parse().context("the minutes are a whole number")?;
    let target = target.filter(|target| *target != "all");
    let known = target.is_none_or(|target| TARGETS.contains(&target));
    ensure!(known, "there is no such target; there are {} and all", TARGETS.join(", "));
    guests::build(shell)?;
    build(shell)?;
    let chosen = TARGETS.iter().filter(|name| target.is_none_or(|target| target == **name));
    chosen.into_iter().try_for_each(|name| fuzz(shell, name, minutes * 60))
}

/// Fuzzes every target for some seconds; the guests are there already.
///
/// # Errors
///
/// When something is found.
pub(crate) fn briefly(shell: &Shell) -> Result<()> {
    build(shell)?;
    TARGETS.iter().try_for_each(|name| fuzz(shell, name, BRIEFLY))
}

/// Instruments our own crates alone: what they depend on is shared with every other build.
fn build(shell: &Shell) -> Result<()> {
    toolchain::ensure_program(shell, toolchain::CPP)?;
    step("building the fuzz targets");
    let _wrapper =
        shell.push_env("RUSTC_WORKSPACE_WRAPPER", shell.current_dir().join("fuzz/instrument"));
    let targets = TARGETS.iter().flat_map(|name| ["--bin", name]);
    // Of the whole workspace, so that features are those of its other builds.
    bare(cmd!(shell, "cargo build --workspace {targets...}")).run()?;
    Ok(())
}

/// Begins with the seeds and with what was found to be new before; keeps what is new now.
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
            "fuzzing found a fault: it is in {artifacts}, and `cargo test --package \
             surrealism-fuzz` replays it; once it is mended, move it to fuzz/seeds/{name}"
        )
    })
}

/// Archives are unpacked thousands of times; a disk would take most of the time.
fn in_memory(shell: &Shell) -> Option<xshell::PushEnv<'_>> {
    const MEMORY: &str = "/dev/shm";
    Path::new(MEMORY).is_dir().then(|| shell.push_env("TMPDIR", MEMORY))
}
