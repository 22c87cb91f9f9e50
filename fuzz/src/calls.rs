//! Calls, cancellations, releases and misuse, in any order, on real guests.

use std::future::IntoFuture;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use anyhow::bail;
use arbitrary::{Result, Unstructured};
use async_trait::async_trait;
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::BoxFuture;
use surrealdb_types::{Object, SurrealValue, Value};
use surrealism_runtime::host::OutputCallback;
use surrealism_runtime::{
    Controller, Error, Grants, InvocationContext, Isolation, KVStore, Runtime, SurrealismConfig,
    SurrealismError, SurrealismPackage, SurrealismResult,
};

const POOL_SIZE: usize = 2;
const MAX_QUEUE: usize = 1;
const MAX_STEPS: usize = 30;

/// Instances that are checked out of one module, including those outside the pool.
const MAX_CHECKED_OUT: usize = 4;

/// Takes the steps that the input chooses, on three modules, and compares each result, and the usage of each
/// module, with a model. At the end, each module is as it was before.
pub fn calls(input: &[u8]) {
    static MODULES: LazyLock<[(Guest, Isolation, Runtime); 3]> = LazyLock::new(|| {
        crate::silence_panics("on purpose");
        [
            (Guest::State, Isolation::Reuse),
            (Guest::State, Isolation::Fresh),
            (Guest::Hostile, Isolation::Reuse),
        ]
        .map(|(guest, isolation)| (guest, isolation, guest.load(isolation)))
    });
    let mut models = MODULES.each_ref().map(|(guest, isolation, runtime)| Model {
        runtime,
        guest: *guest,
        isolation: *isolation,
        idle: vec![],
        checked_out: vec![],
        waiting: None,
    });
    let mut u = Unstructured::new(input);
    for _ in 0..MAX_STEPS {
        if u.is_empty() || step(&mut models, &mut u).is_err() {
            break;
        }
        models.iter().for_each(Model::check_usage);
    }
    models.into_iter().for_each(Model::check_after_release);
}

