//! Instructions of the call path, compared with accepted counts. Unlike times, they do not depend on how
//! busy the machine is.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::{clean_cargo_env, step, toolchain};

/// The accepted count of each case.
const ACCEPTED: &str = "crates/runtime/benches/instructions.txt";

/// Callgrind's output.
const COUNTED: &str = "target/instructions";

/// The most that a count may exceed the accepted one, in percent. It allows for patches of dependencies or
/// of the C library.
const TOLERANCE: u64 = 5;

/// The crates that are compiled with release settings. Everything else is taken as the tests compiled it,
/// since compiling wasmtime for a release would take longer than all tests.
const OUR_CRATES: [&str; 2] = ["surrealism-runtime", "surrealism-types"];
const AS_IN_A_RELEASE: [&str; 4] =
    ["opt-level=3", "codegen-units=1", "debug-assertions=false", "overflow-checks=false"];

type Counts = BTreeMap<String, u64>;

/// Counts and compares; with `bless`, writes the counts as accepted instead.
///
/// # Errors
///
/// When a case takes more instructions than accepted, by more than [`TOLERANCE`].
pub(crate) fn run(shell: &Shell, bless: bool) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        step("NOT CHECKED: instructions, since the accepted counts are those of Linux on x86-64");
        return Ok(());
    }
    toolchain::ensure_program(shell, toolchain::VALGRIND)?;
    step("counting the instructions of calls");
    let counts = count(shell)?;
    if bless {
        shell.write_file(ACCEPTED, write(&counts))?;
        eprintln!("wrote {ACCEPTED}: commit it with the reason of the change");
        return Ok(());
    }
    compare(&read(&shell.read_file(ACCEPTED)?)?, &counts)
}

/// Returns the instructions of one run of each case, in the round that took least.
fn count(shell: &Shell) -> Result<Counts> {
    shell.remove_path(COUNTED)?;
    shell.create_dir(COUNTED)?;
    let parts = format!("{}/{COUNTED}/part", shell.current_dir().display());
    // Callgrind dumps and resets its counts at the beginning and end of each case, and counts the epoch
    // ticker's thread separately.
    let runner = format!(
        "target.'cfg(unix)'.runner = ['valgrind', '--quiet', '--tool=callgrind',
         '--separate-threads=yes', '--dump-before=*instructions*boundary*',
         '--callgrind-out-file={parts}']"
    );
    let profile = OUR_CRATES.iter().flat_map(|name| {
        AS_IN_A_RELEASE.map(|setting| format!("--config=profile.dev.package.{name}.{setting}"))
    });
    let cargo = cmd!(
        shell,
        "cargo bench --workspace --bench instructions --profile dev --config {runner} {profile...}"
    );
    let cases = clean_cargo_env(cargo).env("CARGO_INCREMENTAL", "0").read()?;

    let mut counts = Counts::new();
    for (index, case) in cases.lines().enumerate() {
        let (times, case) = case.split_once(' ').context("expected `TIMES NAME` of a case")?;
        // Parts are numbered from 1; the one before each case is its preparation. Thread 1 makes the calls.
        let part = format!("{parts}.{}-01", 2 * index + 2);
        let total = total(&shell.read_file(&part)?).with_context(|| format!("{part}, {case}"))?;
        let one = total / times.parse::<u64>()?;
        counts.entry(case.to_string()).and_modify(|least| *least = one.min(*least)).or_insert(one);
    }
    ensure!(!counts.is_empty(), "nothing was counted");
    Ok(counts)
}

/// Returns all instructions of one part of callgrind's output.
fn total(part: &str) -> Result<u64> {
    let totals = part.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(totals.context("a line with totals is missing")?.trim().parse()?)
}

fn compare(accepted: &Counts, counts: &Counts) -> Result<()> {
    let (mut more, mut less) = (0, 0);
    for (case, &count) in counts {
        let before = accepted.get(case).copied();
        let mark = match before {
            None => "new",
            Some(before) if count * 100 > before * (100 + TOLERANCE) => "MORE",
            Some(before) if count * 100 < before * (100 - TOLERANCE) => "less",
            Some(_) => "",
        };
        more += usize::from(mark == "MORE" || mark == "new");
        less += usize::from(mark == "less");
        let before = before.map_or("–".to_string(), |before| before.to_string());
        println!("{count:>9}  {before:>9}  {mark:<4}  {case}");
    }
    if let Some(gone) = accepted.keys().find(|case| !counts.contains_key(*case)) {
        bail!("`{gone}` of {ACCEPTED} was not counted: `cargo xtask count --bless` removes it");
    }
    if more > 0 {
        bail!(
            "{more} cases take over {TOLERANCE} % more instructions than {ACCEPTED} has, or are not \
             in it. If the change is worth it, accept it with `cargo xtask count --bless`; if not, \
             run the bench `instructions` under `valgrind --tool=callgrind` and read the result \
             with `callgrind_annotate`"
        );
    }
    if less > 0 {
        eprintln!("{less} cases take less: `cargo xtask count --bless` accepts the lower counts");
    }
    Ok(())
}

fn read(file: &str) -> Result<Counts> {
    file.lines()
        .map(|line| {
            let (count, case) =
                line.trim().split_once("  ").context("expected `COUNT  CASE` on each line")?;
            Ok((case.to_string(), count.parse()?))
        })
        .collect()
}

fn write(counts: &Counts) -> String {
    counts.iter().fold(String::new(), |mut file, (case, count)| {
        let _ = writeln!(file, "{count:>9}  {case}");
        file
    })
}
