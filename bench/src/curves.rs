//! Calls per second as the callers, the pool or the argument grow.

use std::path::Path;

use anyhow::Result;
use bench_measure::{Case, Work};

use crate::contenders::Contenders;
use crate::plot::{Plot, Scale};

const ROUNDS: usize = 3;

pub(crate) fn draw(contenders: &mut Contenders, plots: &Path) -> Result<()> {
    let powers = |most: u32| (0..=most).map(|power| 1 << power);
    let callers = powers(6).map(|callers| (callers, Case::Concurrent { callers, pool: 64 }));
    let pools = powers(6).map(|size| (size, Case::Concurrent { callers: 64, pool: size as usize }));
    let payloads = powers(22)
        .step_by(2)
        .skip(2)
        .map(|bytes| (bytes, Case::Call(Work::Length(bytes as usize))));
    for (plot, points) in [
        (
            Plot {
                file: "callers.svg",
                title: "can_drive, by callers at once, on two threads",
                x: "callers",
                scale: Scale::Linear,
            },
            callers.collect::<Vec<_>>(),
        ),
        (
            Plot {
                file: "pool.svg",
                title: "can_drive by 64 callers on two threads, by size of the pool",
                x: "instances in the pool",
                scale: Scale::Linear,
            },
            pools.collect(),
        ),
        (
            Plot {
                file: "payload.svg",
                title: "length(text) by one caller, by size of the text",
                x: "bytes of text",
                scale: Scale::Logarithmic,
            },
            payloads.collect(),
        ),
    ] {
        let mut lines: Vec<_> = contenders.names().map(|name| (name, Vec::new())).collect();
        for (x, case) in points {
            let times = contenders.least(case, ROUNDS)?;
            for ((_, line), time) in lines.iter_mut().zip(times) {
                line.extend(time.map(|time| (f64::from(x), 1e6 / time)));
            }
        }
        plot.draw(plots, &lines)?;
    }
    Ok(())
}
