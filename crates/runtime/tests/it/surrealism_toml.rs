//! `docs/surrealism-toml.md`: it has every key, and what its rows say holds.
//!
//! `BLESS=1 cargo test --workspace --test it surrealism_toml` writes the tables anew.

use std::collections::BTreeSet;
use std::{env, fs};

use surrealism_runtime::SurrealismConfig;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/surrealism-toml.md");

/// The least that is a configuration.
const LEAST: &str = "[package]\norganisation = \"acme\"\nname = \"demo\"\nversion = \"1.0.0\"\n";

struct Row {
    key: &'static str,
    kind: &'static str,
    default: Unset,
    example: &'static str,
    meaning: &'static str,
}

/// What a key is without an entry.
enum Unset {
    /// An error.
    Required,
    /// As if this were written.
    Is(&'static str),
    /// Nothing that could be written.
    Words(&'static str),
}

use Unset::{Is, Required, Words};

fn row(
    key: &'static str,
    kind: &'static str,
    default: Unset,
    example: &'static str,
    meaning: &'static str,
) -> Row {
    Row { key, kind, default, example, meaning }
}

/// The tables, by their headers; the first has none.
fn tables() -> [(&'static str, Vec<Row>); 5] {
    const HOSTS: Unset = Words("the host's limit");
    [
        (
            "",
            vec![
                row("target", "string", Is("\"rust\""), "\"rust\"", "the language of the sources"),
                row(
                    "abi",
                    "integer, `\"p1\"`, `\"p2\"`",
                    Words("2 where `build` reads it"),
                    "2",
                    "the version of the interface; hosts load 2",
                ),
            ],
        ),
        (
            "package",
            vec![
                row("organisation", "string", Required, "\"acme\"", "who publishes the plugin"),
                row("name", "string", Required, "\"weather\"", "the plugin's name: `mod::weather`"),
                row("version", "string", Required, "\"1.0.0\"", "three numbers"),
            ],
        ),
        (
            "capabilities",
            vec![
                row(
                    "allow_scripting",
                    "boolean",
                    Is("false"),
                    "true",
                    "scripting functions of the database",
                ),
                row("allow_arbitrary_queries", "boolean", Is("false"), "true", "`sql`"),
                row(
                    "allow_functions",
                    "strings",
                    Is("[]"),
                    "[\"fn::greet\", \"http\", \"string::*\"]",
                    "`run`, by name or by family; `\"*\"` is all",
                ),
                row(
                    "allow_net",
                    "strings",
                    Is("[]"),
                    "[\"api.example.com:443\", \"10.0.0.0/8\"]",
                    "connections over TCP and HTTP",
                ),
                row("max_memory_bytes", "size", HOSTS, "\"64MiB\"", "memory of an instance"),
                row("max_execution_time", "time", HOSTS, "\"1s\"", "time of a call"),
                row("max_pool_size", "integer", HOSTS, "4", "instances at a time"),
                row("max_kv_entries", "integer", HOSTS, "10_000", "keys in the store"),
                row(
                    "max_kv_value_bytes",
                    "size",
                    HOSTS,
                    "\"16KiB\"",
                    "an encoded value in the store",
                ),
                row(
                    "strict_timeout",
                    "boolean",
                    Is("true"),
                    "false",
                    "`false` asks for code without the checks that stop it",
                ),
            ],
        ),
        (
            "attach",
            vec![row(
                "fs",
                "string",
                Words("no files"),
                "\"data\"",
                "a directory of the project that the plugin reads at `/`",
            )],
        ),
        (
            "config.KEY",
            vec![
                row("kind", "a kind", Required, "\"option<int>\"", "the kind of the value"),
                row("comment", "string", Words("none"), "\"How often to try\"", "what it is for"),
                row("secret", "boolean", Is("false"), "true", "whether the host hides the value"),
                row(
                    "default",
                    "a value of the kind",
                    Words("the operator has to give one"),
                    "3",
                    "its default",
                ),
            ],
        ),
    ]
}

/// A configuration with an entry in a table.
fn with(table: &str, key: &str, value: &str) -> String {
    let entry = format!("{key} = {value}\n");
    match table {
        "" => entry + LEAST,
        "package" => {
            let lines = LEAST.lines().filter(|line| !line.starts_with(key));
            lines.map(|line| format!("{line}\n")).collect::<String>() + &entry
        }
        "config.KEY" if key == "kind" => format!("{LEAST}[config.key]\n{entry}"),
        "config.KEY" => format!("{LEAST}[config.key]\nkind = \"int\"\n{entry}"),
        table => format!("{LEAST}[{table}]\n{entry}"),
    }
}

fn parse(text: &str) -> Result<String, String> {
    let config = SurrealismConfig::parse(text).map_err(|error| error.to_string())?;
    Ok(format!("{config:?}"))
}

#[test]
fn every_key_is_in_the_document_and_no_other() {
    for (table, rows) in tables() {
        let error = parse(&with(table, "no_such_key", "1")).unwrap_err();
        // serde lists what it knows.
        let known = error.split("expected ").nth(1).unwrap().lines().next().unwrap();
        let known: BTreeSet<_> = known.split('`').skip(1).step_by(2).collect();
        let sections = ["package", "capabilities", "attach", "config"];
        let known: BTreeSet<_> =
            known.into_iter().filter(|key| !table.is_empty() || !sections.contains(key)).collect();
        let documented: BTreeSet<_> = rows.iter().map(|row| row.key).collect();
        assert_eq!(documented, known, "[{table}]");
    }
}

#[test]
fn examples_are_accepted_and_defaults_are_what_is_meant_without_an_entry() {
    for (table, rows) in tables() {
        for Row { key, default, example, .. } in rows {
            let config = parse(&with(table, key, example)).unwrap_or_else(|e| panic!("{key}: {e}"));
            let without = match (table, key) {
                ("config.KEY", "kind") => format!("{LEAST}[config.key]\n"),
                ("config.KEY", _) => format!("{LEAST}[config.key]\nkind = \"int\"\n"),
                ("package", _) => with(table, key, "1").replace(&format!("{key} = 1\n"), ""),
                _ => LEAST.to_string(),
            };
            match default {
                Required => {
                    assert!(parse(&without).unwrap_err().contains("missing field"), "{key}")
                }
                Is(default) => {
                    assert_eq!(parse(&with(table, key, default)), parse(&without), "{key}");
                    assert!(default == example || config != parse(&without).unwrap(), "{key}");
                }
                Words(_) => assert!(config != parse(&without).unwrap() || key == "abi", "{key}"),
            }
        }
    }
}

#[test]
fn the_tables_are_those_of_the_cases() {
    let document = fs::read_to_string(DOCUMENT).unwrap();
    let mut expected = document.clone();
    for (name, rows) in tables() {
        let name = if name.is_empty() { "top" } else { name };
        let mut table =
            "| key | kind | default | example | meaning |\n|---|---|---|---|---|\n".to_string();
        for Row { key, kind, default, example, meaning } in rows {
            let default = match default {
                Required => "required".to_string(),
                Is(value) => format!("`{value}`"),
                Words(words) => words.to_string(),
            };
            table += &format!("| `{key}` | {kind} | {default} | `{example}` | {meaning} |\n");
        }
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
        let (before, rest) = expected.split_once(&begin).unwrap_or_else(|| panic!("no {begin}"));
        let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no {end}"));
        expected = format!("{before}{begin}\n{table}\n{end}{after}");
    }
    if env::var_os("BLESS").is_some() {
        fs::write(DOCUMENT, expected).unwrap();
        return;
    }
    assert_eq!(document, expected, "BLESS=1 writes the tables anew");
}

#[test]
fn the_whole_example_is_accepted() {
    let document = fs::read_to_string(DOCUMENT).unwrap();
    let (_, example) = document.split_once("```toml\n").unwrap();
    let config = SurrealismConfig::parse(example.split_once("```").unwrap().0).unwrap();
    assert_eq!(config.config.len(), 2);
    assert_eq!(config.capabilities.max_memory_bytes, Some(64 << 20));
}
