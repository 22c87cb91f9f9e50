//! What compiling takes from calls, measured with `--ignored --nocapture`.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use surrealism_runtime::{DetachedContext, Runtime};

use crate::support::{package_marked, runtime};

/// Time of one measurement.
const PHASE: Duration = Duration::from_secs(3);
const ROUNDS: usize = 4;

/// What happened during a measurement.
#[derive(Default)]
struct Phase {
    calls: usize,
    compiled: usize,
    /// CPU time of the calls.
    cpu: Duration,
    waits: Vec<Duration>,
}

/// Serves with as many threads as there are processors, and compiles one module after the other.
fn measure(served: &Arc<Runtime>, compile: bool, next: &AtomicUsize) -> Phase {
    let stop = AtomicBool::new(false);
    let threads = thread::available_parallelism().unwrap().get();
    let mut phase = Phase::default();
    thread::scope(|scope| {
        let serve = || {
            let mut own = Phase::default();
            while !stop.load(Ordering::Relaxed) {
                let call = served.call("answer", (1_usize << 16,), DetachedContext::new());
                let began = Instant::now();
                let (result, stats) = block_on(call.with_stats().into_future());
                result.unwrap();
                own.waits.push(began.elapsed());
                own.cpu += stats.cpu;
                own.calls += 1;
            }
            own
        };
        let serving: Vec<_> = (0..threads).map(|_| scope.spawn(serve)).collect();
        let end = Instant::now() + PHASE;
        while compile && Instant::now() < end {
            let marker = format!("{}", next.fetch_add(1, Ordering::Relaxed));
            Runtime::builder(package_marked("host", &marker)).build().unwrap();
            phase.compiled += usize::from(Instant::now() < end);
        }
        thread::sleep(end.saturating_duration_since(Instant::now()));
        stop.store(true, Ordering::Relaxed);
        for own in serving {
            let own = own.join().unwrap();
            phase.calls += own.calls;
            phase.cpu += own.cpu;
            phase.waits.extend(own.waits);
        }
    });
    phase.waits.sort();
    phase
}

/// Gives the threads that compile another priority.
fn renice(niceness: &str) {
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        if name.starts_with("surrealism-comp") {
            let id = task.file_name();
            let status = Command::new("renice").args(["-n", niceness, "-p"]).arg(id).output();
            assert!(status.unwrap().status.success(), "only root raises a priority");
        }
    }
}

#[test]
#[ignore = "a measurement"]
fn what_compiling_takes_from_calls() {
    let served = Arc::new(runtime("hostile"));
    let next = AtomicUsize::new(0);
    measure(&served, true, &next);
    println!("round niceness calls/s cpu/elapsed p50 p99 modules/s");
    for round in 0..ROUNDS {
        for niceness in ["none", "0", "10", "19"] {
            let compile = niceness != "none";
            if compile {
                renice(niceness);
            }
            let began = Instant::now();
            let phase = measure(&served, compile, &next);
            let (seconds, count) = (began.elapsed().as_secs_f64(), phase.waits.len());
            println!(
                "{round} {niceness:>4} {:>7.0} {:>5.2} {:?} {:?} {:.2}",
                phase.calls as f64 / seconds,
                phase.cpu.as_secs_f64() / seconds,
                phase.waits[count / 2],
                phase.waits[count * 99 / 100],
                phase.compiled as f64 / seconds
            );
        }
    }
}
