//! The project beside its peers: a table in `docs/performance.md`.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{guests, page, step, toolchain};

const PAGE: &str = "docs/performance.md";

/// The functions of `bench/guests/functions.rs`, built on the published SDK.
const PUBLISHED_GUEST: &str = "target/bench-guest/wasm32-wasip2/release/bench_published.wasm";

/// Measures, and writes the table into the page. Nothing fails for being slow.
///
/// # Errors
///
/// When something does not build or run.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    guests::command(shell)?;
    guests::archive(shell, "bench/guests/ours")?;
    let scratch = shell.create_temp_dir()?;
    let unpacked = scratch.path();
    cmd!(shell, "tar --extract --zstd --file target/guests/ours.surli --directory {unpacked}")
        .run()?;
    shell.remove_path("target/guests/ours.surli")?;

    step("building the guest on the published SDK");
    build_published_guest(shell)?;

    step("building the benchmark; the first time, this takes some minutes");
    let target = format!("{}/target/bench", shell.current_dir().display());
    {
        let _there = shell.push_dir("bench");
        cmd!(shell, "cargo build --release").env("CARGO_TARGET_DIR", target).run()?;
    }
    step("measuring, for about a minute: leave the machine alone");
    let ours = unpacked.join("surrealism/mod.wasm");
    let table =
        cmd!(shell, "target/bench/release/surrealism-bench {PUBLISHED_GUEST} {ours}").read()?;
    println!("{table}");
    page::write(shell, PAGE, &table)
}

/// With Debian's toolchain, whose C library lacks names that the published SDK's dependencies link
/// against, or with rustup's target.
fn build_published_guest(shell: &Shell) -> Result<()> {
    let target = format!("{}/target/bench-guest", shell.current_dir().display());
    let _there = shell.push_dir("bench/guests/published");
    if !toolchain::is_debians(shell) {
        cmd!(shell, "cargo build --release --target wasm32-wasip2")
            .env("CARGO_TARGET_DIR", target)
            .env("RUSTFLAGS", "--cfg tokio_unstable")
            .run()?;
        return Ok(());
    }
    shell.create_dir(&target)?;
    let stubs = format!("{target}/stubs.o");
    cmd!(shell, "clang-19 --target=wasm32-wasi -c stubs.c -o {stubs}").run()?;
    let flags = format!(
        "--cfg tokio_unstable -Clink-arg={stubs} \
         -Clinker=/usr/lib/rustlib/x86_64-unknown-linux-gnu/bin/wasm-component-ld \
         -Clink-arg=--wasm-ld-path=/usr/bin/wasm-ld-19 -Clink-self-contained=no \
         -L/usr/lib/wasm32-wasi"
    );
    cmd!(
        shell,
        "/usr/bin/cargo build --release -Zbuild-std=std,panic_abort --target wasm32-wasip2"
    )
    .env("CARGO_TARGET_DIR", target)
    .env("RUSTC", "/usr/bin/rustc")
    .env("RUSTC_BOOTSTRAP", "1")
    .env("RUSTFLAGS", flags)
    .run()?;
    Ok(())
}