fn step(models: &mut [Model; 3], u: &mut Unstructured<'_>) -> Result<()> {
    let other = models[u.choose_index(3)?].runtime;
    let model = &mut models[u.choose_index(3)?];
    match u.int_in_range(0..=9)? {
        0 => model.acquire(),
        1 => model.make(),
        2 => model.call(Outcome::choose(u, model.guest)?),
        3 if model.waiting.is_some() => model.waiting = None,
        _ if model.checked_out.is_empty() => model.acquire(),
        step => {
            let index = u.choose_index(model.checked_out.len())?;
            match step {
                4 => model.init(index),
                5 => model.drop_without_release(index),
                6 => model.release(index, other),
                7 => model.release(index, model.runtime),
                _ => model.invoke(index, Outcome::choose(u, model.guest)?),
            }
            if model.waiting.is_some() && model.has_permit() {
                model.serve_or_cancel(u.arbitrary()?);
            }
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Guest {
    /// Counts its calls.
    State,
    /// Misbehaves.
    Hostile,
}

impl Guest {
    fn load(self, isolation: Isolation) -> Runtime {
        let archive = match self {
            Self::State => "state.surli",
            Self::Hostile => "hostile.surli",
        };
        let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests");
        let package = SurrealismPackage::from_file(guests.join(archive))
            .expect("the guests are built by `cargo xtask guests`");
        let builder = Runtime::builder(package).pool_size(POOL_SIZE).max_queue(MAX_QUEUE);
        let builder = builder.grants(Grants::as_requested());
        builder.max_memory_bytes(64 << 20).isolation(isolation).build().unwrap()
    }
}

/// How a call ends.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// The function returns a value.
    Returns,
    /// The host rejects it, as the function does not exist.
    Unknown,
    /// The function returns an error.
    Fails,
    /// The guest traps.
    Traps,
    /// It waits in a host function until it times out, after so many milliseconds.
    TimesOut(u64),
    /// The caller drops its future, after so many polls.
    Dropped(usize),
    /// The invocation context panics.
    HostPanics,
}

impl Outcome {
    fn choose(u: &mut Unstructured<'_>, guest: Guest) -> Result<Self> {
        let last = match guest {
            Guest::State => 2,
            Guest::Hostile => 6,
        };
        Ok(match u.int_in_range(0..=last)? {
            0 => Self::Returns,
            1 => Self::Unknown,
            2 => Self::Traps,
            3 => Self::Fails,
            4 => Self::TimesOut(u.int_in_range(0..=1)?),
            5 => Self::Dropped(u.int_in_range(0..=2)?),
            _ => Self::HostPanics,
        })
    }

    fn call(self, guest: Guest) -> (&'static str, Vec<Value>) {
        let query = |text: &str| vec![text.to_string().into_value(), 1_i64.into_value()];
        match (self, guest) {
            (Self::Returns, Guest::State) => ("count", vec![]),
            (Self::Returns, Guest::Hostile) => ("alive", vec![]),
            (Self::Unknown, _) => ("unknown", vec![]),
            (Self::Fails, _) => ("fail", vec!["no".to_string().into_value()]),
            (Self::Traps, Guest::State) => ("grow", vec![2_000_000_000_i64.into_value()]),
            (Self::Traps, Guest::Hostile) => ("panics", vec!["x".to_string().into_value()]),
            (Self::TimesOut(_) | Self::Dropped(_), _) => ("query_often", query("wait")),
            (Self::HostPanics, _) => ("query_often", query("panic")),
        }
    }

    fn timeout(self) -> Option<Duration> {
        match self {
            Self::TimesOut(millis) => Some(Duration::from_millis(millis)),
            _ => None,
        }
    }

    fn poisons(self) -> bool {
        !matches!(self, Self::Returns | Self::Unknown | Self::Fails | Self::Dropped(0))
    }

    fn counted_calls(self) -> i64 {
        i64::from(matches!(self, Self::Returns))
    }

    /// Runs a call to its end. `None` if the caller dropped it.
    fn run(self, call: BoxFuture<'_, SurrealismResult<Value>>) -> Option<SurrealismResult<Value>> {
        match self {
            Self::Dropped(polls) => {
                let mut call = call;
                (0..polls).for_each(|_| assert!(poll(&mut call).is_pending()));
                None
            }
            _ => Some(block_on(call)),
        }
    }

    fn check(self, guest: Guest, result: Option<SurrealismResult<Value>>, calls: i64) {
        let expected = match guest {
            Guest::State => calls.into_value(),
            Guest::Hostile => true.into_value(),
        };
        let as_expected = match (self, &result) {
            (Self::Returns, Some(Ok(value))) => *value == expected,
            (Self::Unknown | Self::Fails, Some(Err(error))) => !error.is_trap(),
            (Self::Traps, Some(Err(error))) => error.is_trap() && !error.is_timeout(),
            (Self::TimesOut(_), Some(Err(error))) => error.is_timeout(),
            (Self::HostPanics, Some(Err(error))) => error.to_string().contains("the host panicked"),
            (Self::Dropped(_), None) => true,
            _ => false,
        };
        assert!(as_expected, "{self:?} in {guest:?} resulted in {result:?}, call {calls}");
    }
}

/// The expected state of one module.
struct Model<'a> {
    runtime: &'a Runtime,
    guest: Guest,
    isolation: Isolation,
    /// The calls of each idle instance. The last instance is the next to be checked out.
    idle: Vec<i64>,
    checked_out: Vec<Instance>,
    waiting: Option<BoxFuture<'a, SurrealismResult<Controller>>>,
}

/// An instance that is checked out.
struct Instance {
    controller: Controller,
    calls: i64,
    poisoned: bool,
    initialized: bool,
    permit: bool,
}

impl Model<'_> {
    fn has_permit(&self) -> bool {
        self.checked_out.iter().filter(|instance| instance.permit).count() < POOL_SIZE
    }

    fn acquire(&mut self) {
        if self.checked_out.len() >= MAX_CHECKED_OUT {
            return;
        }
        let mut acquiring = self.runtime.acquire_controller(Box::new(Host)).boxed();
        if self.has_permit() {
            self.acquired(block_on(acquiring));
        } else if self.waiting.is_none() {
            assert!(poll(&mut acquiring).is_pending());
            self.waiting = Some(acquiring);
        } else {
            assert!(block_on(acquiring).unwrap_err().is_busy());
        }
    }

    fn acquired(&mut self, controller: SurrealismResult<Controller>) {
        let calls = self.idle.pop().unwrap_or_default();
        let controller = controller.unwrap();
        let instance =
            Instance { controller, calls, poisoned: false, initialized: true, permit: true };
        self.checked_out.push(instance);
    }

    /// Serves the caller that waits, or lets it give up.
    fn serve_or_cancel(&mut self, serve: bool) {
        let waiting = self.waiting.take().filter(|_| serve);
        if let Some(waiting) = waiting {
            self.acquired(block_on(waiting));
        }
    }

    /// Makes an instance outside the pool.
    fn make(&mut self) {
        if self.checked_out.len() < MAX_CHECKED_OUT {
            let controller = block_on(self.runtime.new_controller(Box::new(Host))).unwrap();
            let (calls, initialized) = (0, false);
            self.checked_out.push(Instance {
                controller,
                calls,
                poisoned: false,
                initialized,
                permit: false,
            });
        }
    }

    fn init(&mut self, index: usize) {
        let instance = &mut self.checked_out[index];
        let result = block_on(instance.controller.init());
        assert_eq!(result.is_ok(), !instance.poisoned || instance.initialized, "{result:?}");
        instance.initialized |= result.is_ok();
    }

    fn drop_without_release(&mut self, index: usize) {
        self.checked_out.remove(index);
    }

    /// Releases an instance, which may be to another module's runtime.
    fn release(&mut self, index: usize, to: &Runtime) {
        let Instance { controller, calls, poisoned, initialized, .. } =
            self.checked_out.remove(index);
        to.release_controller(controller);
        let to_its_own = std::ptr::eq(to, self.runtime);
        self.check_in(calls, !poisoned && initialized && to_its_own);
    }

    fn check_in(&mut self, calls: i64, reusable: bool) {
        if reusable && self.isolation == Isolation::Reuse && self.idle.len() < POOL_SIZE {
            self.idle.push(calls);
        }
    }

    fn invoke(&mut self, index: usize, outcome: Outcome) {
        let guest = self.guest;
        let instance = &mut self.checked_out[index];
        instance.controller.set_context(Box::new(Host));
        let (function, args) = outcome.call(guest);
        let call = instance.controller.invoke_with_timeout(
            Some(function.to_string()),
            args,
            outcome.timeout(),
        );
        if !instance.poisoned {
            instance.calls += outcome.counted_calls();
            outcome.check(guest, outcome.run(call.boxed()), instance.calls);
            instance.poisoned = outcome.poisons();
        } else {
            let refusal = block_on(call).unwrap_err();
            assert!(refusal.is_trap() || matches!(outcome, Outcome::Unknown), "{refusal}");
        }
    }

    /// Calls a function through `Runtime::call`.
    fn call(&mut self, outcome: Outcome) {
        let (function, args) = outcome.call(self.guest);
        let call = self.runtime.call(function, args, Host);
        let contract =
            |result: std::result::Result<_, Error>| result.map_err(SurrealismError::from);
        match (self.has_permit(), outcome) {
            // Rejected before it waits for an instance.
            (_, Outcome::Unknown) => {
                let result = outcome.run(call.into_future().map(contract).boxed());
                outcome.check(self.guest, result, 0);
            }
            (false, _) if self.waiting.is_some() => {
                assert!(block_on(call.into_future()).unwrap_err().is_busy());
            }
            (false, _) | (_, Outcome::TimesOut(0)) => {
                let result = block_on(call.timeout(Duration::ZERO).into_future());
                assert!(result.unwrap_err().is_timeout());
            }
            // What times out depends on the clock, which the model does not know.
            (true, Outcome::Dropped(0) | Outcome::TimesOut(_)) => drop(call),
            (true, outcome) => {
                let result = outcome.run(call.into_future().map(contract).boxed());
                let calls = self.idle.pop().unwrap_or_default() + outcome.counted_calls();
                outcome.check(self.guest, result, calls);
                self.check_in(calls, !outcome.poisons());
            }
        }
    }

    fn check_usage(&self) {
        let usage = self.runtime.usage();
        assert_eq!(usage.instances.current, self.idle.len() + self.checked_out.len());
        assert_eq!(usage.memory_bytes.current > 0, usage.instances.current > 0, "{usage:?}");
        assert!(usage.instances.peak >= usage.instances.current, "{usage:?}");
    }

    /// Releases everything, and checks that the pool then serves as many calls as it should, by instances
    /// in the state that the model expects.
    fn check_after_release(mut self) {
        self.waiting = None;
        while !self.checked_out.is_empty() {
            self.release(0, self.runtime);
        }
        for index in 0..POOL_SIZE {
            self.acquire();
            self.invoke(index, Outcome::Returns);
        }
        self.check_usage();
        // The next input must find the module as this one did.
        self.checked_out.clear();
        self.check_usage();
        assert_eq!(self.runtime.usage().instances.current, 0);
    }
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A context whose query `wait` never completes, and whose query `panic` panics.
struct Host;

#[async_trait]
impl InvocationContext for Host {
    async fn sql(
        &mut self,
        _: &SurrealismConfig,
        query: String,
        _: Object,
    ) -> anyhow::Result<Value> {
        match query.as_str() {
            "wait" => std::future::pending().await,
            _ => panic!("the context panicked on purpose"),
        }
    }

    async fn run(
        &mut self,
        _: &SurrealismConfig,
        _: String,
        _: Option<String>,
        _: Vec<Value>,
    ) -> anyhow::Result<Value> {
        bail!("there is nothing to run")
    }

    fn kv(&mut self) -> anyhow::Result<&dyn KVStore> {
        bail!("this host has no store")
    }

    fn stdout_callback(&self) -> OutputCallback {
        Arc::new(|_| ())
    }

    fn stderr_callback(&self) -> OutputCallback {
        Arc::new(|_| ())
    }
}
