//! Results cached in the plugin's key-value store.
//!
//! The store is optional: results are the same if it refuses every request.

use sha2::{Digest, Sha256};
use surrealism::anyhow::Result;
use surrealism::{SurrealValue, kv, surrealism};

use crate::{check_length, markdown};

/// The most texts in the cache. Less than `max_kv_entries` of `surrealism.toml`, so that [`STATS`] fits.
const MAX_TEXTS: u64 = 1000;

/// The range of the texts' keys: `0` comes after `/`.
const FIRST: &str = "html/";
const END: &str = "html0";
const STATS: &str = "stats";

/// The result of [`stats`].
#[derive(Debug, Default, SurrealValue)]
struct Stats {
    hits: i64,
    misses: i64,
}

/// Renders Markdown like `html`, and caches the result in the plugin's key-value store.
#[surrealism(name = "cached::html")]
fn html(markdown: String) -> Result<String> {
    check_length(&markdown)?;
    let key = key(&markdown);
    let cached = kv::get(&key).unwrap_or_default();
    let _ = count(cached.is_some());
    if let Some(html) = cached {
        return Ok(html);
    }
    let html = markdown::html(markdown)?;
    let _ = remember(&key, &html);
    Ok(html)
}

/// Returns how often `cached::html` found its result in the store, and how often not. Concurrent calls
/// may count as one.
#[surrealism(name = "cached::stats")]
fn stats() -> Result<Stats> {
    Ok(kv::get(STATS)?.unwrap_or_default())
}

fn count(hit: bool) -> Result<()> {
    let mut stats = stats()?;
    let counter = if hit { &mut stats.hits } else { &mut stats.misses };
    *counter += 1;
    kv::set(STATS, stats)
}

/// Stores a result, if the store accepts its size. A cache that is full is cleared first.
fn remember(key: &str, html: &str) -> Result<()> {
    let texts = || FIRST.to_string()..END.to_string();
    if kv::count(texts())? >= MAX_TEXTS {
        kv::del_rng(texts())?;
    }
    kv::set(key, html)
}

/// Returns the key of a text: its SHA-256, so that two texts cannot be made to share a key.
fn key(text: &str) -> String {
    format!("{FIRST}{:x}", Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use surrealism::testing::{Host, KvLimits};

    use super::*;

    // Without a host, the store refuses every request.
    #[test]
    fn results_do_not_depend_on_the_store() {
        for markdown in ["", "# Grüße", "<script>alert(1)</script>"] {
            for _ in 0..2 {
                let expected = markdown::html(markdown.into()).unwrap();
                assert_eq!(html(markdown.into()).unwrap(), expected, "{markdown}");
            }
        }
        assert!(stats().is_err());
    }

    #[test]
    fn a_result_is_cached() {
        let _host = Host::new();
        let (text, key) = ("# Grüße", key("# Grüße"));
        let rendered = html(text.into()).unwrap();
        assert_eq!(kv::get(&key).unwrap(), Some(rendered.clone()));
        kv::set(&key, "cached").unwrap();
        assert_eq!(html(text.into()).unwrap(), "cached");
        let Stats { hits, misses } = stats().unwrap();
        assert_eq!((hits, misses), (1, 1));
    }

    #[test]
    fn a_full_cache_is_cleared() {
        let _host =
            Host::new().kv_limits(KvLimits { max_entries: Some(1001), ..KvLimits::default() });
        let keys = (0..MAX_TEXTS).map(|number| (format!("{FIRST}{number}"), ""));
        kv::set_batch(keys).unwrap();
        html("text".into()).unwrap();
        assert_eq!(kv::keys(..).unwrap(), [key("text"), STATS.to_string()]);
    }

    #[test]
    fn every_text_has_a_key_of_its_own_among_the_texts() {
        let keys = HashSet::from(["", "a", "b", "a "].map(key));
        assert_eq!(keys.len(), 4);
        assert!(keys.iter().all(|key| (FIRST..END).contains(&&**key)));
        assert!(!(FIRST..END).contains(&STATS));
    }
}
