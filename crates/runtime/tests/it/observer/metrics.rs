//! The metrics for Prometheus.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value as Json;
use surrealism_runtime::observer::MetricsObserver;

use super::*;

/// What an operator's Grafana shows of the metrics.
const DASHBOARD: &str = include_str!("../../../../../docs/grafana-dashboard.json");

/// Makes everything happen that is counted, and returns the metrics. No other test shares the code of `test`.
async fn metrics_of_everything(test: &str) -> String {
    let metrics = Arc::new(MetricsObserver::new());
    let directory = tempfile::tempdir().unwrap();
    for marker in [format!("{test} 1"), format!("{test} 2")] {
        // Room for one of the two.
        let used: u64 = std::fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        let max_bytes = if used == 0 { u64::MAX } else { used * 3 / 2 };
        let cache = CodeCache::open(directory.path()).unwrap().max_bytes(max_bytes);
        let builder = Runtime::builder(package_marked("hostile", &marker)).code_cache(cache);
        let runtime = builder.observer(metrics.clone()).pool_size(1).build().unwrap();
        let call = |function: &'static str| runtime.call(function, (), DetachedContext::new());
        call("alive").await.unwrap();
        call("unreachable").await.unwrap_err();
        for name in ["invented \"1\"", "invented\n2", "invented3"] {
            runtime.call(name, (), DetachedContext::new()).await.unwrap_err();
        }
        runtime.call("panics", (text("oh"),), DetachedContext::new()).await.unwrap_err();
        let query = (String::from("RETURN 1"), 1_i64);
        runtime.call("query_often", query, DetachedContext::new()).await.unwrap_err();
        let held = runtime.acquire_controller(Box::new(DetachedContext::new())).await.unwrap();
        call("alive").timeout(SHORT).await.unwrap_err();
        runtime.release_controller(held);
    }
    let mut invalid = package("state");
    invalid.config.abi.0 = 1;
    Runtime::builder(invalid).observer(metrics.clone()).build().unwrap_err();
    metrics.encode()
}

/// Returns the value of a sample.
fn sample<'a>(metrics: &'a str, name: &str) -> Option<&'a str> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
}

#[tokio::test]
async fn what_happened_is_counted() {
    let metrics = metrics_of_everything("counted").await;
    let module = "module=\"surrealism/hostile\"";
    for (name, expected) in [
        (format!("calls_total{{{module},function=\"alive\",outcome=\"returned\"}}"), "2"),
        (format!("calls_total{{{module},function=\"unreachable\",outcome=\"trap\"}}"), "2"),
        (format!("calls_total{{{module},function=\"_other\",outcome=\"unknown_function\"}}"), "6"),
        (format!("calls_in_progress{{{module}}}"), "0"),
        (format!("calls_total{{{module},function=\"alive\",outcome=\"timed_out_queued\"}}"), "2"),
        (format!("call_duration_seconds_count{{{module},function=\"alive\"}}"), "4"),
        (format!("queue_length{{{module}}}"), "0"),
        (format!("instances{{{module}}}"), "0"),
        (format!("instances_created_total{{{module}}}"), "6"),
        (format!("instances_dropped_total{{{module},cause=\"trapped\"}}"), "4"),
        (format!("instances_dropped_total{{{module},cause=\"unneeded\"}}"), "2"),
        (format!("denied_total{{{module},capability=\"queries\",missing=\"not_granted\"}}"), "2"),
        (format!("loads_total{{{module},source=\"compiled\"}}"), "2"),
        ("loads_total{module=\"surrealism/state\",source=\"failed\"}".to_string(), "1"),
        (format!("compile_duration_seconds_count{{{module}}}"), "2"),
        (format!("code_cache_lookups_total{{{module},result=\"miss\"}}"), "2"),
        (format!("code_cache_evictions_total{{{module}}}"), "1"),
    ] {
        let name = format!("surrealism_{name}");
        assert_eq!(sample(&metrics, &name), Some(expected), "{name}\n{metrics}");
    }
    assert!(!metrics.contains("invented"), "callers choose no label:\n{metrics}");
}

/// CI has installed `promtool` on Linux; elsewhere the test is skipped without it.
#[tokio::test]
async fn promtool_accepts_the_metrics() {
    let metrics = metrics_of_everything("promtool").await;
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        let is_required = cfg!(target_os = "linux") && std::env::var_os("CI").is_some();
        assert!(!is_required, "promtool is missing: install Debian's `prometheus`");
        eprintln!("skipped: promtool of Debian's package `prometheus` is missing");
        return;
    };
    promtool.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let checked = promtool.wait_with_output().unwrap();
    let complaints = [checked.stdout, checked.stderr].concat();
    let complaints = String::from_utf8_lossy(&complaints);
    assert!(checked.status.success() && complaints.trim().is_empty(), "{complaints}\n{metrics}");
}

/// Returns what `pick` finds in each string of a document.
fn each_string(json: &Json, visit: &mut impl FnMut(&str, &str)) {
    match json {
        Json::Object(fields) => fields.iter().for_each(|(key, value)| match value {
            Json::String(text) => visit(key, text),
            value => each_string(value, visit),
        }),
        Json::Array(items) => items.iter().for_each(|item| each_string(item, visit)),
        _ => {}
    }
}

/// Returns the words of a query in PromQL.
fn words(query: &str) -> impl Iterator<Item = &str> {
    query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[tokio::test]
async fn the_dashboard_shows_each_metric_and_no_other() {
    let metrics = metrics_of_everything("dashboard").await;
    let samples: BTreeSet<&str> = metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let types = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let families: BTreeSet<&str> = types.filter_map(|line| line.split(' ').next()).collect();
    let labels: BTreeSet<&str> = metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split(['{', ',']).skip(1))
        .filter_map(|label| label.split_once('=').map(|(name, _)| name))
        .collect();

    let dashboard: Json = serde_json::from_str(DASHBOARD).unwrap();
    let mut shown = BTreeSet::new();
    each_string(&dashboard, &mut |key, query| {
        if !["expr", "query"].contains(&key) {
            return;
        }
        for word in words(query).filter(|word| word.starts_with("surrealism_")) {
            assert!(samples.contains(word), "{word} in {query:?} is not a metric: {samples:?}");
            shown.insert(word.to_string());
        }
        for group in query.split("by (").skip(1) {
            let group = group.split(')').next().unwrap_or_default();
            for label in words(group) {
                assert!(labels.contains(label), "{label} in {query:?} is not a label: {labels:?}");
            }
        }
    });
    for family in families {
        let is_of = |name: &String| {
            let suffix = name.strip_prefix(family);
            suffix.is_some_and(|suffix| ["", "_bucket", "_sum", "_count"].contains(&suffix))
        };
        assert!(shown.iter().any(is_of), "the dashboard does not show {family}");
    }
}
