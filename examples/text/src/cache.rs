//! Results that are remembered in the plugin's key-value store.
//!
//! The store is a help, not a need: whatever it refuses, the answer is the same.

use sha2::{Digest, Sha256};
use surrealism::anyhow::Result;
use surrealism::surrealdb_types::SurrealValue;
use surrealism::{kv, surrealism};

use crate::{check_length, markdown};

/// The most texts to remember. Below `max_kv_entries` of `surrealism.toml`, so that [`STATS`] has
/// its place.
const MOST_TEXTS: u64 = 1000;

/// Where the keys of texts begin, and where they have ended: `0` comes after `/`.
const FIRST: &str = "html/";
const END: &str = "html0";
const STATS: &str = "stats";

/// What [`stats`] answers.
#[derive(Debug, Default, SurrealValue)]
#[surreal(crate = "surrealism::surrealdb_types")]
struct Stats {
    hits: i64,
    misses: i64,
}

/// The same as `html`, remembered in the plugin's key-value store for the next time.
#[surrealism(name = "cached::html")]
fn html(markdown: String) -> Result<String> {
    check_length(&markdown)?;
    let key = key(&markdown);
    let known = kv::get(&key).unwrap_or_default();
    let _ = count(known.is_some());
    if let Some(html) = known {
        return Ok(html);
    }
    let html = markdown::html(markdown)?;
    let _ = remember(&key, &html);
    Ok(html)
}

/// How often `cached::html` found its answer in the store, and how often not. Two calls at the
/// same moment may count as one.
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

/// Keeps an answer, where it is not too long for the store. One that is full of texts starts over.
fn remember(key: &str, html: &str) -> Result<()> {
    let texts = || FIRST.to_string()..END.to_string();
    if kv::count(texts())? >= MOST_TEXTS {
        kv::del_rng(texts())?;
    }
    kv::set(key, html)
}

/// Where the answer to a text is kept. Nobody can make two texts with the same SHA-256, and so
/// nobody is shown the answer to another text, though the text itself is not kept.
fn key(text: &str) -> String {
    format!("{FIRST}{:x}", Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    // A native test has no store, which is the one that refuses everything.
    #[test]
    fn a_store_that_refuses_takes_nothing_away() {
        for markdown in ["", "# Grüße", "<script>alert(1)</script>"] {
            for _ in 0..2 {
                let expected = markdown::html(markdown.into()).unwrap();
                assert_eq!(html(markdown.into()).unwrap(), expected, "{markdown}");
            }
        }
        assert!(stats().is_err());
    }

    #[test]
    fn every_text_has_a_key_of_its_own_among_the_texts() {
        let keys = HashSet::from(["", "a", "b", "a "].map(key));
        assert_eq!(keys.len(), 4);
        assert!(keys.iter().all(|key| (FIRST..END).contains(&&**key)));
        assert!(!(FIRST..END).contains(&STATS));
    }
}
