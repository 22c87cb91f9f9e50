//! The changes between two archives.

use std::collections::BTreeSet;
use std::fmt::Display;

use bytesize::ByteSize;
use serde::Serialize;
use surrealdb_types::{Kind, ToSql};
use surrealism_runtime::coerce::covers;
use surrealism_runtime::{
    ConfigKey, ExportsManifest, FunctionExport, SurrealismCapabilities, SurrealismConfig,
    SurrealismPackage,
};

/// What an unset limit is called.
const UNSET: &str = "unset";

/// One change.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    /// Whether a caller or an operator that did well with the old archive may not with the new one.
    pub(super) breaking: bool,
    pub(super) area: &'static str,
    /// The function, the capability, the limit or the key.
    pub(super) name: String,
    pub(super) change: String,
}

/// Collects changes.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn add(&mut self, breaking: bool, area: &'static str, name: &str, change: impl Display) {
        let (name, change) = (name.to_string(), change.to_string());
        self.0.push(Change { breaking, area, name, change });
    }
}

/// Returns the changes from one archive to another, the breaking ones first.
pub(super) fn changes(old: &SurrealismPackage, new: &SurrealismPackage) -> Vec<Change> {
    let mut changes = Changes::default();
    functions(&old.exports, &new.exports, &mut changes);
    capabilities(&old.config.capabilities, &new.config.capabilities, &mut changes);
    limits(&old.config.capabilities, &new.config.capabilities, &mut changes);
    config(&old.config, &new.config, &mut changes);
    package(old, new, &mut changes);
    changes.0.sort_by_key(|change| !change.breaking);
    changes.0
}

fn functions(old: &ExportsManifest, new: &ExportsManifest, changes: &mut Changes) {
    let names = |manifest: &ExportsManifest| -> BTreeSet<Option<String>> {
        manifest.functions.iter().map(|function| function.name.clone()).collect()
    };
    for name in &names(old) | &names(new) {
        let name = name.as_deref();
        let shown = name.unwrap_or("(default)");
        match (old.get_signature(name), new.get_signature(name)) {
            (Some(old), None) => changes.add(true, "function", shown, format_args!("gone: {old}")),
            (None, Some(new)) => changes.add(false, "function", shown, format_args!("new: {new}")),
            (Some(old), Some(new)) => function(old, new, shown, changes),
            (None, None) => {}
        }
    }
}

fn function(old: &FunctionExport, new: &FunctionExport, name: &str, changes: &mut Changes) {
    arguments(&old.args, &new.args, name, changes);
    if old.returns != new.returns {
        let breaking = !covers(&old.returns, &new.returns);
        let (old, new) = (old.returns.to_sql(), new.returns.to_sql());
        changes.add(breaking, "result", name, format_args!("was {old}, is {new}"));
    }
    match (old.writeable, new.writeable) {
        (false, true) => changes.add(true, "function", name, "writes to the database"),
        (true, false) => changes.add(false, "function", name, "does not write any more"),
        _ => {}
    }
    if old.comment != new.comment {
        changes.add(false, "function", name, "has another comment");
    }
}

fn arguments(
    old: &[(String, Kind)],
    new: &[(String, Kind)],
    function: &str,
    changes: &mut Changes,
) {
    for (index, (name, kind)) in new.iter().enumerate() {
        let Some((old_name, old_kind)) = old.get(index) else {
            let breaking = !covers(kind, &Kind::None);
            let kind = kind.to_sql();
            changes.add(breaking, "argument", function, format_args!("{name}: {kind} is new"));
            continue;
        };
        if old_name != name {
            // Callers may pass arguments by name.
            changes.add(true, "argument", function, format_args!("{old_name} is called {name}"));
        }
        if old_kind != kind {
            let breaking = !covers(kind, old_kind);
            let (old, new) = (old_kind.to_sql(), kind.to_sql());
            changes.add(breaking, "argument", function, format_args!("{name} was {old}, is {new}"));
        }
    }
    for (name, kind) in old.iter().skip(new.len()) {
        let kind = kind.to_sql();
        changes.add(true, "argument", function, format_args!("{name}: {kind} is gone"));
    }
}

