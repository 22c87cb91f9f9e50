//! Host functions of a native test: those of the thread's test host, or errors that say how to get one.

use std::io;
use std::path::{Path, PathBuf};

/// Says how to get a host, in the names of the author's code.
fn no_host(function: &str) -> String {
    format!(
        "cannot call `{function}`: this thread has no host; begin the test with `let _host = \
         surrealism::testing::Host::new();`, and give `surrealism` the feature `testing` in \
         [dev-dependencies]"
    )
}

macro_rules! host_functions {
    ($($shown:literal: $name:ident($($parameter:ident: $type:ty),*) -> $result:ty;)*) => {$(
        pub(crate) fn $name($($parameter: $type),*) -> Result<$result, String> {
            #[cfg(feature = "testing")]
            if let Some(host) = crate::testing::current() {
                return host.$name($($parameter),*);
            }
            let _ = ($($parameter,)*);
            Err(no_host($shown))
        }
    )*};
}

host_functions! {
    "sql": sql(query: &str, vars: &[u8]) -> Vec<u8>;
    "run": run(function: &str, version: Option<&str>, args: &[u8]) -> Vec<u8>;
    "kv::get": kv_get(key: &str) -> Option<Vec<u8>>;
    "kv::set": kv_set(key: &str, value: &[u8]) -> ();
    "kv::del": kv_del(key: &str) -> ();
    "kv::exists": kv_exists(key: &str) -> bool;
    "kv::del_rng": kv_del_rng(range: &[u8]) -> ();
    "kv::get_batch": kv_get_batch(keys: &[String]) -> Vec<u8>;
    "kv::set_batch": kv_set_batch(entries: &[u8]) -> ();
    "kv::del_batch": kv_del_batch(keys: &[String]) -> ();
    "kv::keys": kv_keys(range: &[u8]) -> Vec<String>;
    "kv::values": kv_values(range: &[u8]) -> Vec<u8>;
    "kv::entries": kv_entries(range: &[u8]) -> Vec<u8>;
    "kv::count": kv_count(range: &[u8]) -> u64;
    "kv::compare_and_set": kv_compare_and_set(
        key: &str, expected: Option<&[u8]>, new: Option<&[u8]>
    ) -> bool;
    "kv::increment": kv_increment(key: &str, delta: i64) -> i64;
    "kv::set_with_ttl": kv_set_with_ttl(key: &str, value: &[u8], ttl_ms: u64) -> ();
    "kv::increment_with_ttl": kv_increment_with_ttl(key: &str, delta: i64, ttl_ms: u64) -> i64;
    "kv::ttl": kv_get_ttl(key: &str) -> Option<u64>;
    "kv::set_ttl": kv_set_ttl(key: &str, ttl_ms: Option<u64>) -> bool;
    "config::get": config_get(key: &str) -> Option<Vec<u8>>;
}

/// Returns where an attached file is in the project.
pub(crate) fn attached(path: &Path) -> io::Result<PathBuf> {
    #[cfg(feature = "testing")]
    if crate::testing::current().is_some() {
        return crate::testing::attached(path);
    }
    let _ = path;
    Err(io::Error::other(no_host("attached")))
}
