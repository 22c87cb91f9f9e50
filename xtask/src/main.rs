//! What this repository does to itself: `cargo xtask help`.

mod bench;
mod count;
mod demo;
mod deny;
mod drop_in;
mod fuzz;
mod guests;
mod page;
mod readme;
mod test;
mod toolchain;

use anyhow::{Result, bail};
use xshell::{Cmd, Shell};

const HELP: &str = "\
cargo xtask <TASK>

  demo     build the example plugin, and run it on this repository's own README
  test     all that CI runs: format, lints, guests from source, every test, the docs
  soak [MINUTES]
           calls with faults injected, for ten minutes or as many as are given
  fuzz [TARGET|all] [MINUTES]
           one fuzz target, or all in turn, for ten minutes each or as many as are given
  deny     the licences and sources of what we depend on, and the advisories against it
  bench    measure the project beside its peers, into docs/performance.md and its plots
  bench layers
           measure each layer of the project by itself, with criterion
  count [accept]
           the instructions of calls, held to those that were accepted; or accept them
  drop-in  SurrealDB itself on this runtime: its tests, and its queries beside the published
           runtime; compiles a database twice, which takes an hour
  guests   build the test guests and the example plugin into target/guests
  help     this

Each task installs what it lacks, if it can, and says so.";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |place: usize| arguments.get(place).map(String::as_str);
    let shell = Shell::new()?;
    shell.change_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    // Backtraces make errors that are expected, in tests and in guests, slow and long.
    shell.set_var("RUST_BACKTRACE", "0");
    // Where the command keeps compiled code: with all else that is built here.
    shell.set_var("XDG_CACHE_HOME", shell.current_dir().join("target/cache"));
    match argument(0).unwrap_or_default() {
        "demo" => demo::run(&shell),
        "test" => test::run(&shell),
        "soak" => test::soak(&shell, argument(1)),
        "fuzz" => fuzz::run(&shell, argument(1), argument(2)),
        "deny" => deny::run(&shell),
        "bench" => match argument(1) {
            None => bench::run(&shell),
            Some("layers") => bench::layers(&shell),
            Some(other) => bail!("there is no `bench {other}`\n\n{HELP}"),
        },
        "drop-in" => drop_in::run(&shell),
        "count" => match argument(1) {
            None => count::run(&shell, false),
            Some("accept") => count::run(&shell, true),
            Some(other) => bail!("there is no `count {other}`\n\n{HELP}"),
        },
        "guests" => guests::build(&shell),
        "" | "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        other => bail!("there is no task `{other}`\n\n{HELP}"),
    }
}

/// Says what comes next.
fn step(what: &str) {
    eprintln!("\n==> {what}");
}

/// A run of cargo that knows nothing of the one that runs this: build scripts that ask for what it
/// says of `xtask` would run again, and all that depends on them.
fn bare(cargo: Cmd<'_>) -> Cmd<'_> {
    let of_this = std::env::vars_os().map(|(name, _)| name);
    let of_this = of_this.filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_MANIFEST") || name.starts_with("CARGO_PKG")
    });
    of_this.fold(cargo, Cmd::env_remove)
}
