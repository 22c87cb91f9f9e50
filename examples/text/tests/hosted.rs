//! What the plugin needs a host for, its files and its store, on the archive that
//! `cargo xtask guests` builds.

use std::path::Path;

use surrealism::surrealdb_types::{SurrealValue, ToSql, Value};
use surrealism_runtime::{DetachedContext, Runtime, SurrealismPackage, SurrealismResult};

fn package() -> SurrealismPackage {
    let target = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests"));
    let archive = target.join("text.surli");
    assert!(archive.exists(), "{} is missing: run `cargo xtask guests`", archive.display());
    SurrealismPackage::from_file(archive).unwrap()
}

/// Calls a function and answers its result in SurrealQL.
async fn call(plugin: &Runtime, function: &str, args: Vec<Value>) -> SurrealismResult<String> {
    let context = DetachedContext::new().kv(plugin.kv_store().clone());
    plugin.call(function, args, context).await.map(|value| value.to_sql())
}

fn text(text: &str) -> Value {
    text.to_string().into_value()
}

#[tokio::test]
async fn functions_answer() {
    let plugin = Runtime::builder(package()).build().unwrap();
    let candidates = ["delete", "select"].map(str::to_string).to_vec().into_value();
    let cats = "The cat and the dog: the cat sleeps, and the dog isn’t at home with the Cat.";
    for (function, args, expected) in [
        ("similarity::levenshtein", vec![text("kitten"), text("sitting")], "3"),
        ("similarity::jaro_winkler", vec![text("Ada"), text("Ada")], "1f"),
        ("similarity::closest", vec![text("selct"), candidates], "'select'"),
        ("slug", vec![text("Grüße aus Köln")], "'grusse-aus-koln'"),
        ("language", vec![text("")], "NONE"),
        ("html", vec![text("*a*<script>")], "'<p><em>a</em></p>'"),
        (
            "words",
            vec![text(cats), 2.into_value()],
            "[{ count: 3, word: 'cat' }, { count: 2, word: 'dog' }]",
        ),
    ] {
        assert_eq!(call(&plugin, function, args).await.unwrap(), expected, "{function}");
    }
}

#[tokio::test]
async fn the_store_remembers_until_it_is_full_and_then_anew() {
    let plugin = Runtime::builder(package()).build().unwrap();
    let html = |number: u32| call(&plugin, "cached::html", vec![text(&number.to_string())]);
    for number in [1, 1, 1, 2] {
        assert_eq!(html(number).await.unwrap(), format!("\"<p>{number}</p>\\n\""));
    }
    assert_eq!(call(&plugin, "cached::stats", vec![]).await.unwrap(), "{ hits: 2, misses: 2 }");

    for number in 0..1001 {
        html(number).await.unwrap();
    }
    // Of 999 that were new, the last found the store full; the first is thereby forgotten.
    html(1).await.unwrap();
    assert_eq!(call(&plugin, "cached::stats", vec![]).await.unwrap(), "{ hits: 4, misses: 1002 }");
}

#[tokio::test]
async fn a_store_that_refuses_takes_nothing_away() {
    let long = "x".repeat(100_000);
    for (plugin, markdown) in [
        (Runtime::builder(package()).max_kv_entries(0), "a"),
        (Runtime::builder(package()).max_kv_value_bytes(1), "a"),
        (Runtime::builder(package()), &*long),
    ] {
        let plugin = plugin.build().unwrap();
        for _ in 0..2 {
            let html = call(&plugin, "cached::html", vec![text(markdown)]).await.unwrap();
            assert!(html.contains(&format!("<p>{markdown}</p>")));
        }
        let stats = call(&plugin, "cached::stats", vec![]).await.unwrap();
        assert!(stats.contains("hits: 0"), "{stats}");
    }
}