fn capabilities(old: &SurrealismCapabilities, new: &SurrealismCapabilities, changes: &mut Changes) {
    for (name, old, new) in [
        ("queries", old.allow_arbitrary_queries, new.allow_arbitrary_queries),
        ("scripting", old.allow_scripting, new.allow_scripting),
        ("uninterruptible", !old.strict_timeout, !new.strict_timeout),
    ] {
        match (old, new) {
            (false, true) => changes.add(true, "capability", name, "asked for"),
            (true, false) => changes.add(false, "capability", name, "not asked for any more"),
            _ => {}
        }
    }
    let functions = |asked: &SurrealismCapabilities| asked.allow_functions.patterns();
    for (name, old, new) in [
        ("functions", functions(old), functions(new)),
        ("network", old.allow_net.clone(), new.allow_net.clone()),
    ] {
        let sets = [&old, &new].map(|list| list.iter().collect::<BTreeSet<_>>());
        for entry in &sets[1] - &sets[0] {
            changes.add(true, "capability", name, format_args!("{entry} is asked for"));
        }
        for entry in &sets[0] - &sets[1] {
            changes.add(
                false,
                "capability",
                name,
                format_args!("{entry} is not asked for any more"),
            );
        }
    }
}

fn limits(old: &SurrealismCapabilities, new: &SurrealismCapabilities, changes: &mut Changes) {
    let mut compare = |name, old: Option<u128>, new: Option<u128>, show: fn(u128) -> String| {
        if old != new {
            // The host's own limit applies where the archive has none.
            let breaking = new.is_some_and(|new| old.is_none_or(|old| new < old));
            let [old, new] = [old, new].map(|limit| limit.map_or(UNSET.to_string(), show));
            changes.add(breaking, "limit", name, format_args!("was {old}, is {new}"));
        }
    };
    let bytes = |bytes: u128| ByteSize(bytes as u64).to_string();
    let count = |count: u128| count.to_string();
    let wide = |limit: Option<usize>| limit.map(|limit| limit as u128);
    compare("memory", wide(old.max_memory_bytes), wide(new.max_memory_bytes), bytes);
    compare("kv value", wide(old.max_kv_value_bytes), wide(new.max_kv_value_bytes), bytes);
    compare("kv entries", wide(old.max_kv_entries), wide(new.max_kv_entries), count);
    compare("instances", wide(old.max_pool_size), wide(new.max_pool_size), count);
    let [old, new] = [old, new].map(|all| all.max_execution_time.map(|time| time.as_millis()));
    compare("time per call", old, new, |time| format!("{time} ms"));
}

fn config(old: &SurrealismConfig, new: &SurrealismConfig, changes: &mut Changes) {
    let names: BTreeSet<_> = old.config.keys().chain(new.config.keys()).collect();
    for name in names {
        match (old.config.get(name), new.config.get(name)) {
            // A value that is still given is an error of the load.
            (Some(_), None) => changes.add(true, "config", name, "gone: remove its value"),
            (None, Some(new)) => {
                let kind = new.kind().to_sql();
                let must = if new.is_required() { ", and has to be set" } else { "" };
                changes.add(new.is_required(), "config", name, format_args!("new: {kind}{must}"));
            }
            (Some(old), Some(new)) => config_key(old, new, name, changes),
            (None, None) => {}
        }
    }
}

fn config_key(old: &ConfigKey, new: &ConfigKey, name: &str, changes: &mut Changes) {
    if old.kind() != new.kind() {
        let breaking = !covers(new.kind(), old.kind());
        let (old, new) = (old.kind().to_sql(), new.kind().to_sql());
        changes.add(breaking, "config", name, format_args!("was {old}, is {new}"));
    }
    match (old.is_required(), new.is_required()) {
        (false, true) => changes.add(true, "config", name, "has to be set"),
        (true, false) => changes.add(false, "config", name, "has a default"),
        _ if old.default_value() != new.default_value() => {
            changes.add(false, "config", name, "has another default");
        }
        _ => {}
    }
    if old.is_secret() != new.is_secret() {
        let secret = if new.is_secret() { "is secret" } else { "is not secret any more" };
        changes.add(!new.is_secret(), "config", name, secret);
    }
}

fn package(old: &SurrealismPackage, new: &SurrealismPackage, changes: &mut Changes) {
    let (one, other) = (&old.config.meta, &new.config.meta);
    for (name, old, new) in
        [("organisation", &one.organisation, &other.organisation), ("name", &one.name, &other.name)]
    {
        if old != new {
            changes.add(true, "package", name, format_args!("was {old}, is {new}"));
        }
    }
    if one.version != other.version {
        let (old, new) = (&one.version, &other.version);
        changes.add(new < old, "package", "version", format_args!("was {old}, is {new}"));
    }
    if old.config.abi != new.config.abi {
        let (old, new) = (old.config.abi, new.config.abi);
        changes.add(true, "package", "abi", format_args!("was {old}, is {new}"));
    }
    if old.digest() != new.digest() {
        let kv = "other code: pass `--kv-name` for it to use the store that the old one owns";
        changes.add(false, "package", "component", kv);
    }
}
