//! Counters and histograms for Prometheus.

use std::array;
use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use super::{Event, EventKind, ObservedCall, Observer};
use crate::limits::{MAX_METRIC_FUNCTIONS, MAX_METRIC_MODULES};
use crate::package::config::SurrealismMeta;
use crate::stats::CallStats;
use crate::sync::lock;

/// Counts what happens to modules, for Prometheus. One observer serves any number of modules.
///
/// | metric | labels |
/// |---|---|
/// | `surrealism_calls_total` | `module`, `function`, `outcome` |
/// | `surrealism_calls_in_progress` (gauge) | `module` |
/// | `surrealism_call_duration_seconds` (histogram) | `module`, `function` |
/// | `surrealism_call_wait_seconds` (histogram) | `module` |
/// | `surrealism_call_cpu_seconds_total` | `module`, `function` |
/// | `surrealism_call_host_seconds_total` | `module`, `function` |
/// | `surrealism_call_memory_bytes` (histogram) | `module` |
/// | `surrealism_queue_length` (gauge) | `module` |
/// | `surrealism_instances` (gauge) | `module` |
/// | `surrealism_instances_created_total` | `module` |
/// | `surrealism_instances_dropped_total` | `module`, `cause` |
/// | `surrealism_denied_total` | `module`, `capability`, `missing` |
/// | `surrealism_output_lines_total` | `module`, `level` |
/// | `surrealism_loads_total` | `module`, `source` |
/// | `surrealism_compile_duration_seconds` (histogram) | `module` |
/// | `surrealism_code_cache_lookups_total` | `module`, `result` |
/// | `surrealism_code_cache_evictions_total` | `module` |
///
/// A module is labelled by its organization and name, without its version. Archives and callers choose
/// names, so that their number is bounded: beyond [`MAX_METRIC_MODULES`] modules, and beyond
/// [`MAX_METRIC_FUNCTIONS`] functions of one module, the label is `_other`. So is that of a function which
/// the archive does not declare.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use surrealism_runtime::observer::MetricsObserver;
/// # use surrealism_runtime::{Error, Runtime, SurrealismPackage};
/// # fn example(package: SurrealismPackage) -> Result<(), Error> {
/// let metrics = Arc::new(MetricsObserver::new());
/// let runtime = Runtime::builder(package).observer(metrics.clone()).build()?;
/// // The body of the answer to `GET /metrics`.
/// let body = metrics.encode();
/// # Ok(())
/// # }
/// ```
pub struct MetricsObserver {
    registry: Registry,
    names: Mutex<Names>,
    calls: Family<Labels<3>, Counter>,
    in_progress: Family<Labels<1>, Gauge>,
    duration: Histograms<2>,
    wait: Histograms<1>,
    cpu: Family<Labels<2>, Seconds>,
    host: Family<Labels<2>, Seconds>,
    memory: Histograms<1>,
    queue: Family<Labels<1>, Gauge>,
    instances: Family<Labels<1>, Gauge>,
    created: Family<Labels<1>, Counter>,
    dropped: Family<Labels<2>, Counter>,
    denied: Family<Labels<3>, Counter>,
    lines: Family<Labels<2>, Counter>,
    loads: Family<Labels<2>, Counter>,
    compiled: Histograms<1>,
    lookups: Family<Labels<2>, Counter>,
    evictions: Family<Labels<1>, Counter>,
}

