//! Developer tasks: `cargo xtask help`.

mod bench;
mod bindings;
mod count;
mod demo;
mod deny;
mod docs_table;
mod drop_in;
mod engines;
mod features;
mod fuzz;
mod guests;
mod nightly;
mod ports;
mod readme;
mod reproducible;
mod test;
mod tidy;
mod toolchain;
mod workflows;

use std::process::ExitCode;

use anyhow::{Result, bail};
use xshell::{Cmd, Shell};

/// One task of the command line.
struct Task {
    name: &'static str,
    arguments: &'static str,
    help: &'static str,
    run: fn(&Shell, &[&str]) -> Result<()>,
}

const TASKS: &[Task] = &[
    Task {
        name: "demo",
        arguments: "",
        help: "build the example plugin and run it on this repository's README",
        run: |shell, _| demo::run(shell),
    },
    Task {
        name: "sessions",
        arguments: "",
        help: "run the console sessions of the documents, and compare their output",
        run: |shell, _| readme::check(shell),
    },
    Task {
        name: "test",
        arguments: "",
        help: "everything that CI runs on Linux: tidy, lints, features, guests, tests, docs",
        run: |shell, _| test::run(shell),
    },
    Task {
        name: "tidy",
        arguments: "",
        help: "rules about the sources that the compiler does not check; takes a second",
        run: |shell, _| tidy::run(shell),
    },
    Task {
        name: "features",
        arguments: "",
        help: "compile each published crate with each of its features alone",
        run: |shell, _| features::run(shell),
    },
    Task {
        name: "workflows",
        arguments: "",
        help: "lint .github/workflows with actionlint",
        run: |shell, _| workflows::run(shell),
    },
    Task {
        name: "guests",
        arguments: "",
        help: "build the test guests and the example plugin into target/guests",
        run: |shell, _| guests::build(shell),
    },
    Task {
        name: "engines",
        arguments: "[--check]",
        help: "build what plugins in other languages run on, or compare it with what ships; 6 minutes",
        run: |shell, arguments| match arguments {
            [] => engines::write(shell),
            ["--check"] => engines::check(shell),
            _ => unexpected("engines", arguments),
        },
    },
    Task {
        name: "bindings",
        arguments: "",
        help: "generate the SDK's bindings of wit/plugin.wit",
        run: |shell, _| bindings::write(shell),
    },
    Task {
        name: "count",
        arguments: "[--bless]",
        help: "compare the instructions of calls with the accepted counts, or accept them",
        run: |shell, arguments| match arguments {
            [] => count::run(shell, false),
            ["--bless"] => count::run(shell, true),
            _ => unexpected("count", arguments),
        },
    },
    Task {
        name: "deny",
        arguments: "",
        help: "check licenses, sources and security advisories of the dependencies",
        run: |shell, _| deny::run(shell),
    },
    Task {
        name: "fuzz",
        arguments: "[TARGET|all] [MINUTES]",
        help: "run one fuzz target, or all in turn; 10 minutes each unless given",
        run: |shell, arguments| {
            fuzz::run(shell, arguments.first().copied(), arguments.get(1).copied())
        },
    },
    Task {
        name: "soak",
        arguments: "[MINUTES]",
        help: "run calls with injected faults; 10 minutes unless given",
        run: |shell, arguments| test::soak(shell, arguments.first().copied()),
    },
    Task {
        name: "bench",
        arguments: "[layers]",
        help: "measure beside the peers, into docs/performance.md, or each layer alone",
        run: |shell, arguments| match arguments {
            [] => bench::run(shell),
            ["layers"] => bench::layers(shell),
            _ => unexpected("bench", arguments),
        },
    },
    Task {
        name: "drop-in",
        arguments: "",
        help: "test and measure SurrealDB on this runtime; compiles a database twice, 1 hour",
        run: |shell, _| drop_in::run(shell),
    },
    Task {
        name: "ports",
        arguments: "[windows|arm64|macos]",
        help: "lint, cross-build and run the command for other systems, as far as Linux can",
        run: ports::run,
    },
    Task {
        name: "nightly",
        arguments: "[soak|fuzz|ports|drop-in|engines|reproducible]",
        help: "everything that takes too long for each commit, or one part of it",
        run: nightly::run,
    },
];

fn main() -> ExitCode {
    let result = match std::env::var(features::PLAN) {
        Ok(plan) => features::compile_instead_of_rustc(&plan),
        Err(_) => run().map(|()| ExitCode::SUCCESS),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let shell = Shell::new()?;
    shell.change_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    // Tests and guests provoke errors; backtraces would make these slow and long.
    shell.set_var("RUST_BACKTRACE", "0");
    // Keeps the command's cache of compiled code with everything else that is built here.
    shell.set_var("XDG_CACHE_HOME", shell.current_dir().join("target/cache"));
    let (name, rest) = match arguments.split_first() {
        None | Some((&("help" | "--help" | "-h"), _)) => {
            println!("{}", help());
            return Ok(());
        }
        Some((name, rest)) => (*name, rest),
    };
    match TASKS.iter().find(|task| task.name == name) {
        Some(task) => (task.run)(&shell, rest),
        None => bail!("unknown task `{name}`\n\n{}", help()),
    }
}

fn help() -> String {
    let mut help = "cargo xtask <TASK>\n".to_string();
    for Task { name, arguments, help: text, .. } in TASKS {
        help += &format!("\n  {:<35}{text}", format!("{name} {arguments}"));
    }
    help + "\n\nEach task installs what it lacks where it can (Debian, as root), or prints the command."
}

fn unexpected(task: &str, arguments: &[&str]) -> Result<()> {
    bail!("`cargo xtask {task}` does not take `{}`\n\n{}", arguments.join(" "), help())
}

/// Announces the next step.
fn step(what: &str) {
    eprintln!("\n==> {what}");
}

/// Removes what Cargo says about `xtask` from the environment of another Cargo. Build scripts that read
/// these variables would run again otherwise, and everything that depends on them.
fn clean_cargo_env(cargo: Cmd<'_>) -> Cmd<'_> {
    let names = std::env::vars_os().map(|(name, _)| name);
    let ours = names.filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_MANIFEST") || name.starts_with("CARGO_PKG")
    });
    ours.fold(cargo, Cmd::env_remove)
}
