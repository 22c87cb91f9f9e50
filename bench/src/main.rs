//! The project beside its peers: the same functions, in turns, in one run. Prints tables, and draws
//! curves.
//!
//! `surrealism-bench GUESTS PEERS PLOTS`: the folder of the guests' components, that of the peers'
//! programs, and where the plots go.
//!
//! `surrealism-bench modules COUNT GUEST CACHE`: so many modules in this process alone; see
//! `modules.rs`.

mod curves;
mod modules;
mod plot;
mod sides;
mod table;

use std::path::Path;

use anyhow::{Result, bail};

use crate::sides::Sides;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["modules", count, guest, cache] => {
            modules::run(count.parse()?, Path::new(guest), Path::new(cache))
        }
        [guests, peers, plots] => {
            let (guests, plots) = (Path::new(guests), Path::new(plots));
            let mut sides = Sides::start(guests, Path::new(peers))?;
            table::print(&mut sides)?;
            curves::draw(&mut sides, plots)?;
            // With nobody beside them.
            drop(sides);
            modules::compare(&guests.join("small.wasm"), &guests.join("code"), plots)
        }
        _ => bail!("three folders are needed: see the top of main.rs"),
    }
}