impl MetricsObserver {
    /// The type of what [`encode`](Self::encode) returns, for the header `content-type`.
    pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// Returns an observer that has counted nothing.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("surrealism");
        let mut new = Registrar(&mut registry);
        Self {
            names: Mutex::default(),
            calls: new.family("calls", "Calls that have ended"),
            in_progress: new.family("calls_in_progress", "Calls under way, in the queue or not"),
            duration: new.histogram(
                "call_duration_seconds",
                "Time of calls, with their wait",
                time_buckets,
            ),
            wait: new.histogram(
                "call_wait_seconds",
                "Time until a call had an instance",
                time_buckets,
            ),
            cpu: new.family("call_cpu_seconds", "CPU time of calls"),
            host: new.family("call_host_seconds", "Time of calls in host functions"),
            memory: new.histogram(
                "call_memory_bytes",
                "Linear memory of an instance after a call",
                memory_buckets,
            ),
            queue: new.family("queue_length", "Callers that wait for an instance"),
            instances: new.family("instances", "Instances, checked out and idle"),
            created: new.family("instances_created", "Instances that were created"),
            dropped: new.family("instances_dropped", "Instances that were dropped"),
            denied: new.family("denied", "Uses of a capability that a guest does not have"),
            lines: new.family("output_lines", "Lines that guests wrote"),
            loads: new.family("loads", "Modules that were loaded, or could not be"),
            compiled: new.histogram(
                "compile_duration_seconds",
                "Time of compilations",
                compile_buckets,
            ),
            lookups: new.family("code_cache_lookups", "Look-ups in the cache of compiled code"),
            evictions: new.family("code_cache_evictions", "Entries that the cache evicted"),
            registry,
        }
    }

    /// Returns all metrics in the text format of Prometheus.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail, and a metric that cannot be encoded ends the text.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn end_call(&self, [module, function]: Labels<2>, outcome: &'static str, stats: &CallStats) {
        let by_module = [module.clone()];
        let by_function = [module.clone(), function.clone()];
        self.in_progress.get_or_create(&by_module).dec();
        self.calls.get_or_create(&[module, function, label("outcome", outcome)]).inc();
        let CallStats { waited, prepared, ran, in_host, cpu, memory_bytes, .. } = *stats;
        let observe = |time: Duration| time.as_secs_f64();
        self.duration.get_or_create(&by_function).observe(observe(waited + prepared + ran));
        self.wait.get_or_create(&by_module).observe(observe(waited));
        self.cpu.get_or_create(&by_function).inc_by(cpu.as_secs_f64());
        self.host.get_or_create(&by_function).inc_by(in_host.as_secs_f64());
        if memory_bytes > 0 {
            self.memory.get_or_create(&by_module).observe(memory_bytes as f64);
        }
    }
}

impl Default for MetricsObserver {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for MetricsObserver {
    fn observe(&self, event: &Event<'_>) {
        let module = ("module", lock(&self.names).module(event.module));
        match event.kind {
            EventKind::CallBegun => {
                self.in_progress.get_or_create(&[module]).inc();
            }
            EventKind::CallEnded { outcome, stats } => {
                let function = lock(&self.names).function(event.module, event.call);
                self.end_call([module, ("function", function)], outcome.as_str(), stats);
            }
            EventKind::Queued { .. } => {
                self.queue.get_or_create(&[module]).inc();
            }
            EventKind::Dequeued { .. } => {
                self.queue.get_or_create(&[module]).dec();
            }
            EventKind::InstanceCreated { .. } => {
                self.created.get_or_create(array::from_ref(&module)).inc();
                self.instances.get_or_create(&[module]).inc();
            }
            EventKind::InstanceDropped { cause } => {
                self.instances.get_or_create(array::from_ref(&module)).dec();
                self.dropped.get_or_create(&[module, label("cause", cause.as_str())]).inc();
            }
            EventKind::Denied(denied) => {
                let capability = label("capability", denied.capability.as_str());
                let missing = label("missing", denied.missing.as_str());
                self.denied.get_or_create(&[module, capability, missing]).inc();
            }
            EventKind::Output { level, .. } => {
                self.lines.get_or_create(&[module, label("level", level.as_str())]).inc();
            }
            EventKind::Compiled { took, .. } => {
                self.compiled.get_or_create(&[module]).observe(took.as_secs_f64());
            }
            EventKind::CacheLookup { hit } => {
                let result = label("result", if hit { "hit" } else { "miss" });
                self.lookups.get_or_create(&[module, result]).inc();
            }
            EventKind::CacheEvicted { entries } => {
                self.evictions.get_or_create(&[module]).inc_by(entries as u64);
            }
            EventKind::Loaded { source, .. } => {
                self.loads.get_or_create(&[module, label("source", source.as_str())]).inc();
            }
            EventKind::LoadFailed(_) => {
                self.loads.get_or_create(&[module, label("source", "failed")]).inc();
            }
        }
    }
}

impl fmt::Debug for MetricsObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsObserver").finish_non_exhaustive()
    }
}

fn time_buckets() -> Histogram {
    Histogram::new([0.0001, 0.0005, 0.0025, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0])
}

fn compile_buckets() -> Histogram {
    Histogram::new([0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0])
}

fn memory_buckets() -> Histogram {
    const MIB: f64 = 1_048_576.0;
    Histogram::new([0.25, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0].map(|mib| mib * MIB))
}

/// Makes families of metrics, and registers them.
struct Registrar<'a>(&'a mut Registry);

