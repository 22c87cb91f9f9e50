//! Measures what compiling components costs, each in a process of its own, beside its estimate.
//!
//! ```sh
//! compile_costs FILE.wasm...          # components, or core modules
//! compile_costs shapes SECONDS [NAME] # of each hostile shape, the largest that is estimated to take this
//! compile_costs beside THREADS ARCHIVE FILE.wasm # calls of `count` beside compiling on so many threads
//! compile_costs at NAME N A B         # one hostile shape
//! ```

use std::future::IntoFuture;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use surrealism_fuzz::compile::{SHAPES, UNLIMITED, component_around, cpu_seconds, largest, load};
use surrealism_runtime::limits::CompileLimits;
use surrealism_runtime::{DetachedContext, EngineConfig, Runtime, SurrealismPackage};

const SIZES: u32 = 200_000;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["one", file] => one(file),
        ["beside", threads, archive, file] => beside(threads.parse().unwrap(), archive, file),
        ["shapes", seconds, ref rest @ ..] => {
            shapes(seconds.parse().unwrap(), rest.first().copied())
        }
        ["at", name, ref numbers @ ..] => {
            let numbers: Vec<u32> = numbers.iter().map(|number| number.parse().unwrap()).collect();
            let shape = SHAPES.iter().find(|shape| shape.name == name).unwrap();
            let wasm = (shape.make)([numbers[0], numbers[1], numbers[2]]);
            row(name, &wasm);
        }
        ref files => {
            header();
            files.iter().for_each(|file| row(file, &component(fs::read(file).unwrap())));
        }
    }
}

fn header() {
    println!(
        "| component | KiB | estimate s | CPU s | estimate MiB | peak MiB |\n|---|---|---|---|---|---|"
    );
}

/// Wraps a core module.
fn component(wasm: Vec<u8>) -> Vec<u8> {
    if !wasm.starts_with(b"\0asm\x01\0\0\0") {
        return wasm;
    }
    component_around(&wasm)
}

fn row(name: &str, wasm: &[u8]) {
    let path = env::temp_dir().join(format!("compile-cost-{}.wasm", std::process::id()));
    fs::write(&path, wasm).unwrap();
    let estimate = UNLIMITED.check(wasm);
    let own = env::current_exe().unwrap();
    let child = Command::new("timeout").arg("60").arg(own).arg("one").arg(&path).output().unwrap();
    let measured = String::from_utf8_lossy(&child.stdout);
    let mut measured = measured.trim().split(' ');
    let (time, memory) = (measured.next().unwrap_or(""), measured.next().unwrap_or(""));
    let (seconds, mib) = match &estimate {
        Ok(cost) => (cost.time.as_secs_f64(), cost.memory_bytes >> 20),
        Err(error) => {
            println!("{error}");
            (0.0, 0)
        }
    };
    println!("| {name} | {} | {seconds:.2} | {time} | {mib} | {memory} |", wasm.len() >> 10);
    if !child.status.success() {
        println!("{}", String::from_utf8_lossy(&child.stderr));
    }
    let _ = fs::remove_file(&path);
}

/// Prints the CPU time in seconds and the peak of resident memory in MiB that compiling a file takes.
fn one(file: &str) {
    let wasm = fs::read(file).unwrap();
    let empty = wasm_encoder::Component::new().finish();
    let _ = load(empty, UNLIMITED);
    let (time, memory) = (cpu_seconds(), peak_mib());
    let result = load(wasm, UNLIMITED);
    let words = result.err().map(|error| error.chars().take(300).collect::<String>());
    println!(
        "{:.2} {} {}",
        cpu_seconds() - time,
        peak_mib() - memory,
        words.unwrap_or_default().replace('\n', " ")
    );
}

fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

fn shapes(seconds: f64, only: Option<&str>) {
    let limits =
        CompileLimits { max_time: Duration::from_secs_f64(seconds), ..CompileLimits::default() };
    header();
    for shape in SHAPES.iter().filter(|shape| only.is_none_or(|only| shape.name.contains(only))) {
        for numbers in variants(shape.name) {
            let admits = |wasm: &[u8]| limits.check(wasm).is_ok();
            let Some(wasm) = largest(shape, numbers, SIZES, admits) else { continue };
            row(&format!("{} {numbers:?}", shape.name), &wasm);
        }
    }
}

/// Pairs of numbers that vary a shape.
fn variants(name: &str) -> Vec<[u32; 2]> {
    match name {
        "arithmetic" | "loads" | "stores" | "floats" | "vectors" | "runtime" | "casts"
        | "elements" => (0..20).map(|kind| [kind, 0]).collect(),
        "gc" => (0..8).flat_map(|kind| [[kind, 3], [kind, 300]]).collect(),
        "globals" | "global-refs" | "loads64" | "indirect" | "calls" | "loops" | "diamonds"
        | "locals" | "images" | "instances" | "lowered" => vec![[0, 0]],
        "live-over-ifs"
        | "switch"
        | "switches"
        | "handlers"
        | "groups-of-nested-ifs"
        | "adapters" => {
            [3, 40, 300, 2_500].iter().flat_map(|a| [1, 19, 300].map(|b| [*a, b])).collect()
        }
        _ => [0, 3, 40, 300, 900, 2_500].map(|a| [a, 1]).to_vec(),
    }
}

/// Prints how many calls a module answers while another one is compiled.
fn beside(threads: usize, archive: &str, file: &str) {
    EngineConfig::new().compile_threads(threads).install().unwrap();
    let package = SurrealismPackage::from_file(archive.into()).unwrap();
    let runtime = Runtime::builder(package).build().unwrap();
    serve("alone", &runtime);
    let wasm = component(fs::read(file).unwrap());
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let _ = load(wasm.clone(), UNLIMITED);
            }
        });
        thread::sleep(Duration::from_millis(500));
        serve(&format!("beside compiling on {threads} threads"), &runtime);
        stop.store(true, Ordering::Relaxed);
    });
}

fn serve(name: &str, runtime: &Runtime) {
    const TIME: Duration = Duration::from_secs(5);

    let callers = thread::available_parallelism().unwrap().get();
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let call = || {
            let (begin, mut times) = (Instant::now(), Vec::new());
            while begin.elapsed() < TIME {
                let begin = Instant::now();
                let call = runtime.call("count", (), DetachedContext::new()).into_future();
                futures::executor::block_on(call).unwrap();
                times.push(begin.elapsed());
            }
            times
        };
        let callers: Vec<_> = (0..callers).map(|_| scope.spawn(call)).collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    times.sort_unstable();
    let rate = times.len() as f64 / TIME.as_secs_f64();
    println!("{name}: {rate:.0} calls/s, p99 {:?}", times[times.len() * 99 / 100]);
}
