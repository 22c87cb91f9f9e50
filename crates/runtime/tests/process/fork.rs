//! A process that is forked: what worked before, or an error that says why not; never a hang.

use std::thread;
use std::time::{Duration, Instant};

use surrealdb_types::SurrealValue;
use surrealism_runtime::{DetachedContext, Runtime};

use crate::{builder, call, child, package};

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `work` in a forked process, and returns whether it succeeded in time.
#[allow(unsafe_code, reason = "nothing else forks")]
fn forked(work: impl FnOnce() -> Result<(), String>) -> bool {
    // SAFETY: the child takes no lock that another thread could have held: the threads of this program
    // are idle, but for the epoch ticker, whose locks this test is about.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        let outcome = work();
        if let Err(reason) = &outcome {
            eprintln!("in the forked process: {reason}");
        }
        // SAFETY: ends the process without the destructors of its parent's threads.
        unsafe { libc::_exit(i32::from(outcome.is_err())) };
    }
    let start = Instant::now();
    let mut status = 0;
    // SAFETY: `status` is valid for writes, and `pid` is a child of this process.
    while unsafe { libc::waitpid(pid, &mut status, libc::WNOHANG) } == 0 {
        if start.elapsed() > PATIENCE {
            eprintln!("the forked process hangs");
            // SAFETY: it has not been waited for, so that the id is still its own.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        thread::sleep(Duration::from_millis(20));
    }
    status == 0
}

/// Expects the error that tells about the fork.
fn expect_refusal<T>(what: &str, result: Result<T, String>) -> Result<(), String> {
    match result {
        Err(error) if error.contains("forked from a process that had loaded one") => Ok(()),
        Err(error) => Err(format!("{what} failed with another error: {error}")),
        Ok(_) => Err(format!("{what} succeeded")),
    }
}

pub(crate) fn after_load() {
    let runtime =
        builder("hostile").max_execution_time(Duration::from_millis(300)).build().unwrap();
    call(&runtime, "alive", vec![]).unwrap();
    let context = || Box::new(DetachedContext::new());
    let mut held = futures::executor::block_on(runtime.acquire_controller(context())).unwrap();

    assert!(forked(|| {
        let spin = vec![60_000_i64.into_value()];
        expect_refusal("a call", call(&runtime, "spin", spin.clone()))?;
        let invoked = futures::executor::block_on(held.invoke(Some("spin".into()), spin));
        expect_refusal("a call of an instance", invoked.map_err(|error| error.to_string()))?;
        let created = futures::executor::block_on(runtime.new_controller(context()));
        expect_refusal("an instance", created.map_err(|error| error.to_string()))?;
        let loaded = Runtime::builder(package("state")).build();
        expect_refusal("a load", loaded.map_err(|error| error.to_string()))?;
        let loaded = futures::executor::block_on(builder("state").build_async());
        expect_refusal("a load", loaded.map_err(|error| error.to_string()))
    }));

    // The parent goes on.
    runtime.release_controller(held);
    call(&runtime, "alive", vec![]).unwrap();
    assert!(call(&runtime, "spin", vec![60_000_i64.into_value()]).is_err());
}

pub(crate) fn before_load() {
    let work = || {
        let runtime = builder("hostile").build().map_err(|error| error.to_string())?;
        let call = runtime.call("spin", (60_000_u64,), DetachedContext::new());
        let call = call.timeout(Duration::from_millis(300));
        match futures::executor::block_on(async { call.await }) {
            Err(error) if error.is_timeout() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    };
    assert!(forked(work));
}

#[test]
fn a_fork_after_loading_is_refused_with_the_reason() {
    child::run("fork after load");
}

#[test]
fn a_fork_before_loading_works() {
    child::run("fork before load");
}
