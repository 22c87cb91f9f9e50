//! Measures the project beside its peers, into the tables and plots of `docs/performance.md`.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{clean_cargo_env, docs_table, guests, step, toolchain};

const PAGE: &str = "docs/performance.md";
const PLOTS: &str = "docs/performance";

/// The guests' components, and the compiled code of a thousand of them.
const GUESTS: &str = "target/bench-guests";

/// The packages whose versions the page names, from the lock file.
const MEASURED: [&str; 3] = ["surrealism-runtime", "extism", "wasmtime"];

/// Measures, and writes the tables and plots. Slow results are not an error.
///
/// # Errors
///
/// When a build or a run fails.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    own_guests(shell)?;
    for (project, target) in [
        ("published", "wasm32-wasip2"),
        ("surrealism-0.7", "wasm32-wasip2"),
        ("extism", "wasm32-wasip1"),
    ] {
        step(&format!("building the guest of {project}"));
        peers_guest(shell, project, target)?;
    }
    step("building the benchmark; the first time, this takes a quarter of an hour");
    // One at a time, since they turn on different features of shared dependencies.
    for program in ["surrealism-bench", "bench-surrealism-0-7", "bench-extism"] {
        build(shell, &["build", "--release", "--package", program])?;
    }

    step("measuring, for some minutes: leave the machine alone");
    shell.create_dir(PLOTS)?;
    let programs = "target/bench/release";
    let tables = cmd!(shell, "{programs}/surrealism-bench {GUESTS} {programs} {PLOTS}").read()?;
    println!("{tables}");
    let versions = versions(&shell.read_file("bench/Cargo.lock")?).join(", ");
    docs_table::write(shell, PAGE, &versions, &tables)
}

/// Measures each layer of the project alone, into `target/bench/criterion`.
///
/// # Errors
///
/// When a build or a run fails.
pub(crate) fn layers(shell: &Shell) -> Result<()> {
    own_guests(shell)?;
    step("building and running the benches of each layer");
    let guest = shell.current_dir().join(GUESTS).join("ours.wasm");
    let _guest = shell.push_env("BENCH_GUEST", guest);
    build(shell, &["bench", "--package", "surrealism-bench", "--bench", "layers"])
}

/// Builds the guests on this project's SDK with its command, as an author would.
fn own_guests(shell: &Shell) -> Result<()> {
    guests::command(shell)?;
    shell.create_dir(GUESTS)?;
    for name in ["ours", "small"] {
        guests::archive(shell, &format!("bench/guests/{name}"))?;
        let archive = format!("target/guests/{name}.surli");
        let scratch = shell.create_temp_dir()?;
        let unpacked = scratch.path();
        cmd!(shell, "tar --extract --zstd --file {archive} --directory {unpacked}").run()?;
        let component = unpacked.join("surrealism/mod.wasm");
        shell.copy_file(component, format!("{GUESTS}/{name}.wasm"))?;
        shell.remove_path(archive)?;
    }
    Ok(())
}

/// Builds a peer's guest with rustup's target or with Debian's toolchain. Debian's C library lacks functions
/// that the published SDKs' dependencies link against; `stubs.c` provides them.
fn peers_guest(shell: &Shell, project: &str, target: &str) -> Result<()> {
    let directory = format!("{}/target/bench-guest", shell.current_dir().display());
    shell.create_dir(&directory)?;
    {
        let _there = shell.push_dir(format!("bench/guests/{project}"));
        let cargo = if !toolchain::is_debians(shell) {
            let _ = cmd!(shell, "rustup target add {target}").run();
            cmd!(shell, "cargo build --release --target {target}")
                .env("RUSTFLAGS", "--cfg tokio_unstable")
        } else {
            let stubs = format!("{directory}/stubs.o");
            cmd!(shell, "clang-19 --target=wasm32-wasi -c ../stubs.c -o {stubs}").run()?;
            let linker = match target {
                "wasm32-wasip1" => "wasm-ld-19".to_string(),
                _ => "/usr/lib/rustlib/x86_64-unknown-linux-gnu/bin/wasm-component-ld \
                      -Clink-arg=--wasm-ld-path=/usr/bin/wasm-ld-19"
                    .to_string(),
            };
            let flags = format!(
                "--cfg tokio_unstable -Clink-arg={stubs} -Clinker={linker} \
                 -Clink-self-contained=no -L/usr/lib/wasm32-wasi"
            );
            cmd!(
                shell,
                "/usr/bin/cargo build --release -Zbuild-std=std,panic_abort --target {target}"
            )
            .env("RUSTC", "/usr/bin/rustc")
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", flags)
        };
        clean_cargo_env(cargo).env("CARGO_TARGET_DIR", &directory).run()?;
    }
    let name = project.replace(['-', '.'], "_");
    let built = format!("{directory}/{target}/release/bench_{name}.wasm");
    shell.copy_file(built, format!("{GUESTS}/{project}.wasm"))?;
    Ok(())
}

/// Runs cargo in the benchmark's workspace.
fn build(shell: &Shell, arguments: &[&str]) -> Result<()> {
    let target = shell.current_dir().join("target/bench");
    let _there = shell.push_dir("bench");
    // Extism's wasmtime names a newer Rust than this toolchain, and builds with it nevertheless.
    let cargo = cmd!(shell, "cargo {arguments...} --ignore-rust-version");
    clean_cargo_env(cargo).env("CARGO_TARGET_DIR", target).run()?;
    Ok(())
}

/// Lists the versions of the measured packages.
fn versions(lock: &str) -> Vec<String> {
    let lines: Vec<&str> = lock.lines().collect();
    let quoted = |line: &str, key: &str| {
        Some(line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')?.to_string())
    };
    let packages = lines.windows(2).filter_map(|pair| {
        let name = quoted(pair[0], "name")?;
        MEASURED.contains(&name.as_str()).then_some(())?;
        Some(format!("{name} {}", quoted(pair[1], "version")?))
    });
    let mut versions: Vec<String> = packages.collect();
    versions.dedup();
    versions
}
