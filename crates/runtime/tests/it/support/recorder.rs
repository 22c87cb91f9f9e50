//! A context that records what guests do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, bail};
use async_trait::async_trait;
use surrealdb_types::{Object, SurrealValue, Value};
use surrealism_runtime::config::SurrealismConfig;
use surrealism_runtime::{BTreeMapStore, GuestError, InvocationContext, KVStore};

use super::PATIENCE;

/// Returns what it is called with, and records calls and output. Clones share everything.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    pub(crate) store: Arc<BTreeMapStore>,
    pub(crate) calls: Arc<Mutex<Vec<String>>>,
    pub(crate) stdout: Arc<Mutex<Vec<String>>>,
    pub(crate) stderr: Arc<Mutex<Vec<String>>>,
    /// How many `wait` queries were dropped while they were pending.
    pub(crate) cancelled: Arc<AtomicUsize>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with_store(store: Arc<BTreeMapStore>) -> Self {
        Self { store, ..Self::default() }
    }

    pub(crate) fn boxed(&self) -> Box<dyn InvocationContext> {
        Box::new(self.clone())
    }

    /// Queries and calls of functions, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn stdout(&self) -> Vec<String> {
        self.stdout.lock().unwrap().clone()
    }

    pub(crate) fn stderr(&self) -> Vec<String> {
        self.stderr.lock().unwrap().clone()
    }

    pub(crate) fn cancelled(&self) -> usize {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Resolves once guests have made `count` calls.
    pub(crate) async fn called(&self, count: usize) {
        let polling = async {
            while self.calls().len() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, polling).await.expect("the guest makes the call");
    }

    fn record(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }
}

#[async_trait]
impl InvocationContext for Recorder {
    /// The first word of a query says what it does: `fail` fails with a text for the guest, `break` with one
    /// for the host, `wait` never completes, `yield`
    /// completes when it is polled again, `panic` panics. Any other returns its variables.
    async fn sql(&mut self, _: &SurrealismConfig, query: String, vars: Object) -> Result<Value> {
        self.record(format!("sql {query} {:?}", vars.keys().collect::<Vec<_>>()));
        match query.split(' ').next() {
            Some("fail") => return Err(GuestError::new("the database says no").into()),
            Some("break") => bail!("cannot open /var/lib/secret/kv.redb"),
            Some("wait") => {
                let _count = CountDrop(self.cancelled.clone());
                std::future::pending().await
            }
            Some("yield") => tokio::task::yield_now().await,
            Some("panic") => panic!("the context panicked on purpose"),
            _ => {}
        }
        Ok(Value::Object(vars))
    }

    async fn run(
        &mut self,
        _: &SurrealismConfig,
        fnc: String,
        version: Option<String>,
        args: Vec<Value>,
    ) -> Result<Value> {
        self.record(format!("run {fnc} {version:?} {}", args.len()));
        Ok(args.into_value())
    }

    fn kv(&mut self) -> Result<&dyn KVStore> {
        Ok(&*self.store)
    }

    fn stdout_callback(&self) -> Arc<dyn Fn(&str) + Send + Sync> {
        let lines = self.stdout.clone();
        Arc::new(move |line| lines.lock().unwrap().push(line.to_string()))
    }

    fn stderr_callback(&self) -> Arc<dyn Fn(&str) + Send + Sync> {
        let lines = self.stderr.clone();
        Arc::new(move |line| lines.lock().unwrap().push(line.to_string()))
    }
}

struct CountDrop(Arc<AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
