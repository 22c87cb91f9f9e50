//! Times of typed functions beside an empty function of a component and a native loop, in one run. Each is
//! the least of many rounds, so that a busy machine matters less; compare the ratios.
//!
//! ```sh
//! cargo xtask guests
//! cargo bench --workspace --bench typed --profile dev \
//!     --config 'profile.dev.package.surrealism-runtime.opt-level=3' \
//!     --config 'profile.dev.package.surrealism-types.opt-level=3'
//! ```
//!
//! wasmtime is compiled as in the tests then, as for `cargo xtask count`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use surrealism_runtime::{DetachedContext, Grants, Runtime, SurrealismPackage};
use wasmtime::component::{Component, Linker};
use wasmtime::{
    AsContextMut, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
};

/// How long each case is measured.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// An empty function, as a component.
const NOTHING: &str = r#"(component
    (core module $module (func (export "nothing")))
    (core instance $instance (instantiate $module))
    (func (export "nothing") (canon lift (core func $instance "nothing"))))"#;

fn main() {
    let package = SurrealismPackage::from_file(
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests/columns.surli").into(),
    )
    .expect("`cargo xtask guests` builds the guest");
    let runtime = Runtime::builder(package).grants(Grants::as_requested()).build().unwrap();
    let empty = empty();
    println!("{empty:9.1} ns  1.00  an empty function of a component");
    let small = |case: &str, nanoseconds: f64| {
        println!("{nanoseconds:9.1} ns  {:4.2}  {case}", nanoseconds / empty);
    };
    calls(&runtime, small);
    batches(&runtime);
}

fn calls(runtime: &Runtime, print: impl Fn(&str, f64)) {
    let call = least(100, 1, || {
        let call = runtime.call("can_drive", (20_i64,), DetachedContext::new());
        black_box(block_on(call.into_future()).unwrap());
    });
    print("can_drive by `call`", call);
    let can_drive = runtime.function::<(i64,), bool>("can_drive").unwrap();
    let typed = least(100, 1, || {
        let call = can_drive.call((20,), DetachedContext::new());
        black_box(block_on(call.into_future()).unwrap());
    });
    print("can_drive by a typed function", typed);
    let nothing = runtime.function::<(), ()>("nothing").unwrap();
    let typed = least(100, 1, || {
        block_on(nothing.call((), DetachedContext::new()).into_future()).unwrap();
    });
    print("nothing by a typed function", typed);
    let acquired = least(100, 1, || {
        let context = Box::new(DetachedContext::new());
        runtime.release_controller(block_on(runtime.acquire_controller(context)).unwrap());
    });
    print("an instance acquired and released", acquired);
    let held = block_on(runtime.acquire_controller(Box::new(DetachedContext::new()))).unwrap();
    runtime.release_controller(held);
}

fn batches(runtime: &Runtime) {
    let context = DetachedContext::new;
    let can_drive = runtime.function::<(i64,), bool>("can_drive").unwrap();
    for rows in [1, 10, 100, 1_000, 10_000, 100_000] {
        let ages: Vec<i64> = (0..rows as i64).collect();
        let native = least(1, rows, || {
            let drivers: Vec<bool> = black_box(&ages).iter().map(|age| *age >= 18).collect();
            black_box(drivers);
        });
        let columns = least(1, rows, || {
            let call = can_drive.call_columns((black_box(&ages),), context());
            black_box(block_on(call.into_future()).unwrap());
        });
        println!("{columns:9.2} ns a row of {rows} by `call_columns`; a native loop {native:.2}");
    }
    let ages: Vec<(i64,)> = (0..1_000).map(|age| (age,)).collect();
    let rows = least(1, ages.len(), || {
        let call = runtime.call_rows("can_drive", ages.iter().copied(), context());
        black_box(block_on(call.into_future()).unwrap());
    });
    println!("{rows:9.2} ns a row of 1000 by `call_rows`");

    let numbers: Vec<i64> = (0..10_000).collect();
    let sum = runtime.function::<(Vec<i64>,), i64>("sum").unwrap();
    let typed = least(1, 1_000, || {
        let call = sum.call((black_box(&numbers).clone(),), context());
        black_box(block_on(call.into_future()).unwrap());
    });
    let called = least(1, 1_000, || {
        let call = runtime.call("sum", (black_box(&numbers).clone(),), context());
        black_box(block_on(call.into_future()).unwrap());
    });
    println!(
        "{typed:9.2} µs for the sum of 10,000 integers by a typed function; by `call` {called:.2}"
    );

    let texts: Vec<String> = (0..10_000).map(|row| format!("text {row}")).collect();
    let length = runtime.function::<(String,), i64>("length").unwrap();
    let columns = least(1, texts.len(), || {
        let call = length.call_columns((black_box(&texts),), context());
        black_box(block_on(call.into_future()).unwrap());
    });
    println!("{columns:9.2} ns a row for the lengths of 10,000 texts");
}

/// Returns the least time of many rounds, in nanoseconds of one of `parts` of a run.
fn least(times: u32, parts: usize, mut run: impl FnMut()) -> f64 {
    let (started, mut least) = (Instant::now(), f64::MAX);
    while started.elapsed() < PATIENCE {
        let round = Instant::now();
        (0..times).for_each(|_| run());
        least = least.min(round.elapsed().as_secs_f64() * 1e9 / f64::from(times) / parts as f64);
    }
    least
}

/// Returns the nanoseconds of a call of [`NOTHING`] in bare wasmtime.
fn empty() -> f64 {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(
            PoolingAllocationConfig::default(),
        ));
    let engine = Engine::new(&config).unwrap();
    let component = Component::new(&engine, wat::parse_str(NOTHING).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    store.as_context_mut().epoch_deadline_async_yield_and_update(1);
    store.set_epoch_deadline(1);
    let instance =
        block_on(Linker::new(&engine).instantiate_async(&mut store, &component)).unwrap();
    let nothing = instance.get_typed_func::<(), ()>(&mut store, "nothing").unwrap();
    least(100, 1, || block_on(nothing.call_async(&mut store, ())).unwrap())
}
