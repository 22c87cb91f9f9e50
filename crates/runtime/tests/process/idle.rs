//! Threads of a process that has modules, between calls.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use futures::executor::block_on;
use surrealdb_types::SurrealValue;
use surrealism_runtime::{DetachedContext, ErrorKind, Runtime};

use crate::{builder, call, child};

/// How often the threads of the runtime have gone to sleep so far.
fn wakeups() -> u64 {
    let threads = fs::read_dir("/proc/self/task").unwrap().map(|thread| thread.unwrap().path());
    let counts = threads.filter_map(|thread| {
        let name = fs::read_to_string(thread.join("comm")).ok()?;
        let status = fs::read_to_string(thread.join("status")).ok()?;
        let count =
            status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        name.starts_with("surrealism").then(|| count.trim().parse::<u64>().unwrap())
    });
    counts.sum()
}

/// Waits until a second passes in which no thread of the runtime wakes.
fn assert_comes_to_rest() {
    const ATTEMPTS: usize = 10;

    for _ in 0..ATTEMPTS {
        let before = wakeups();
        assert!(before > 0, "no thread of the runtime was found");
        sleep(Duration::from_secs(1));
        if wakeups() == before {
            return;
        }
    }
    panic!("a thread of the runtime wakes between calls");
}

fn assert_stopped(runtime: &Runtime, function: &str, args: Vec<surrealdb_types::Value>) {
    let call = runtime.call(function, args, DetachedContext::new());
    let call = call.timeout(Duration::from_millis(50));
    let error = block_on(async { call.await }).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TimedOut { .. }), "{function}: {error}");
}

/// Lets the process come to rest between all that needs the thread that ticks.
pub(crate) fn rest() {
    let net = builder("net").build().unwrap();
    let runtime = builder("hostile").pool_size(1).build().unwrap();
    call(&runtime, "alive", vec![]).unwrap();
    assert_comes_to_rest();

    assert_stopped(&runtime, "spin_forever", vec![]);
    assert_comes_to_rest();

    let before = wakeups();
    call(&runtime, "sleep", vec![20_u64.into_value()]).unwrap();
    assert!(wakeups() > before, "a guest's sleep wakes the thread");
    assert_stopped(&runtime, "sleep", vec![60_000_u64.into_value()]);
    assert_comes_to_rest();

    // A caller in the queue runs no guest, and has a deadline.
    let held = runtime.acquire_controller(Box::new(DetachedContext::new()));
    let held = block_on(held).unwrap();
    assert_comes_to_rest();
    assert_stopped(&runtime, "alive", vec![]);
    runtime.release_controller(held);

    // A guest of which nothing is heard for long, because it spins within its time.
    call(&runtime, "spin", vec![500_u64.into_value()]).unwrap();
    assert_stopped(&runtime, "spin_forever", vec![]);
    drop((net, runtime));
    assert_comes_to_rest();
}

#[test]
fn no_thread_wakes_while_no_call_is_under_way() {
    child::run("rest");
}
