//! Measures the project beside its peers: the same functions, in turns, in one run. Prints tables and
//! draws curves.
//!
//! `surrealism-bench GUESTS PEERS PLOTS`: the directories of the guests' components, of the peers'
//! programs and of the plots.
//!
//! `surrealism-bench modules COUNT GUEST CACHE`: this many modules in this process; see
//! `many_modules.rs`.

mod contenders;
mod curves;
mod many_modules;
mod plot;
mod table;

use std::path::Path;

use anyhow::{Result, bail};

use crate::contenders::Contenders;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["modules", count, guest, cache] => {
            many_modules::run(count.parse()?, Path::new(guest), Path::new(cache))
        }
        [guests, peers, plots] => {
            let (guests, plots) = (Path::new(guests), Path::new(plots));
            let mut contenders = Contenders::start(guests, Path::new(peers))?;
            table::print(&mut contenders)?;
            curves::draw(&mut contenders, plots)?;
            // Measured without other processes.
            drop(contenders);
            many_modules::compare(&guests.join("small.wasm"), &guests.join("code"), plots)
        }
        _ => bail!("usage: surrealism-bench GUESTS PEERS PLOTS"),
    }
}
