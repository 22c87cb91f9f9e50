//! A host for unit tests (feature `testing`).
//!
//! A native test has no database around it. A [`Host`] stands in for one: it has a key-value store with the
//! limits of a real one, answers [`sql`](crate::sql()) and [`run`](crate::run), and captures output. It
//! serves the thread that made it, until it is dropped, so that tests run side by side.
//!
//! ```toml
//! [dev-dependencies]
//! surrealism = { version = "0.6", features = ["testing"] }
//! ```
//!
//! ```
//! use surrealism::testing::{Expected, Host};
//! use surrealism::{anyhow, kv, run, surrealism};
//!
//! /// Returns a slug, and counts how often it was asked for.
//! #[surrealism]
//! fn slug(title: String) -> anyhow::Result<String> {
//!     kv::increment(title.as_str(), 1)?;
//!     run("string::slug", None, (title,))
//! }
//!
//! let title = || "Hello World".to_string();
//! let _host = Host::new()
//!     .expect(Expected::run("string::slug", (title(),)).returns("hello-world".to_string()));
//! assert_eq!(slug(title()).unwrap(), "hello-world");
//! assert_eq!(kv::get::<_, i64>(title()).unwrap(), Some(1));
//! ```
//!
//! Capabilities are not checked: a call that `surrealism.toml` does not ask for succeeds here. A test of the
//! archive, as `surrealism test` runs it, finds that.

mod expected;
mod files;
mod functions;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use surrealdb_types::{Object, SurrealValue, Value};
pub use surrealism_types::kv::BTreeMapStore;
pub use surrealism_types::limits::KvLimits;

pub use self::expected::Expected;
pub(crate) use self::files::attached;

thread_local! {
    static CURRENT: RefCell<Option<Rc<State>>> = const { RefCell::new(None) };
}

type OnSql = Box<dyn FnMut(&str, &Object) -> Result<Value>>;
type OnRun = Box<dyn FnMut(&str, Option<&str>, &[Value]) -> Result<Value>>;

/// A host for the functions that this thread calls, until it is dropped.
///
/// A call is answered by the next [`expect`](Self::expect), or without any by [`on_sql`](Self::on_sql) and
/// [`on_run`](Self::on_run).
#[must_use = "the host is gone when it is dropped: bind it, as in `let _host = Host::new();`"]
pub struct Host {
    // Not `Send`: it belongs to the thread.
    state: Rc<State>,
}

/// What the functions of a thread call.
pub(crate) struct State {
    store: RefCell<Arc<BTreeMapStore>>,
    config: RefCell<BTreeMap<String, Value>>,
    expected: RefCell<VecDeque<Expected>>,
    /// Whether a call without an expectation is a mistake of the test.
    is_strict: Cell<bool>,
    on_sql: RefCell<Option<OnSql>>,
    on_run: RefCell<Option<OnRun>>,
    stdout: RefCell<Vec<String>>,
    stderr: RefCell<Vec<String>>,
}

/// Returns the host of this thread.
pub(crate) fn current() -> Option<Rc<State>> {
    CURRENT.with_borrow(Clone::clone)
}

impl Host {
    /// Creates a host with an empty store, and makes it that of this thread.
    ///
    /// # Panics
    ///
    /// When this thread has a host already.
    #[allow(clippy::new_without_default, reason = "it changes the thread")]
    pub fn new() -> Self {
        let state = Rc::new(State {
            store: RefCell::default(),
            config: RefCell::default(),
            expected: RefCell::default(),
            is_strict: Cell::new(false),
            on_sql: RefCell::new(None),
            on_run: RefCell::new(None),
            stdout: RefCell::default(),
            stderr: RefCell::default(),
        });
        let before = CURRENT.replace(Some(state.clone()));
        if before.is_some() {
            CURRENT.set(before);
            panic!("this thread has a host already: use it, or drop it first");
        }
        Self { state }
    }

    /// Replaces the store by an empty one with these limits. By default, only keys are limited.
    pub fn kv_limits(self, limits: KvLimits) -> Self {
        self.kv_store(Arc::new(BTreeMapStore::bounded(limits)))
    }

