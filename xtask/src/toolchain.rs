//! A toolchain that compiles guests, and what else the tests need, installed if it is missing and this
//! machine lets us.

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use crate::step;

/// Any of these will do; see `surrealism build --help`.
const TARGETS: [&str; 2] = ["wasm32-wasip2", "wasm32-wasip1"];

/// Debian's own toolchain, for where rustup cannot fetch a target.
const DEBIAN_PACKAGES: [&str; 7] =
    ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-19", "clang-19", "wasi-libc"];

/// Finds or installs a toolchain.
///
/// # Errors
///
/// When there is none and none can be installed; the message says what to do by hand.
pub(crate) fn ensure(shell: &Shell) -> Result<()> {
    step("looking for a toolchain that compiles guests");
    if let Some(found) = find(shell) {
        eprintln!("found {found}");
        return Ok(());
    }
    step("none is there; asking rustup for the target wasm32-wasip2");
    if cmd!(shell, "rustup target add wasm32-wasip2").run().is_ok() {
        return Ok(());
    }
    step("rustup has it not; installing Debian's toolchain");
    let packages = DEBIAN_PACKAGES;
    if install(shell, &packages).is_err() || find(shell).is_none() {
        bail!(
            "no toolchain compiles guests on this machine; install one with\n  \
             rustup target add wasm32-wasip2\nor, on Debian, as root, with\n  \
             apt-get install --no-install-recommends {}",
            packages.join(" ")
        );
    }
    Ok(())
}

/// What tasks need beside Rust: a program that is there already, or Debian's package of it.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    name: &'static str,
    package: &'static str,
    needed_by: &'static str,
}

/// For libFuzzer.
pub(crate) const CPP: Program = Program { name: "c++", package: "g++", needed_by: "libFuzzer" };
/// Started and stopped by the tests.
pub(crate) const REDIS: Program = Program {
    name: "redis-server",
    package: "redis-server",
    needed_by: "the tests of key-value stores",
};
/// Counts instructions.
pub(crate) const VALGRIND: Program =
    Program { name: "valgrind", package: "valgrind", needed_by: "the count of instructions" };

/// Finds or installs a program.
///
/// # Errors
///
/// When it is not there and cannot be installed; the message says what to do by hand.
pub(crate) fn ensure_program(shell: &Shell, program: Program) -> Result<()> {
    let Program { name, package, needed_by } = program;
    if cmd!(shell, "{name} --version").quiet().ignore_stdout().ignore_stderr().run().is_ok() {
        return Ok(());
    }
    step(&format!("there is no {name}; installing Debian's"));
    install(shell, &[package]).with_context(|| {
        format!(
            "{name} is needed by {needed_by}; install it, on Debian, as root, with\n  \
             apt-get install --no-install-recommends {package}"
        )
    })
}

/// Whether guests are compiled by Debian's toolchain.
pub(crate) fn is_debians(shell: &Shell) -> bool {
    find(shell).is_some_and(|found| found.starts_with("Debian"))
}

fn install(shell: &Shell, packages: &[&str]) -> xshell::Result<()> {
    cmd!(shell, "apt-get update").run()?;
    cmd!(shell, "apt-get install --yes --no-install-recommends {packages...}").run()
}

fn find(shell: &Shell) -> Option<String> {
    for target in TARGETS {
        let libdir = cmd!(shell, "rustc --print target-libdir --target {target}");
        let libdir = libdir.quiet().ignore_stderr().read().ok()?;
        if shell.path_exists(&libdir) {
            return Some(format!("the target {target} at {libdir}"));
        }
    }
    let parts =
        ["/usr/bin/cargo", "/usr/bin/rustc", "/usr/lib/rustlib/src", "/usr/lib/wasm32-wasi"];
    let there = parts.iter().all(|part| shell.path_exists(part));
    there.then(|| "Debian's rustc-web, with the source of std".to_string())
}