impl Registrar<'_> {
    fn family<M: Default + Clone + Metric>(&mut self, name: &str, help: &str) -> M {
        let metric = M::default();
        self.0.register(name, help, metric.clone());
        metric
    }

    fn histogram<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        buckets: fn() -> Histogram,
    ) -> Histograms<N> {
        let histograms = Histograms::new_with_constructor(buckets);
        self.0.register(name, help, histograms.clone());
        histograms
    }
}

/// The labels of a metric.
type Labels<const N: usize> = [(&'static str, Label); N];

/// A counter of seconds.
type Seconds = Counter<f64, AtomicU64>;

type Histograms<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// The value of a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Label {
    Word(&'static str),
    Name(Arc<str>),
}

/// The label of names that have none of their own.
const OTHER: Label = Label::Word("_other");

fn label(name: &'static str, word: &'static str) -> (&'static str, Label) {
    (name, Label::Word(word))
}

impl EncodeLabelValue for Label {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> fmt::Result {
        encoder.write_str(match self {
            Self::Word(word) => word,
            Self::Name(name) => name,
        })
    }
}

/// The names that have a label of their own.
#[derive(Default)]
struct Names(HashMap<String, ModuleNames>);

struct ModuleNames {
    label: Label,
    functions: HashMap<String, Label>,
}

impl Names {
    fn get(&mut self, module: &SurrealismMeta) -> Option<&mut ModuleNames> {
        let name = format!("{}/{}", module.organisation, module.name);
        if !self.0.contains_key(&name) {
            if self.0.len() >= MAX_METRIC_MODULES {
                return None;
            }
            let label = Label::Name(name.as_str().into());
            self.0.insert(name.clone(), ModuleNames { label, functions: HashMap::new() });
        }
        self.0.get_mut(&name)
    }

    fn module(&mut self, module: &SurrealismMeta) -> Label {
        self.get(module).map_or(OTHER, |names| names.label.clone())
    }

    fn function(&mut self, module: &SurrealismMeta, call: Option<&ObservedCall>) -> Label {
        let Some(call) = call.filter(|call| call.declared) else { return OTHER };
        let Some(ModuleNames { functions, .. }) = self.get(module) else { return OTHER };
        let name = call.function.as_deref().unwrap_or("default");
        if let Some(label) = functions.get(name) {
            return label.clone();
        }
        if functions.len() >= MAX_METRIC_FUNCTIONS {
            return OTHER;
        }
        let label = Label::Name(name.into());
        functions.insert(name.to_string(), label.clone());
        label
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    fn module(name: String) -> SurrealismMeta {
        let version = semver::Version::new(1, 0, 0);
        SurrealismMeta { organisation: "acme".to_string(), name, version }
    }

    fn call(function: &str, declared: bool) -> ObservedCall {
        ObservedCall { id: 1, function: Some(function.to_string()), declared, rows: None }
    }

    #[test]
    fn names_of_archives_and_callers_are_bounded() {
        let mut names = Names::default();
        let first = module("m0".to_string());
        for index in 0..2 * MAX_METRIC_FUNCTIONS {
            let label = names.function(&first, Some(&call(&format!("f{index}"), true)));
            assert_eq!(label != OTHER, index < MAX_METRIC_FUNCTIONS, "{index}: {label:?}");
        }
        assert_ne!(names.function(&first, Some(&call("f0", true))), OTHER);
        for index in 0..2 * MAX_METRIC_MODULES {
            let label = names.module(&module(format!("m{index}")));
            assert_eq!(label != OTHER, index < MAX_METRIC_MODULES, "{index}: {label:?}");
        }
        let late = module("m100000".to_string());
        assert_eq!(names.function(&late, Some(&call("f", true))), OTHER);
        assert_eq!(names.0.len(), MAX_METRIC_MODULES);
    }

    #[test]
    fn names_are_escaped_and_those_that_nobody_declared_are_none() {
        let metrics = MetricsObserver::new();
        let module = module("m".to_string());
        let stats = CallStats::default();
        for (function, declared) in [("math::add", true), ("a\"b\n1\\", true), ("made_up", false)] {
            let kind = EventKind::CallEnded { outcome: Outcome::Returned, stats: &stats };
            let call = call(function, declared);
            metrics.observe(&Event { module: &module, call: Some(&call), kind });
        }
        let text = metrics.encode();
        for function in ["math::add", r#"a\"b\n1\\"#, "_other"] {
            let line = format!(
                "surrealism_calls_total{{module=\"acme/m\",function=\"{function}\",outcome=\"returned\"}} 1"
            );
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
        assert!(!text.contains("made_up"), "{text}");
    }
}
