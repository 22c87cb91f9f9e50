//! Finds or installs what the tasks need: a toolchain for guests, targets, programs and Python packages.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use crate::step;

/// Either is enough; see `surrealism build --help`.
const TARGETS: [&str; 2] = ["wasm32-wasip2", "wasm32-wasip1"];

/// Debian's toolchain, for machines where rustup cannot fetch a target.
const DEBIAN_PACKAGES: [&str; 7] =
    ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-19", "clang-19", "wasi-libc"];

/// Finds or installs a toolchain that compiles guests.
///
/// # Errors
///
/// When none is found and none can be installed; the message has the commands to do it by hand.
pub(crate) fn ensure(shell: &Shell) -> Result<()> {
    step("looking for a toolchain that compiles guests");
    if let Some(found) = find(shell) {
        eprintln!("found {found}");
        return Ok(());
    }
    step("none found; asking rustup for the target wasm32-wasip2");
    if cmd!(shell, "rustup target add wasm32-wasip2").run().is_ok() {
        return Ok(());
    }
    step("rustup could not add it; installing Debian's toolchain");
    let packages = DEBIAN_PACKAGES;
    if install(shell, &packages).is_err() || find(shell).is_none() {
        bail!(
            "no toolchain for guests on this machine; install one with\n  \
             rustup target add wasm32-wasip2\nor, on Debian, as root, with\n  \
             apt-get install --no-install-recommends {}",
            packages.join(" ")
        );
    }
    Ok(())
}

/// A program that a task needs, and Debian's package of it.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
    pub(crate) needed_by: &'static str,
}

/// Compiles libFuzzer.
pub(crate) const CPP: Program = Program { name: "c++", package: "g++", needed_by: "libFuzzer" };
/// Started and stopped by the tests.
pub(crate) const REDIS: Program = Program {
    name: "redis-server",
    package: "redis-server",
    needed_by: "the tests of key-value stores",
};
/// Checks the metrics.
pub(crate) const PROMTOOL: Program =
    Program { name: "promtool", package: "prometheus", needed_by: "the tests of metrics" };
/// Counts instructions.
pub(crate) const VALGRIND: Program =
    Program { name: "valgrind", package: "valgrind", needed_by: "the count of instructions" };

/// Finds or installs a program.
///
/// # Errors
///
/// When it is missing and cannot be installed; the message has the command to do it by hand.
pub(crate) fn ensure_program(shell: &Shell, program: Program) -> Result<()> {
    let Program { name, package, needed_by } = program;
    if runs(shell, name) {
        return Ok(());
    }
    step(&format!("{name} is missing; installing Debian's"));
    install(shell, &[package]).with_context(|| {
        format!(
            "{name} is needed by {needed_by}; install it, on Debian as root, with\n  \
             apt-get install --no-install-recommends {package}"
        )
    })
}

/// Installs Debian's package if the file that it brings is missing.
///
/// # Errors
///
/// When it cannot be installed.
pub(crate) fn ensure_package(shell: &Shell, package: &str, file: &str) -> Result<()> {
    if shell.path_exists(file) {
        return Ok(());
    }
    step(&format!("{file} is missing; installing Debian's {package}"));
    Ok(install(shell, &[package])?)
}

/// Adds a target to the toolchain of this repository.
///
/// # Errors
///
/// When rustup cannot add it.
pub(crate) fn ensure_target(shell: &Shell, target: &str) -> Result<()> {
    Ok(cmd!(shell, "rustup target add {target}").quiet().run()?)
}

/// Returns whether a program answers `--version`.
pub(crate) fn runs(shell: &Shell, program: &str) -> bool {
    cmd!(shell, "{program} --version").quiet().ignore_stdout().ignore_stderr().run().is_ok()
}

/// Installs Python packages into a virtual environment below `target/`, unless the program that they
/// bring is there, and returns the program's path.
///
/// # Errors
///
/// When Python is missing or pip cannot install a package.
pub(crate) fn ensure_python_program(
    shell: &Shell,
    program: &str,
    packages: &[&str],
) -> Result<String> {
    let path = python_environment(shell).join("bin").join(program).display().to_string();
    if runs(shell, &path) {
        return Ok(path);
    }
    step(&format!("{program} is missing; installing {} with pip", packages.join(", ")));
    install_python(shell, packages)?;
    Ok(path)
}

/// Installs Python packages into the same environment, unless they are there in these versions, and returns
/// the path of its Python.
///
/// # Errors
///
/// When Python is missing or pip cannot install a package.
pub(crate) fn ensure_python_packages(shell: &Shell, packages: &[&str]) -> Result<String> {
    install_python(shell, packages)?;
    Ok(python_environment(shell).join("bin/python").display().to_string())
}

fn python_environment(shell: &Shell) -> PathBuf {
    shell.current_dir().join("target/tools")
}

fn install_python(shell: &Shell, packages: &[&str]) -> Result<()> {
    let environment = python_environment(shell);
    let pip = environment.join("bin/pip");
    if !shell.path_exists(&pip) {
        cmd!(shell, "python3 -m venv {environment}").quiet().run()?;
    }
    cmd!(shell, "{pip} install --quiet {packages...}").quiet().ignore_stderr().run()?;
    Ok(())
}

/// Returns whether Debian's toolchain compiles the guests.
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
