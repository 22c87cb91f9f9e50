//! What is measured, and the table of it.

use std::time::Instant;

use anyhow::Result;
use surrealdb_types::SurrealValue;
use surrealism_ours::{CodeCache, Runtime};

use crate::bare::Bare;
use crate::measure::{ROUNDS, round, together};
use crate::side::{ours, published};

/// Whose time it is.
#[derive(Clone, Copy)]
enum Side {
    Published,
    BareOnTheirs,
    OursOnTheirs,
    BareOnOurs,
    Ours,
}

const SIDES: [(Side, &str); 5] = [
    (Side::Published, "published, its SDK"),
    (Side::BareOnTheirs, "bare wasmtime, published SDK"),
    (Side::OursOnTheirs, "ours, published SDK"),
    (Side::BareOnOurs, "bare wasmtime, our SDK"),
    (Side::Ours, "ours, our SDK"),
];

/// The least time of each side, in microseconds; none where a side has no such thing.
#[derive(Default)]
struct Row([Option<f64>; SIDES.len()]);

impl Row {
    fn note(&mut self, side: Side, time: f64) {
        let least = &mut self.0[side as usize];
        *least = Some(least.map_or(time, |least| least.min(time)));
    }

    fn print(&self, title: &str) {
        let cells = self.0.map(|time| time.map_or("–".to_string(), |time| format!("{time:.2}")));
        println!("| {title} | {} |", cells.join(" | "));
    }
}

pub(crate) async fn run(theirs: &[u8], own: &[u8]) -> Result<()> {
    println!("| µs | {} |", SIDES.map(|(_, name)| name).join(" | "));
    println!("|---|{}", "---:|".repeat(SIDES.len()));
    calls(theirs, own).await?;
    many_callers(theirs, own).await?;
    fresh(theirs, own).await?;
    loads(theirs, own)?;
    rows(own).await
}

async fn calls(theirs: &[u8], own: &[u8]) -> Result<()> {
    let (peer, on_theirs, on_own) =
        (published::load(theirs)?, ours::load(theirs)?, ours::load(own)?);
    let mut bare_theirs = Bare::new(theirs)?.instance().await?;
    let mut bare_own = Bare::new(own)?.instance().await?;
    let text = |text: &str| text.to_string().into_value();
    let numbers: Vec<i64> = (0..10_000).collect();

    for (title, name, args) in [
        ("`can_drive(int) -> bool`", "can_drive", vec![20_i64.into_value()]),
        ("1 MiB of text in, its length out", "length", vec![text(&"x".repeat(1 << 20))]),
        ("10,000 integers in, their sum out", "sum", vec![numbers.into_value()]),
        ("KV set", "kv_set", vec![text("key"), 1_i64.into_value()]),
        ("KV get", "kv_get", vec![text("key")]),
    ] {
        let encoded = surrealdb_types::encode_value_list(&args)?;
        let mut row = Row::default();
        for _ in 0..ROUNDS {
            let args = || args.clone();
            row.note(
                Side::Published,
                round(async || published::call(&peer, name, args()).await).await?,
            );
            row.note(
                Side::OursOnTheirs,
                round(async || ours::call(&on_theirs, name, args()).await).await?,
            );
            row.note(Side::Ours, round(async || ours::call(&on_own, name, args()).await).await?);
            if !name.starts_with("kv") {
                row.note(
                    Side::BareOnTheirs,
                    round(async || bare_theirs.call(name, &encoded).await).await?,
                );
                row.note(
                    Side::BareOnOurs,
                    round(async || bare_own.call(name, &encoded).await).await?,
                );
            }
        }
        row.print(title);
    }
    Ok(())
}

async fn many_callers(theirs: &[u8], own: &[u8]) -> Result<()> {
    let (peer, on_theirs, on_own) =
        (published::load(theirs)?, ours::load(theirs)?, ours::load(own)?);
    let args = || vec![20_i64.into_value()];
    for callers in [1, 2, 64] {
        let mut row = Row::default();
        for _ in 0..ROUNDS {
            let peer = peer.clone();
            let call = move || {
                let peer = peer.clone();
                async move { published::call(&peer, "can_drive", args()).await }
            };
            row.note(Side::Published, together(callers, call).await?);
            for (side, runtime) in [(Side::OursOnTheirs, &on_theirs), (Side::Ours, &on_own)] {
                let runtime = runtime.clone();
                let call = move || {
                    let runtime = runtime.clone();
                    async move { ours::call(&runtime, "can_drive", args()).await }
                };
                row.note(side, together(callers, call).await?);
            }
        }
        row.print(&format!("`can_drive` by {callers} tasks on two threads, per call"));
    }
    Ok(())
}

async fn fresh(theirs: &[u8], own: &[u8]) -> Result<()> {
    let (peer, on_theirs, on_own) =
        (published::load(theirs)?, ours::load(theirs)?, ours::load(own)?);
    let (bare_theirs, bare_own) = (Bare::new(theirs)?, Bare::new(own)?);
    let args = || vec![20_i64.into_value()];
    let encoded = surrealdb_types::encode_value_list(&args())?;
    let bare = async |bare: &Bare| bare.instance().await?.call("can_drive", &encoded).await;
    let mut row = Row::default();
    for _ in 0..ROUNDS {
        row.note(Side::Published, round(async || published::fresh(&peer, args()).await).await?);
        row.note(Side::BareOnTheirs, round(async || bare(&bare_theirs).await).await?);
        row.note(Side::OursOnTheirs, round(async || ours::fresh(&on_theirs, args()).await).await?);
        row.note(Side::BareOnOurs, round(async || bare(&bare_own).await).await?);
        row.note(Side::Ours, round(async || ours::fresh(&on_own, args()).await).await?);
    }
    row.print("a fresh instance, `init` (not for bare), one call");
    Ok(())
}

/// Compiling, and loading what was compiled before. Unpacking is not in it.
fn loads(theirs: &[u8], own: &[u8]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cache = CodeCache::open(folder.path().join("code"))?;
    let ours = |wasm: &[u8]| -> Result<()> {
        Runtime::builder(ours::package(wasm)?).code_cache(cache.clone()).build()?;
        Ok(())
    };
    let time = |load: &dyn Fn() -> Result<()>| -> Result<f64> {
        let start = Instant::now();
        load()?;
        Ok(start.elapsed().as_secs_f64() * 1e6)
    };
    for title in ["load", "load again"] {
        let mut row = Row::default();
        row.note(Side::Published, time(&|| published::load(theirs).map(drop))?);
        row.note(Side::BareOnTheirs, time(&|| Bare::new(theirs).map(drop))?);
        row.note(Side::OursOnTheirs, time(&|| ours(theirs))?);
        row.note(Side::BareOnOurs, time(&|| Bare::new(own).map(drop))?);
        row.note(Side::Ours, time(&|| ours(own))?);
        row.print(title);
    }
    Ok(())
}

async fn rows(own: &[u8]) -> Result<()> {
    const ROWS: i64 = 1_000;
    let runtime = ours::load(own)?;
    let mut row = Row::default();
    for _ in 0..ROUNDS {
        let call = async || {
            let ages = (0..ROWS).map(|age| (age,));
            let answers = runtime.call_rows("can_drive", ages, ours::context(&runtime)).await?;
            anyhow::ensure!(answers.len() == ROWS as usize);
            Ok(())
        };
        row.note(Side::Ours, round(call).await? / ROWS as f64);
    }
    row.print("`can_drive` for 1,000 rows in one call, per row");
    Ok(())
}