    /// Replaces the store by this one, which hosts of other threads may have too.
    pub fn kv_store(self, store: Arc<BTreeMapStore>) -> Self {
        self.state.store.replace(store);
        self
    }

    /// Gives a key of the [configuration](crate::config) a value. The declarations in `surrealism.toml` are
    /// not read: a test gives every key that it needs, of its kind.
    ///
    /// ```
    /// use surrealism::{config, testing::Host};
    ///
    /// let _host = Host::new().config("retries", 3_i64);
    /// assert_eq!(config::get::<i64>("retries").unwrap(), 3);
    /// assert!(config::get::<String>("api_url").is_err());
    /// ```
    pub fn config(self, key: impl Into<String>, value: impl SurrealValue) -> Self {
        self.state.config.borrow_mut().insert(key.into(), value.into_value());
        self
    }

    /// Lets keys expire as if this much time had passed.
    pub fn advance(&self, by: Duration) {
        self.state.store.borrow().advance(by);
    }

    /// Answers queries, from their text and variables.
    ///
    /// ```
    /// use surrealism::testing::Host;
    ///
    /// let _host = Host::new().on_sql(|query, _| match query {
    ///     "RETURN 1" => Ok(1_i64),
    ///     _ => surrealism::anyhow::bail!("cannot parse the query"),
    /// });
    /// assert_eq!(surrealism::sql::<_, i64>("RETURN 1").unwrap(), 1);
    /// assert!(surrealism::sql::<_, i64>("RETRUN 1").is_err());
    /// ```
    pub fn on_sql<R: SurrealValue>(
        self,
        mut answer: impl FnMut(&str, &Object) -> Result<R> + 'static,
    ) -> Self {
        let answer = move |query: &str, vars: &Object| answer(query, vars).map(R::into_value);
        self.state.on_sql.replace(Some(Box::new(answer)));
        self
    }

    /// Answers calls of other functions, from their name, version and arguments.
    ///
    /// ```
    /// use surrealism::testing::Host;
    ///
    /// let _host = Host::new().on_run(|function, _, args| match function {
    ///     "array::len" => Ok(args.len() as i64),
    ///     _ => surrealism::anyhow::bail!("the function does not exist"),
    /// });
    /// assert_eq!(surrealism::run::<_, _, i64>("array::len", None, (1_i64, 2_i64)).unwrap(), 2);
    /// ```
    pub fn on_run<R: SurrealValue>(
        self,
        mut answer: impl FnMut(&str, Option<&str>, &[Value]) -> Result<R> + 'static,
    ) -> Self {
        let answer = move |function: &str, version: Option<&str>, args: &[Value]| {
            answer(function, version, args).map(R::into_value)
        };
        self.state.on_run.replace(Some(Box::new(answer)));
        self
    }

    /// Expects a query or a call, after those that are expected before.
    ///
    /// Another call than the next one panics, and one after the last unless [`on_sql`](Self::on_sql) or
    /// [`on_run`](Self::on_run) answers it. A call that did not come panics when the host is dropped.
    pub fn expect(self, call: Expected) -> Self {
        self.state.expected.borrow_mut().push_back(call);
        self.state.is_strict.set(true);
        self
    }

    /// Returns the lines that [`println!`](crate::println!) of this crate has printed.
    pub fn stdout(&self) -> Vec<String> {
        self.state.stdout.borrow().clone()
    }

    /// Returns the lines that [`eprintln!`](crate::eprintln!) of this crate has printed.
    pub fn stderr(&self) -> Vec<String> {
        self.state.stderr.borrow().clone()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        CURRENT.set(None);
        let expected = self.state.expected.borrow();
        if let Some(next) = expected.front().filter(|_| !thread::panicking()) {
            let missing = expected.len();
            panic!("{missing} expected calls did not come, of which the first is {next}");
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state } = self;
        f.debug_struct("Host")
            .field("store", &state.store.borrow().size())
            .field("expected", &state.expected.borrow())
            .finish_non_exhaustive()
    }
}

impl State {
    pub(crate) fn print(&self, line: &str, is_error: bool) {
        let lines = if is_error { &self.stderr } else { &self.stdout };
        lines.borrow_mut().extend(line.split('\n').map(str::to_string));
    }
}
