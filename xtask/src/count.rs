//! Instructions that the call path takes, held to what they were: unlike times, they are the same on a
//! busy machine and on a quiet one.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::{bare, step, toolchain};

/// What each case took when somebody last accepted it.
const ACCEPTED: &str = "crates/runtime/benches/instructions.txt";

/// Where callgrind writes.
const COUNTED: &str = "target/instructions";

/// By how many hundredths a count may exceed what was accepted. Two runs differ by up to two, since
/// guests yield when the clock ticks; the rest is for a patch of a dependency or another C library.
const TOLERANCE: u64 = 5;

/// What is counted: everything as the tests have compiled it, and only our own crates again, as in a
/// release. Compiling wasmtime for a release as well would take longer than all tests.
const OUR_CRATES: [&str; 2] = ["surrealism-runtime", "surrealism-types"];
const AS_IN_A_RELEASE: [&str; 4] =
    ["opt-level=3", "codegen-units=1", "debug-assertions=false", "overflow-checks=false"];

type Counts = BTreeMap<String, u64>;

/// Counts, and compares; with `accept`, keeps what it counted instead.
///
/// # Errors
///
/// When something takes more instructions than was accepted, by more than the tolerance.
pub(crate) fn run(shell: &Shell, accept: bool) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        step("NOT CHECKED: instructions, for those accepted are of Linux on x86-64");
        return Ok(());
    }
    toolchain::ensure_program(shell, toolchain::VALGRIND)?;
    step("counting the instructions of calls");
    let counts = count(shell)?;
    if accept {
        shell.write_file(ACCEPTED, write(&counts))?;
        eprintln!("wrote {ACCEPTED}: commit it, and say why it changed");
        return Ok(());
    }
    compare(&read(&shell.read_file(ACCEPTED)?)?, &counts)
}

/// Instructions of one run of each case.
fn count(shell: &Shell) -> Result<Counts> {
    shell.remove_path(COUNTED)?;
    shell.create_dir(COUNTED)?;
    let parts = format!("{}/{COUNTED}/part", shell.current_dir().display());
    // What was counted is written, and begins anew, whenever a case begins or ends; the clock's thread
    // is counted by itself.
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
    let cases = bare(cargo).env("CARGO_INCREMENTAL", "0").read()?;

    let mut counts = Counts::new();
    for (index, case) in cases.lines().enumerate() {
        let (times, case) = case.split_once(' ').context("a case is its times and its name")?;
        // Parts count from 1, and before each case is one that makes ready for it; thread 1 calls.
        let part = format!("{parts}.{}-01", 2 * index + 2);
        let total = total(&shell.read_file(&part)?).with_context(|| format!("{part}, {case}"))?;
        counts.insert(case.to_string(), total / times.parse::<u64>()?);
    }
    ensure!(!counts.is_empty(), "nothing was counted");
    Ok(counts)
}

/// All instructions of one part of callgrind's.
fn total(part: &str) -> Result<u64> {
    let totals = part.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(totals.context("it has no totals")?.trim().parse()?)
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
        bail!("`{gone}` of {ACCEPTED} was not counted: `cargo xtask count accept` forgets it");
    }
    if more > 0 {
        bail!(
            "{more} cases take over {TOLERANCE} % more instructions than {ACCEPTED} has, or are not \
             in it. If that is the price of something, `cargo xtask count accept` writes what was \
             counted; if it is not, `callgrind_annotate` tells where they went, of a run of the \
             bench `instructions` under `valgrind --tool=callgrind`"
        );
    }
    if less > 0 {
        eprintln!("{less} cases take less: `cargo xtask count accept` holds them to it");
    }
    Ok(())
}

fn read(file: &str) -> Result<Counts> {
    file.lines()
        .map(|line| {
            let (count, case) = line.trim().split_once("  ").context("a line is COUNT  CASE")?;
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
