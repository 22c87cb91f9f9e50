//! Hosts that install signal handlers of their own.

use surrealdb_types::SurrealValue;
use surrealism_runtime::{EngineConfig, Runtime};

use crate::{builder, call, child};

const SIGNALS: [i32; 4] = [libc::SIGSEGV, libc::SIGILL, libc::SIGFPE, libc::SIGBUS];

/// Installs handlers that end the process, as a crash reporter does.
#[allow(unsafe_code, reason = "nothing else installs handlers")]
fn install_fatal_handlers() {
    extern "C" fn fatal(_: i32) {
        // SAFETY: `_exit` may be called in a handler.
        unsafe { libc::_exit(99) };
    }

    for signal in SIGNALS {
        let handler = fatal as extern "C" fn(i32) as libc::sighandler_t;
        // SAFETY: the handler calls nothing but `_exit`.
        assert_ne!(unsafe { libc::signal(signal, handler) }, libc::SIG_ERR);
    }
}

/// Makes every fault that a guest can make. Each must be an error.
fn make_faults(runtime: &Runtime) {
    for (function, args, expected) in [
        ("panics", vec!["at the disco".to_string().into_value()], "at the disco"),
        ("unreachable", vec![], "unreachable"),
        ("recurse", vec![], "stack"),
        ("hog", vec![], "ran out of memory"),
        ("exit", vec![1_i64.into_value()], "exit"),
    ] {
        let error = call(runtime, function, args).unwrap_err();
        assert!(error.contains(expected), "{function}: {error}");
        call(runtime, "alive", vec![]).unwrap();
    }
}

fn hostile() -> Runtime {
    builder("hostile").max_memory_bytes(64 << 20).build().unwrap()
}

pub(crate) fn handlers_after_load() {
    EngineConfig::new().signals_based_traps(false).install().unwrap();
    let runtime = hostile();
    assert!(runtime.usage().pooled);
    install_fatal_handlers();
    make_faults(&runtime);
}

pub(crate) fn handlers_before_load() {
    install_fatal_handlers();
    make_faults(&hostile());
}

#[test]
fn without_signals_a_host_may_install_handlers_after_loading() {
    child::run("handlers after load");
}

#[test]
fn with_signals_a_host_may_install_handlers_before_loading() {
    child::run("handlers before load");
}
