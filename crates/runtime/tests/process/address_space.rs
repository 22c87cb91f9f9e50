//! Little address space, by the system's limit or by the host's setting.

use std::process::Command;
use std::{env, fs};

use surrealdb_types::SurrealValue;
use surrealism_runtime::EngineConfig;

use crate::{builder, call, child};

/// Calls what uses memory: growth, a trap, and a deep stack.
fn use_guests() {
    let state = builder("state").build().unwrap();
    assert!(!state.usage().pooled);
    for expected in 1..=3_i64 {
        assert_eq!(call(&state, "count", vec![]).unwrap(), expected.into_value());
    }
    call(&state, "grow", vec![(10_i64 << 20).into_value()]).unwrap();

    let hostile = builder("hostile").max_memory_bytes(64 << 20).build().unwrap();
    assert!(call(&hostile, "recurse", vec![]).unwrap_err().contains("stack"));
    assert!(call(&hostile, "unreachable", vec![]).is_err());
    assert!(call(&hostile, "hog", vec![]).unwrap_err().contains("ran out of memory"));
    call(&hostile, "alive", vec![]).unwrap();
}

fn address_space_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

pub(crate) fn little() {
    use_guests();
}

pub(crate) fn no_reservation() {
    EngineConfig::new().reserve_address_space(false).install().unwrap();
    use_guests();
    let bytes = address_space_bytes();
    assert!(bytes < 4 << 30, "the process takes {bytes} bytes of address space");
}

#[test]
fn modules_run_under_a_low_limit_of_address_space() {
    let program = env::current_exe().unwrap();
    let command = child::command("little address space");
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -v 4000000 && exec \"$0\" \"$@\""]).arg(program);
    shell.args(command.get_args());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap());
    }
    child::assert_success(&shell.output().unwrap());
}

#[test]
fn a_host_can_do_without_reserved_address_space() {
    child::run("no reservation");
}
