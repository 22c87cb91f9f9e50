//! Attacks through `wasi:io`, `wasi:cli`, `wasi:clocks` and `wasi:random`.

use surrealism::anyhow::{self, Context};
use wasip2::cli::{stderr::get_stderr, stdin::get_stdin, stdout::get_stdout};
use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};
use wasip2::io::poll::{Pollable, poll};
use wasip2::random::{insecure, insecure_seed, random};

use crate::{hoard, repeat, unknown, wasi_error};

pub(crate) fn attack(name: &str, size: usize) -> anyhow::Result<u64> {
    let out = get_stdout();
    match name {
        "lines to stdout" => {
            repeat(|| out.blocking_write_and_flush(&[b'\n'; 4096]).map_err(wasi_error))
        }
        "lines to stderr" => {
            let out = get_stderr();
            repeat(|| out.blocking_write_and_flush(&[b'\n'; 4096]).map_err(wasi_error))
        }
        "a line without an end" => {
            repeat(|| out.blocking_write_and_flush(&[b'x'; 4096]).map_err(wasi_error))
        }
        "write nothing for ever" => repeat(|| out.write(&[]).map_err(wasi_error)),
        "write more than is permitted" => {
            out.write(&vec![b'\n'; size]).map(|()| 1).map_err(wasi_error)
        }
        "write zeroes without an end" => out.write_zeroes(u64::MAX).map(|()| 1).map_err(wasi_error),
        "flush for ever" => repeat(|| out.blocking_flush().map_err(wasi_error)),
        "splice for ever" => {
            let root = get_directories().pop().context("no directory is attached")?.0;
            let (at, flags) = (PathFlags::empty(), OpenFlags::empty());
            let file =
                root.open_at(at, "data", flags, DescriptorFlags::READ).map_err(wasi_error)?;
            repeat(|| {
                let source = file.read_via_stream(0).map_err(wasi_error)?;
                while out.blocking_splice(&source, u64::MAX).is_ok() {}
                Ok(())
            })
        }
        "read a closed input for ever" => loop {
            let _ = get_stdin().blocking_read(u64::MAX);
        },
        "hold outputs" => Ok(hoard(|| Some(get_stdout()))),
        "hold timers" => Ok(hoard(|| Some(monotonic_clock::subscribe_duration(u64::MAX)))),
        "poll many for ever" => {
            let timers: Vec<_> = (0..50).map(|_| monotonic_clock::subscribe_duration(0)).collect();
            let polled: Vec<&Pollable> = timers.iter().cycle().take(size).collect();
            repeat(|| Ok(poll(&polled)))
        }
        "ask for timers for ever" => repeat(|| {
            monotonic_clock::subscribe_duration(0).block();
            Ok(())
        }),
        "sleep for ever" => {
            monotonic_clock::subscribe_instant(u64::MAX).block();
            Ok(1)
        }
        "ask for the time for ever" => repeat(|| Ok((monotonic_clock::now(), wall_clock::now()))),
        "random for ever" => repeat(|| Ok(random::get_random_bytes(size as u64))),
        "random without an end" => Ok(random::get_random_bytes(u64::MAX).len() as u64),
        "insecure random without an end" => {
            Ok(insecure::get_insecure_random_bytes(u64::MAX).len() as u64)
        }
        "seeds for ever" => repeat(|| Ok(insecure_seed::insecure_seed())),
        _ => unknown(name),
    }
}
