//! Calls, cancellations, releases and wrong uses, in every order, on real guests.

use std::future::IntoFuture;
use std::panic::AssertUnwindSafe;
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
    Controller, InvocationContext, Isolation, KVStore, Runtime, SurrealismConfig,
    SurrealismPackage, SurrealismResult,
};

const POOL_SIZE: usize = 2;
const MAX_QUEUE: usize = 1;
const MAX_STEPS: usize = 30;

/// How many instances one model holds at most, those outside the pool included.
const MAX_OUT: usize = 4;

/// Takes the steps that the input chooses, on three modules, and compares each answer, and what
/// the modules hold, with a model. At the end, everything is back where it was.
pub fn calls(input: &[u8]) {
    static MODULES: LazyLock<[(Guest, Isolation, Runtime); 3]> = LazyLock::new(|| {
        crate::hush_panics("on purpose");
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
        out: vec![],
        waiting: None,
    });
    let mut u = Unstructured::new(input);
    for _ in 0..MAX_STEPS {
        if u.is_empty() || step(&mut models, &mut u).is_err() {
            break;
        }
        models.iter().for_each(Model::check_usage);
    }
    models.into_iter().for_each(Model::check_all_is_in_order);
}

fn step(models: &mut [Model; 3], u: &mut Unstructured<'_>) -> Result<()> {
    let other = models[u.choose_index(3)?].runtime;
    let model = &mut models[u.choose_index(3)?];
    match u.int_in_range(0..=9)? {
        0 => model.acquire(),
        1 => model.make(),
        2 => model.call(Way::chosen(u, model.guest)?),
        3 if model.waiting.is_some() => model.waiting = None,
        _ if model.out.is_empty() => model.acquire(),
        step => {
            let place = u.choose_index(model.out.len())?;
            match step {
                4 => model.init(place),
                5 => model.drop_without_release(place),
                6 => model.release(place, other),
                7 => model.release(place, model.runtime),
                _ => model.invoke(place, Way::chosen(u, model.guest)?),
            }
            if model.waiting.is_some() && model.has_permit() {
                model.serve_or_leave(u.arbitrary()?);
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
        builder.max_memory_bytes(64 << 20).isolation(isolation).build().unwrap()
    }
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// It answers.
    Well,
    /// The host refuses it.
    Unknown,
    /// The guest answers with an error.
    Fails,
    /// The guest traps.
    Traps,
    /// It waits in the host beyond its time, of so many milliseconds.
    Late(u64),
    /// Its caller drops it, after so many polls.
    Dropped(usize),
    /// The host's context panics.
    HostPanics,
}

impl Way {
    fn chosen(u: &mut Unstructured<'_>, guest: Guest) -> Result<Self> {
        let ways = match guest {
            Guest::State => 2,
            Guest::Hostile => 6,
        };
        Ok(match u.int_in_range(0..=ways)? {
            0 => Self::Well,
            1 => Self::Unknown,
            2 => Self::Traps,
            3 => Self::Fails,
            4 => Self::Late(u.int_in_range(0..=1)?),
            5 => Self::Dropped(u.int_in_range(0..=2)?),
            _ => Self::HostPanics,
        })
    }

    fn call(self, guest: Guest) -> (&'static str, Vec<Value>) {
        let query = |text: &str| vec![text.to_string().into_value(), 1_i64.into_value()];
        match (self, guest) {
            (Self::Well, Guest::State) => ("count", vec![]),
            (Self::Well, Guest::Hostile) => ("alive", vec![]),
            (Self::Unknown, _) => ("unknown", vec![]),
            (Self::Fails, _) => ("fail", vec!["no".to_string().into_value()]),
            (Self::Traps, Guest::State) => ("grow", vec![2_000_000_000_i64.into_value()]),
            (Self::Traps, Guest::Hostile) => ("panics", vec!["x".to_string().into_value()]),
            (Self::Late(_) | Self::Dropped(_), _) => ("query_often", query("wait")),
            (Self::HostPanics, _) => ("query_often", query("panic")),
        }
    }

    fn timeout(self) -> Option<Duration> {
        match self {
            Self::Late(millis) => Some(Duration::from_millis(millis)),
            _ => None,
        }
    }

    fn loses_the_instance(self) -> bool {
        !matches!(self, Self::Well | Self::Unknown | Self::Fails | Self::Dropped(0))
    }

    fn counts(self) -> i64 {
        i64::from(matches!(self, Self::Well))
    }

    /// Runs a call to its end, which may be its caller's doing.
    fn run(self, call: BoxFuture<'_, SurrealismResult<Value>>) -> Option<SurrealismResult<Value>> {
        match self {
            Self::Dropped(polls) => {
                let mut call = call;
                (0..polls).for_each(|_| assert!(poll(&mut call).is_pending()));
                None
            }
            _ => block_on(AssertUnwindSafe(call).catch_unwind()).ok(),
        }
    }

    fn check(self, guest: Guest, answer: Option<SurrealismResult<Value>>, calls: i64) {
        let expected = match guest {
            Guest::State => calls.into_value(),
            Guest::Hostile => true.into_value(),
        };
        let as_expected = match (self, &answer) {
            (Self::Well, Some(Ok(value))) => *value == expected,
            (Self::Unknown | Self::Fails, Some(Err(error))) => !error.is_trap(),
            (Self::Traps, Some(Err(error))) => error.is_trap() && !error.is_timeout(),
            (Self::Late(_), Some(Err(error))) => error.is_timeout(),
            (Self::Dropped(_) | Self::HostPanics, None) => true,
            _ => false,
        };
        assert!(as_expected, "{self:?} in {guest:?} answered {answer:?}, call {calls}");
    }
}

/// What must hold of one module.
struct Model<'a> {
    runtime: &'a Runtime,
    guest: Guest,
    isolation: Isolation,
    /// How often each idle instance was called; the last one is the next.
    idle: Vec<i64>,
    out: Vec<Instance>,
    waiting: Option<BoxFuture<'a, SurrealismResult<Controller>>>,
}

/// An instance that a caller has.
struct Instance {
    controller: Controller,
    calls: i64,
    fit: bool,
    initialised: bool,
    permit: bool,
}

impl Model<'_> {
    fn has_permit(&self) -> bool {
        self.out.iter().filter(|instance| instance.permit).count() < POOL_SIZE
    }

    fn acquire(&mut self) {
        if self.out.len() >= MAX_OUT {
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
        let instance = Instance { controller, calls, fit: true, initialised: true, permit: true };
        self.out.push(instance);
    }

    /// Whoever waits is next, if it still waits.
    fn serve_or_leave(&mut self, serve: bool) {
        let waiting = self.waiting.take().filter(|_| serve);
        if let Some(waiting) = waiting {
            self.acquired(block_on(waiting));
        }
    }

    /// Outside the pool.
    fn make(&mut self) {
        if self.out.len() < MAX_OUT {
            let controller = block_on(self.runtime.new_controller(Box::new(Host))).unwrap();
            let (calls, initialised) = (0, false);
            self.out.push(Instance { controller, calls, fit: true, initialised, permit: false });
        }
    }

    fn init(&mut self, place: usize) {
        let instance = &mut self.out[place];
        let answer = block_on(instance.controller.init());
        assert_eq!(answer.is_ok(), instance.fit || instance.initialised, "{answer:?}");
        instance.initialised |= answer.is_ok();
    }

    fn drop_without_release(&mut self, place: usize) {
        self.out.remove(place);
    }

    fn release(&mut self, place: usize, to: &Runtime) {
        let Instance { controller, calls, fit, initialised, .. } = self.out.remove(place);
        to.release_controller(controller);
        let at_home = std::ptr::eq(to, self.runtime);
        self.take_back(calls, fit && initialised && at_home);
    }

    fn take_back(&mut self, calls: i64, fit: bool) {
        if fit && self.isolation == Isolation::Reuse && self.idle.len() < POOL_SIZE {
            self.idle.push(calls);
        }
    }

    fn invoke(&mut self, place: usize, way: Way) {
        let guest = self.guest;
        let instance = &mut self.out[place];
        instance.controller.set_context(Box::new(Host));
        let (function, args) = way.call(guest);
        let call = instance.controller.invoke_with_timeout(
            Some(function.to_string()),
            args,
            way.timeout(),
        );
        if instance.fit {
            instance.calls += way.counts();
            way.check(guest, way.run(call.boxed()), instance.calls);
            instance.fit = !way.loses_the_instance();
        } else {
            let refusal = block_on(call).unwrap_err();
            assert!(refusal.is_trap() || matches!(way, Way::Unknown), "{refusal}");
        }
    }

    /// The door that is for everybody.
    fn call(&mut self, way: Way) {
        let (function, args) = way.call(self.guest);
        let call = self.runtime.call(function, args, Host);
        match (self.has_permit(), way) {
            // Refused before it bothers an instance, or waits for one.
            (_, Way::Unknown) => way.check(self.guest, way.run(call.into_future()), 0),
            (false, _) if self.waiting.is_some() => {
                assert!(block_on(call.into_future()).unwrap_err().is_busy());
            }
            (false, _) | (_, Way::Late(0)) => {
                let answer = block_on(call.timeout(Duration::ZERO).into_future());
                assert!(answer.unwrap_err().is_timeout());
            }
            // Too late for what: that is for the clock to say, and for no model.
            (true, Way::Dropped(0) | Way::Late(_)) => drop(call),
            (true, way) => {
                let answer = way.run(call.into_future());
                let calls = self.idle.pop().unwrap_or_default() + way.counts();
                way.check(self.guest, answer, calls);
                self.take_back(calls, !way.loses_the_instance());
            }
        }
    }

    fn check_usage(&self) {
        let usage = self.runtime.usage();
        assert_eq!(usage.instances.current, self.idle.len() + self.out.len());
        assert_eq!(usage.memory_bytes.current > 0, usage.instances.current > 0, "{usage:?}");
        assert!(usage.instances.peak >= usage.instances.current, "{usage:?}");
    }

    /// As many as may be served are served, at once, by instances that are what they should be.
    fn check_all_is_in_order(mut self) {
        self.waiting = None;
        while !self.out.is_empty() {
            self.release(0, self.runtime);
        }
        for place in 0..POOL_SIZE {
            self.acquire();
            self.invoke(place, Way::Well);
        }
        self.check_usage();
        // The next input finds the module as this one did.
        self.out.clear();
        self.check_usage();
        assert_eq!(self.runtime.usage().instances.current, 0);
    }
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Answers nothing to `wait`, and panics at `panic`.
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
        bail!("there is no store")
    }

    fn stdout_callback(&self) -> OutputCallback {
        Arc::new(|_| ())
    }

    fn stderr_callback(&self) -> OutputCallback {
        Arc::new(|_| ())
    }
}
