//! Every host function, and every way to print.

use std::io::Write;

use surrealism::surrealdb_types::{Object, Value};
use surrealism::{anyhow, surrealism};

/// Runs a query.
#[surrealism]
fn sql(query: String) -> anyhow::Result<Value> {
    surrealism::sql(query)
}

/// Runs a query with variables.
#[surrealism]
fn sql_with_vars(query: String, vars: Object) -> anyhow::Result<Value> {
    surrealism::sql_with_vars(query, vars)
}

/// Runs a query whose result has to be an integer.
#[surrealism]
fn sql_int(query: String) -> anyhow::Result<i64> {
    surrealism::sql(query)
}

/// Calls a function or, with a version, a model.
#[surrealism]
fn run(function: String, version: Option<String>, args: Vec<Value>) -> anyhow::Result<Value> {
    surrealism::run(function, version, args)
}

/// Functions of the key-value store.
#[surrealism]
mod kv {
    use std::ops::Bound;

    use surrealism::anyhow::Result;
    use surrealism::kv;
    use surrealism::surrealdb_types::Value;

    #[surrealism]
    fn get(key: String) -> Result<Option<Value>> {
        kv::get(key)
    }

    /// Returns a value that has to be an integer.
    #[surrealism]
    fn get_int(key: String) -> Result<Option<i64>> {
        kv::get(key)
    }

    #[surrealism]
    fn set(key: String, value: Value) -> Result<()> {
        kv::set(key, value)
    }

    #[surrealism]
    fn del(key: String) -> Result<()> {
        kv::del(key)
    }

    #[surrealism]
    fn exists(key: String) -> Result<bool> {
        kv::exists(key)
    }

    #[surrealism]
    fn get_batch(keys: Vec<String>) -> Result<Vec<Option<Value>>> {
        kv::get_batch(keys)
    }

    /// Sets each key to the value at the same index.
    #[surrealism]
    fn set_batch(keys: Vec<String>, values: Vec<Value>) -> Result<()> {
        kv::set_batch(keys.into_iter().zip(values))
    }

    #[surrealism]
    fn del_batch(keys: Vec<String>) -> Result<()> {
        kv::del_batch(keys)
    }

    /// Takes a range in Rust's syntax: `..`, `a..`, `a..b`, `a..=b`, `..b`, `..=b`. A `>` in front excludes
    /// the start.
    #[surrealism]
    fn keys(range: String) -> Result<Vec<String>> {
        kv::keys(parse(&range))
    }

    #[surrealism]
    fn values(range: String) -> Result<Vec<Value>> {
        kv::values(parse(&range))
    }

    #[surrealism]
    fn entries(range: String) -> Result<Vec<(String, Value)>> {
        kv::entries(parse(&range))
    }

    #[surrealism]
    fn count(range: String) -> Result<u64> {
        kv::count(parse(&range))
    }

    #[surrealism]
    fn del_rng(range: String) -> Result<()> {
        kv::del_rng(parse(&range))
    }

    /// Counts the keys `a` to `c` by each of Rust's own range types.
    #[surrealism]
    fn count_by_type() -> Result<Vec<u64>> {
        let (a, c) = (|| "a".to_string(), || "c".to_string());
        kv::set_batch([("a", 1_i64), ("b", 2), ("c", 3)])?;
        Ok(vec![
            kv::count(..)?,
            kv::count(a()..)?,
            kv::count(..c())?,
            kv::count(..=c())?,
            kv::count(a()..c())?,
            kv::count(a()..=c())?,
            kv::count((Bound::Excluded(a()), Bound::Included(c())))?,
            kv::count(c()..a())?,
        ])
    }

    pub(super) fn parse(range: &str) -> (Bound<String>, Bound<String>) {
        let (start, end) = range.split_once("..").unwrap_or((range, ""));
        let bound =
            |text: &str, mark: char, marked: fn(String) -> _, plain: fn(String) -> _| match text
                .strip_prefix(mark)
            {
                Some(text) => marked(text.to_string()),
                None if text.is_empty() => Bound::Unbounded,
                None => plain(text.to_string()),
            };
        (
            bound(start, '>', Bound::Excluded, Bound::Included),
            bound(end, '=', Bound::Included, Bound::Excluded),
        )
    }
}

/// Functions that print.
#[surrealism]
mod print {
    use super::*;

    /// Prints a text and a line feed.
    #[surrealism]
    fn line(text: String) {
        println!("{text}");
    }

    /// Prints a text and a line feed to stderr.
    #[surrealism]
    fn error_line(text: String) {
        eprintln!("{text}");
    }

    /// Prints a line in two writes, and an unfinished line.
    #[surrealism]
    fn partial() -> std::io::Result<()> {
        let mut out = std::io::stdout();
        for piece in ["a", "b\nc"] {
            out.write_all(piece.as_bytes())?;
            out.flush()?;
        }
        Ok(())
    }

    /// Prints one line of `bytes` bytes.
    #[surrealism]
    fn long_line(bytes: usize) {
        println!("{}", "x".repeat(bytes));
    }

    /// Prints `lines` lines.
    #[surrealism]
    fn flood(lines: i64) {
        (0..lines).for_each(|line| println!("line {line}"));
    }

    /// Prints bytes that are not UTF-8.
    #[surrealism]
    fn bytes() -> std::io::Result<()> {
        std::io::stdout().write_all(b"\xff\xfe\n")
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Bound::*;

    #[test]
    fn ranges_are_parsed() {
        let text = str::to_string;
        assert_eq!(super::kv::parse(".."), (Unbounded, Unbounded));
        assert_eq!(super::kv::parse("a..b"), (Included(text("a")), Excluded(text("b"))));
        assert_eq!(super::kv::parse(">a..=b"), (Excluded(text("a")), Included(text("b"))));
    }

    #[test]
    fn a_native_test_has_no_host() {
        let error = super::sql("RETURN 1".to_string()).unwrap_err();
        assert!(error.to_string().contains("no host"), "{error}");
    }
}
