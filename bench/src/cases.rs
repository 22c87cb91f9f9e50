//! What is measured.

use std::sync::Arc;

use anyhow::{Context, Result};
use surrealdb_types::{SurrealValue, Value};

use crate::bare::Bare;
use crate::measure::{ROUNDS, round};
use crate::{ours, published};

fn guest(name: &str) -> Result<Vec<u8>> {
    let path = std::env::var(format!("GUEST_{name}"))?;
    std::fs::read(&path).context(path)
}

fn encode(args: &[Value]) -> &'static [u8] {
    Vec::leak(surrealdb_types::encode_value_list(args).unwrap())
}

pub(crate) async fn run() -> Result<()> {
    let (theirs, own) = (guest("PUBLISHED")?, guest("OURS")?);
    let bare = Bare::new(&theirs)?;
    let bare_own = Bare::new(&own)?;
    let host_theirs = ours::load(&theirs, 64)?;
    let host_own = ours::load(&own, 64)?;
    let peer = published::load(&theirs, 64)?;
    let mut bare_one = bare.instance().await?;
    let mut bare_own_one = bare_own.instance().await?;

    if let Ok(side) = std::env::var("ONLY") {
        let bytes = encode(&[20_i64.into_value()]);
        for _ in 0..8_000_000 {
            match side.as_str() {
                "bare" => drop(bare_one.call("can_drive", bytes).await?),
                "bare-ours" => drop(bare_own_one.call("can_drive", bytes).await?),
                "theirs" => drop(published::call(&peer, "can_drive", vec![20_i64.into_value()]).await?),
                "host-theirs" => drop(ours::call(&host_theirs, "can_drive", vec![20_i64.into_value()]).await?),
                _ => drop(ours::call(&host_own, "can_drive", vec![20_i64.into_value()]).await?),
            }
        }
        return Ok(());
    }

    for (title, args) in [("int", vec![20_i64.into_value()]), ("10,000 ints", vec![(0..10_000_i64).collect::<Vec<_>>().into_value()]), ("1 MiB", vec!["x".repeat(1 << 20).into_value()])] {
        let time = |mut f: Box<dyn FnMut()>| { let mut best = f64::MAX; for _ in 0..5 { let mut n = 0; let t = std::time::Instant::now(); while t.elapsed().as_millis() < 60 { f(); n += 1; } best = best.min(t.elapsed().as_secs_f64() * 1e6 / n as f64); } best };
        let bytes = surrealdb_types::encode_value_list(&args).unwrap();
        let (a, b, c) = (args.clone(), args.clone(), args.clone());
        let (d, e) = (bytes.clone(), bytes.clone());
        println!("codec {title}: clone {:.3} | encode ours {:.3} theirs {:.3} | decode ours {:.3} theirs {:.3}",
            time(Box::new(move || drop(std::hint::black_box(c.clone())))),
            time(Box::new(move || drop(std::hint::black_box(ours_types::codec::encode_values(&a))))),
            time(Box::new(move || drop(std::hint::black_box(surrealdb_types::encode_value_list(&b))))),
            time(Box::new(move || drop(std::hint::black_box(ours_types::codec::decode_values(&d))))),
            time(Box::new(move || drop(std::hint::black_box(surrealdb_types::decode_value_list(&e))))));
    }
    let cases: Vec<(&str, &'static str, Vec<Value>)> = vec![
        ("can_drive", "can_drive", vec![20_i64.into_value()]),
        ("1 MiB string", "length", vec!["x".repeat(1 << 20).into_value()]),
        ("10,000 integers", "sum", vec![(0..10_000_i64).collect::<Vec<_>>().into_value()]),
        ("KV set", "kv_set", vec!["key".to_string().into_value(), 1_i64.into_value()]),
        ("KV get", "kv_get", vec!["key".to_string().into_value()]),
    ];
    println!("µs: published | bare/published guest | ours/published guest | bare/our guest | ours/our guest");
    for (title, name, args) in cases {
        let bytes = encode(&args);
        let mut least = [f64::MAX; 5];
        for _ in 0..ROUNDS {
            let args = &args;
            let mut note = |side: usize, took: f64| least[side] = least[side].min(took);
            note(0, round(|| async { published::call(&peer, name, args.clone()).await.map(drop) }).await?);
            if !name.starts_with("kv") {
                let one = &mut bare_one;
                note(1, loop_bare(one, name, bytes).await?);
                note(3, loop_bare(&mut bare_own_one, name, bytes).await?);
            }
            note(2, round(|| async { ours::call(&host_theirs, name, args.clone()).await.map(drop) }).await?);
            note(4, round(|| async { ours::call(&host_own, name, args.clone()).await.map(drop) }).await?);
        }
        println!("{title:>16} {:10.2} {:10.2} {:10.2} {:10.2} {:10.2}", least[0], least[1], least[2], least[3], least[4]);
    }

    // 64 callers on two threads.
    for round_ in 0..2 {
        let a = {
            let peer = peer.clone();
            many(move || { let peer = peer.clone(); async move { published::call(&peer, "can_drive", vec![20_i64.into_value()]).await.map(drop) } }).await?
        };
        let b = {
            let host = host_theirs.clone();
            many(move || { let host = host.clone(); async move { ours::call(&host, "can_drive", vec![20_i64.into_value()]).await.map(drop) } }).await?
        };
        let c = {
            let host = host_own.clone();
            many(move || { let host = host.clone(); async move { ours::call(&host, "can_drive", vec![20_i64.into_value()]).await.map(drop) } }).await?
        };
        println!("64 callers {round_}: published {a:.2} ours/published guest {b:.2} ours/ours {c:.2}");
    }

    // A fresh instance and one call.
    for _ in 0..2 {
        let bytes = encode(&[20_i64.into_value()]);
        let a = round(|| async { bare.instance().await?.call("can_drive", bytes).await.map(drop) }).await?;
        let a2 = round(|| async { bare_own.instance().await?.call("can_drive", bytes).await.map(drop) }).await?;
        let fresh = |host: Arc<::ours::runtime::Runtime>| async move {
            let mut c = host.new_controller(Box::new(ours::Context(host.kv_store().clone()))).await?;
            c.init().await?;
            c.invoke(Some("can_drive".into()), (20_i64,)).await?;
            anyhow::Ok(())
        };
        let b = round(|| fresh(host_theirs.clone())).await?;
        let c = round(|| fresh(host_own.clone())).await?;
        let p = round(|| { let peer = peer.clone(); async move {
            let mut c = peer.new_controller(Box::new(published::Context(peer.kv_store().clone()))).await?;
            c.init().await?;
            c.invoke(Some("can_drive".into()), (20_i64,)).await?;
            anyhow::Ok(())
        }}).await?;
        println!("fresh: published {p:.1} bare/published guest {a:.1} ours/published guest {b:.1} bare/ours {a2:.1} ours/ours {c:.1}");
    }
    Ok(())
}

async fn loop_bare(one: &mut crate::bare::Instance, name: &'static str, bytes: &'static [u8]) -> Result<f64> {
    let mut n = 1_u32;
    loop {
        let start = std::time::Instant::now();
        for _ in 0..n {
            one.call(name, bytes).await?;
        }
        let took = start.elapsed();
        if took.as_millis() >= 75 {
            return Ok(took.as_secs_f64() * 1e6 / f64::from(n));
        }
        n *= 2;
    }
}

async fn many<F>(call: impl Fn() -> F + Send + Sync + Clone + 'static) -> Result<f64>
where
    F: std::future::Future<Output = Result<()>> + Send + 'static,
{
    const CALLERS: u32 = 64;
    const CALLS: u32 = 2_000;
    let start = std::time::Instant::now();
    let tasks: Vec<_> = (0..CALLERS)
        .map(|_| {
            let call = call.clone();
            tokio::spawn(async move {
                for _ in 0..CALLS {
                    call().await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / f64::from(CALLERS * CALLS))
}
