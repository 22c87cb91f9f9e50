//! The components that the command brings along for plugins in other languages than Rust, built from
//! `engines/`.
//!
//! They are in the repository, so that an install compiles neither QuickJS nor a parser of TypeScript. Their
//! bytes depend on the sources, the lock file, rustc and the C compiler alone: they are built in one
//! directory on every machine, by a C compiler of one version.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::{clean_cargo_env, step, toolchain};

/// Where the command embeds them.
const SHIPPED: &str = "crates/cli/engines";

/// Where they are built, since Cargo hashes the paths of packages into names.
const WORKSPACE: &str = "/tmp/surrealism-engines";

/// What the build reads.
const SOURCES: [&str; 6] =
    ["Cargo.toml", "rust-toolchain.toml", "engines", "crates/macros", "crates/sdk", "crates/types"];

/// PyPI's Zig, which is a C compiler with a wasi-libc.
const C_COMPILER: &str = "ziglang==0.15.2";

/// What the C files include first.
const WASI_HEADER: &str = "/tmp/surrealism-engines/source/engines/javascript/wasi.h";

const TARGET: &str = "wasm32-wasip2";

/// The highest level that does not need more memory to decompress.
const COMPRESSION_LEVEL: i32 = 19;

/// A component, and the package that it is built from.
struct Engine {
    name: &'static str,
    package: &'static str,
    features: &'static str,
}

const ENGINES: [Engine; 3] = [
    Engine { name: "javascript", package: "surrealism-engine-javascript", features: "" },
    Engine {
        name: "javascript-extended",
        package: "surrealism-engine-javascript",
        features: "extended",
    },
    Engine { name: "typescript", package: "surrealism-engine-typescript", features: "" },
];

/// Builds all components, and puts them where the command embeds them.
///
/// # Errors
///
/// When a toolchain is missing, or one does not build.
pub(crate) fn write(shell: &Shell) -> Result<()> {
    for (name, component) in build(shell)? {
        let compressed = zstd::encode_all(component.as_slice(), COMPRESSION_LEVEL)?;
        let file = shipped(name);
        eprintln!("{}: {} bytes, {} compressed", file.display(), component.len(), compressed.len());
        fs::create_dir_all(SHIPPED)?;
        fs::write(&file, compressed).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// Builds all components, and compares them with those that ship.
///
/// # Errors
///
/// When one does not build, or is not what ships.
pub(crate) fn check(shell: &Shell) -> Result<()> {
    let mut different = Vec::new();
    let components = build(shell)?;
    test(shell)?;
    for (name, component) in components {
        let file = shipped(name);
        let compressed =
            fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        if zstd::decode_all(compressed.as_slice())? != component {
            different.push(name);
        }
    }
    if !different.is_empty() {
        bail!(
            "{SHIPPED} is not what engines/ builds: {}; run `cargo xtask engines`, and commit what it writes",
            different.join(", ")
        );
    }
    Ok(())
}

/// Runs the unit tests of the front end, on this machine.
fn test(shell: &Shell) -> Result<()> {
    step("testing the front end");
    let _dir = shell.push_dir(format!("{WORKSPACE}/source/engines"));
    let _target = shell.push_env("CARGO_TARGET_DIR", format!("{WORKSPACE}/target"));
    let cargo = cmd!(shell, "cargo test --locked --lib --package surrealism-engine-typescript");
    Ok(clean_cargo_env(cargo).run()?)
}

fn shipped(name: &str) -> PathBuf {
    Path::new(SHIPPED).join(format!("{name}.wasm.zst"))
}

fn build(shell: &Shell) -> Result<Vec<(&'static str, Vec<u8>)>> {
    ensure!(
        cfg!(target_os = "linux"),
        "engines are built on Linux, where their bytes are the same on every machine"
    );
    toolchain::ensure_target(shell, TARGET)?;
    let python = toolchain::ensure_python_packages(shell, &[C_COMPILER])?;
    copy_sources(shell)?;

    let _dir = shell.push_dir(format!("{WORKSPACE}/source/engines"));
    let (c_compiler, archiver) =
        (format!("{python} -m ziglang cc"), format!("{python} -m ziglang ar"));
    let variables = [
        ("CARGO_TARGET_DIR", format!("{WORKSPACE}/target")),
        ("RUSTFLAGS", format!("--remap-path-prefix={}=/cargo", cargo_home()?)),
        ("RQUICKJS_SYS_NO_WASI_SDK", "1".to_string()),
        ("CC_wasm32_wasip2", c_compiler),
        ("AR_wasm32_wasip2", archiver),
        ("CFLAGS_wasm32_wasip2", format!("-target wasm32-wasi -include {WASI_HEADER}")),
    ];
    let _variables: Vec<_> =
        variables.iter().map(|(name, value)| shell.push_env(name, value)).collect();
    let mut components = Vec::new();
    for Engine { name, package, features } in ENGINES {
        step(&format!("building the engine {name}"));
        let cargo = cmd!(
            shell,
            "cargo build --locked --release --target {TARGET} --package {package} --features={features}"
        );
        clean_cargo_env(cargo).run()?;
        let file =
            format!("{WORKSPACE}/target/{TARGET}/release/{}.wasm", package.replace('-', "_"));
        components.push((name, shell.read_binary_file(&file)?));
    }
    Ok(components)
}

fn copy_sources(shell: &Shell) -> Result<()> {
    let source = format!("{WORKSPACE}/source");
    shell.remove_path(&source)?;
    shell.create_dir(format!("{source}/crates"))?;
    for path in SOURCES {
        let target = format!("{source}/{path}");
        cmd!(shell, "cp --recursive --preserve=timestamps {path} {target}").quiet().run()?;
    }
    Ok(())
}

fn cargo_home() -> Result<String> {
    if let Ok(home) = env::var("CARGO_HOME") {
        return Ok(home);
    }
    let home = env::var("HOME").context("cannot find Cargo's directory: set CARGO_HOME")?;
    Ok(format!("{home}/.cargo"))
}
