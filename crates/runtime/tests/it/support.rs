//! What the tests share: archives built from `guests/`, and a context that remembers.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, bail};
use async_trait::async_trait;
use surrealdb_types::{Object, SurrealValue, Value};
use surrealism_runtime::config::SurrealismConfig;
use surrealism_runtime::{
    BTreeMapStore, CodeCache, ExportsManifest, InvocationContext, KVStore, Runtime, RuntimeBuilder,
    SurrealismError, SurrealismPackage,
};

/// The archive of a guest, as `cargo xtask guests` builds it.
pub(crate) fn archive(name: &str) -> PathBuf {
    let target = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests"));
    let path = target.join(format!("{name}.surli"));
    assert!(path.exists(), "{} is missing: run `cargo xtask guests` first", path.display());
    path
}

/// A guest, unpacked.
pub(crate) fn package(name: &str) -> SurrealismPackage {
    SurrealismPackage::from_file(archive(name)).unwrap()
}

/// Begins to load a package, with code that is kept from one run of the tests to the next.
pub(crate) fn load(package: SurrealismPackage) -> RuntimeBuilder {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/cache/surrealism");
    Runtime::builder(package).code_cache(CodeCache::open(folder).unwrap())
}

/// A component of the test's own, as text, for what no compiler writes; and the one way to give it
/// its `invoke`, from a core instance `$i` that has `memory`, `realloc` and `invoke`.
pub(crate) fn component(text: &str) -> SurrealismPackage {
    let config = "abi = 2\n[package]\norganisation = 'acme'\nname = 'x'\nversion = '1.0.0'";
    SurrealismPackage {
        config: SurrealismConfig::parse(config).unwrap(),
        wasm: wat::parse_str(format!("(component {text})")).unwrap(),
        exports: ExportsManifest::empty(),
        fs: None,
        logo: None,
    }
}

pub(crate) const INVOKE: &str = r#"
    (func (export "invoke")
      (param "name" (option string)) (param "args" (list u8))
      (result (result (list u8) (error string)))
      (canon lift (core func $i "invoke") (memory $i "memory") (realloc (func $i "realloc"))))"#;

/// A guest under ceilings that no well-behaved guest feels.
pub(crate) fn builder(name: &str) -> RuntimeBuilder {
    load(package(name))
        .pool_size(2)
        .max_execution_time(Duration::from_secs(20))
        .max_memory_bytes(256 << 20)
}

pub(crate) fn runtime(name: &str) -> Runtime {
    builder(name).build().unwrap()
}

/// A guest that is loaded once for all tests of a binary, which may use it at the same time.
pub(crate) fn shared(name: &'static str) -> &'static Runtime {
    static LOADED: Mutex<BTreeMap<&str, &Runtime>> = Mutex::new(BTreeMap::new());
    LOADED.lock().unwrap().entry(name).or_insert_with(|| Box::leak(Box::new(runtime(name))))
}

/// An argument or an expected result.
pub(crate) fn value(value: impl SurrealValue) -> Value {
    value.into_value()
}

pub(crate) fn name(name: &str) -> Option<String> {
    Some(name.to_string())
}

/// A context that answers with what it was asked, remembers it, and keeps what is printed. Clones
/// share all of it.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    pub(crate) store: Arc<BTreeMapStore>,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    pub(crate) stdout: Arc<Mutex<Vec<String>>>,
    pub(crate) stderr: Arc<Mutex<Vec<String>>>,
    /// How many queries waited and were dropped.
    pub(crate) given_up: Arc<AtomicUsize>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn boxed(&self) -> Box<dyn InvocationContext> {
        Box::new(self.clone())
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn stdout(&self) -> Vec<String> {
        self.stdout.lock().unwrap().clone()
    }

    pub(crate) fn stderr(&self) -> Vec<String> {
        self.stderr.lock().unwrap().clone()
    }

    pub(crate) fn given_up(&self) -> usize {
        self.given_up.load(Ordering::SeqCst)
    }

    fn remember(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }
}

#[async_trait]
impl InvocationContext for Recorder {
    /// Queries have a language of their own here: `fail …` fails, `wait …` waits for ever, `panic`
    /// panics, and all else answers its variables.
    async fn sql(&mut self, _: &SurrealismConfig, query: String, vars: Object) -> Result<Value> {
        self.remember(format!("sql {query} {:?}", vars.keys().collect::<Vec<_>>()));
        match query.split(' ').next() {
            Some("fail") => bail!("the database says no"),
            Some("wait") => {
                let _count = CountDrop(self.given_up.clone());
                std::future::pending().await
            }
            Some("panic") => panic!("the context panicked on purpose"),
            _ => Ok(Value::Object(vars)),
        }
    }

    async fn run(
        &mut self,
        _: &SurrealismConfig,
        fnc: String,
        version: Option<String>,
        args: Vec<Value>,
    ) -> Result<Value> {
        self.remember(format!("run {fnc} {version:?} {}", args.len()));
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

/// The text of an error that was expected to be of a sort, and to say something.
#[track_caller]
pub(crate) fn assert_says(error: &SurrealismError, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{text:?} lacks {part:?}");
    }
}
