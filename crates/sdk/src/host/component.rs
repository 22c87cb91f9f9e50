//! The plugin as a component: its exports, and the host functions that it imports.

use std::io::{self, Write, stdout};
use std::path::{Path, PathBuf};

use crate::registry;

pub(crate) use super::bindings::surrealism::plugin::host::*;
pub(crate) use super::bindings::surrealism::plugin::kv_atomic::*;
pub(crate) use super::bindings::surrealism::plugin::kv_ttl::*;

use super::bindings::wasi::config::store;

super::bindings::export!(Plugin with_types_in super::bindings);

/// Returns where an attached file is.
pub(crate) fn attached(path: &Path) -> io::Result<PathBuf> {
    Ok(Path::new("/").join(path))
}

struct Plugin;

impl super::bindings::Guest for Plugin {
    fn invoke(name: Option<String>, args: Vec<u8>) -> Result<Vec<u8>, String> {
        let result = registry::invoke(name.as_deref(), &args);
        flush_stdout();
        result
    }

    fn invoke_rows(name: Option<String>, rows: Vec<u8>) -> Result<Vec<u8>, String> {
        let results = registry::invoke_rows(name.as_deref(), &rows);
        flush_stdout();
        results
    }

    fn find_columns(name: Option<String>, types: Vec<u8>) -> Option<u32> {
        registry::find_columns(name.as_deref(), &types)
    }

    fn invoke_columns(function: u32, rows: u32, columns: Vec<u8>) -> Result<Vec<u8>, String> {
        let mut results = Vec::new();
        let result = registry::invoke_columns(function, rows as usize, &columns, &mut results);
        flush_stdout();
        result.map(|()| results)
    }

    fn list_functions() -> Vec<Option<String>> {
        registry::names()
    }

    fn function_args(name: Option<String>) -> Result<Vec<u8>, String> {
        registry::args(name.as_deref())
    }

    fn function_returns(name: Option<String>) -> Result<Vec<u8>, String> {
        registry::returns(name.as_deref())
    }

    fn function_writeable(name: Option<String>) -> Result<bool, String> {
        registry::writeable(name.as_deref())
    }

    fn function_comment(name: Option<String>) -> Result<Option<String>, String> {
        registry::comment(name.as_deref())
    }

    fn init() -> Result<(), String> {
        let result = registry::init();
        flush_stdout();
        result
    }
}

/// Returns the encoded value of a key of the configuration.
pub(crate) fn config_get(key: &str) -> Result<Option<Vec<u8>>, String> {
    let hex = store::get(&format!("surrealism:{key}")).map_err(|error| match error {
        store::Error::Upstream(text) | store::Error::Io(text) => text,
    })?;
    let byte = |pair: &[u8]| {
        let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
        Some((digit(0)? << 4 | digit(1)?) as u8)
    };
    let bytes = hex.map(|hex| hex.as_bytes().chunks(2).map(byte).collect::<Option<Vec<u8>>>());
    bytes
        .map(|bytes| bytes.ok_or_else(|| format!("the host's value of `{key}` is not hexadecimal")))
        .transpose()
}

/// Flushes an unfinished line of the current call: the next call may be another caller's.
pub(super) fn flush_stdout() {
    // Ignore errors: stdout may be closed.
    let _ = stdout().flush();
}
