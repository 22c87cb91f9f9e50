//! Other systems than this one, as far as a Linux machine can try them.
//!
//! Windows: clippy, a build of the command and a run of it under Wine. Linux on arm64: a build by Zig and a
//! run under QEMU. macOS: a type check alone, since linking needs Apple's SDK.

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::toolchain::{self, Program};
use crate::{clean_cargo_env, guests, step};

/// Packages that pip installs: Cargo with Zig as its C compiler and linker.
const ZIG: [&str; 2] = ["cargo-zigbuild==0.24.0", "ziglang==0.15.2"];

const MINGW: Program = Program {
    name: "x86_64-w64-mingw32-gcc",
    package: "gcc-mingw-w64-x86-64",
    needed_by: "builds for Windows",
};
const WINE: Program =
    Program { name: "wine", package: "wine", needed_by: "runs of the command for Windows" };
const QEMU: Program = Program {
    name: "qemu-aarch64-static",
    package: "qemu-user-static",
    needed_by: "runs of the command for arm64",
};

const WINDOWS: &str = "x86_64-pc-windows-gnu";
const ARM64: &str = "aarch64-unknown-linux-gnu";
const MACOS: &str = "aarch64-apple-darwin";

/// The most address space of an emulated program, in KiB. Emulators take memory for the address space
/// that a pool of instances reserves; below this bound, the runtime does without the pool.
const EMULATED_ADDRESS_SPACE: &str = "16000000";

/// A name, and what it runs.
type Port = (&'static str, fn(&Shell) -> Result<()>);

const PORTS: [Port; 3] = [("windows", windows), ("arm64", arm64), ("macos", macos)];

/// Tries one system, or all of them.
///
/// # Errors
///
/// When a step fails on any of them.
pub(crate) fn run(shell: &Shell, arguments: &[&str]) -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "`cargo xtask ports` runs on Linux");
    let ports: Vec<Port> = match arguments {
        [] => PORTS.to_vec(),
        [name] => {
            let port = PORTS.into_iter().find(|(known, _)| known == name);
            let known = PORTS.map(|(known, _)| known).join(", ");
            vec![port.with_context(|| format!("unknown system `{name}`; available: {known}"))?]
        }
        _ => bail!("`cargo xtask ports` tries one system or all of them"),
    };
    ports.into_iter().try_for_each(|(name, port)| port(shell).with_context(|| name.to_string()))
}

fn windows(shell: &Shell) -> Result<()> {
    toolchain::ensure_target(shell, WINDOWS)?;
    toolchain::ensure_program(shell, MINGW)?;
    step("Windows: lints");
    // libFuzzer, which the fuzz targets compile, is not for this target.
    let clippy = cmd!(
        shell,
        "cargo clippy --workspace --exclude surrealism-fuzz --all-targets --target {WINDOWS} --
         --deny warnings"
    );
    clean_cargo_env(clippy).run()?;

    step("Windows: build of the command");
    let build = cmd!(shell, "cargo build --package surrealism-cli --target {WINDOWS}");
    clean_cargo_env(build).run()?;
    toolchain::ensure_program(shell, WINE)?;
    let _quiet = shell.push_env("WINEDEBUG", "-all");
    let _prefix = shell.push_env("WINEPREFIX", shell.current_dir().join("target/wine"));
    let program = format!("target/{WINDOWS}/debug/surrealism.exe");
    try_command(shell, &format!("wine {program}"))
}

fn arm64(shell: &Shell) -> Result<()> {
    toolchain::ensure_target(shell, ARM64)?;
    step("Linux on arm64: build of the command");
    zig(shell, &["zigbuild", "--package", "surrealism-cli", "--target", ARM64])?;
    toolchain::ensure_program(shell, QEMU)?;
    toolchain::ensure_package(shell, "libc6-arm64-cross", "/usr/aarch64-linux-gnu/lib/libc.so.6")?;
    let _libraries = shell.push_env("QEMU_LD_PREFIX", "/usr/aarch64-linux-gnu");
    let program = format!("target/{ARM64}/debug/surrealism");
    try_command(
        shell,
        &format!("ulimit -v {EMULATED_ADDRESS_SPACE}; qemu-aarch64-static {program}"),
    )
}

fn macos(shell: &Shell) -> Result<()> {
    toolchain::ensure_target(shell, MACOS)?;
    step("macOS on arm64: type check of the command");
    zig(shell, &["check", "--package", "surrealism-cli", "--target", MACOS])
}

/// Runs a subcommand of cargo-zigbuild.
fn zig(shell: &Shell, arguments: &[&str]) -> Result<()> {
    let program = toolchain::ensure_python_program(shell, "cargo-zigbuild", &ZIG)?;
    // It looks for Zig beside the Python that it was installed with.
    let directory = program.rsplit_once('/').map_or("", |(directory, _)| directory);
    let path = format!("{directory}:{}", shell.var("PATH")?);
    clean_cargo_env(cmd!(shell, "{program} {arguments...}")).env("PATH", path).run()?;
    Ok(())
}

/// Runs the command on an archive that was built here.
fn try_command(shell: &Shell, program: &str) -> Result<()> {
    const ARCHIVE: &str = "target/guests/text.surli";
    if !shell.path_exists(ARCHIVE) {
        guests::command(shell)?;
        guests::archive(shell, "examples/text")?;
    }
    for (arguments, expected) in [
        (format!("info {ARCHIVE}"), "surrealism/text"),
        (format!("check {ARCHIVE}"), ""),
        (format!("run --no-cache {ARCHIVE} slug \"'Grüße aus Köln'\""), "'grusse-aus-koln'"),
    ] {
        let line = format!("{program} {arguments}");
        eprintln!("$ {line}");
        let printed = cmd!(shell, "bash -euc {line}").quiet().read()?;
        ensure!(printed.contains(expected), "`{line}` printed\n{printed}\nwithout {expected}");
    }
    Ok(())
}
