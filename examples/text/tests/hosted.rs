//! Tests of files and store in a host, with the archive that `cargo xtask guests` builds.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use surrealism::surrealdb_types::{SurrealValue, ToSql, Value};
use surrealism_runtime::{
    BTreeMapStore, DetachedContext, Error, Grants, Runtime, SurrealismPackage,
};

/// Loaded once for all tests.
static PLUGIN: LazyLock<Runtime> = LazyLock::new(|| {
    let target = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/guests"));
    let archive = target.join("text.surli");
    assert!(archive.exists(), "{} is missing: run `cargo xtask guests`", archive.display());
    let package = SurrealismPackage::from_file(archive).unwrap();
    Runtime::builder(package).grants(Grants::none().key_value()).build().unwrap()
});

/// Calls a function and returns its result as SurrealQL.
async fn call(
    store: &Arc<BTreeMapStore>,
    function: &str,
    args: Vec<Value>,
) -> Result<String, Error> {
    let context = DetachedContext::new().kv(store.clone());
    PLUGIN.call(function, args, context).await.map(|value| value.to_sql())
}

fn text(text: &str) -> Value {
    text.to_string().into_value()
}

#[tokio::test]
async fn functions_return_results() {
    let store = Arc::default();
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
        assert_eq!(call(&store, function, args).await.unwrap(), expected, "{function}");
    }
}

#[tokio::test]
async fn the_cache_is_cleared_when_it_is_full() {
    let store = PLUGIN.kv_store();
    let html = |number: u32| call(store, "cached::html", vec![text(&number.to_string())]);
    for number in [1, 1, 1, 2] {
        assert_eq!(html(number).await.unwrap(), format!("'<p>{number}</p>\\n'"));
    }
    assert_eq!(call(store, "cached::stats", vec![]).await.unwrap(), "{ hits: 2, misses: 2 }");

    for number in 0..1001 {
        html(number).await.unwrap();
    }
    // The last of 999 new texts found the cache full and cleared it.
    html(1).await.unwrap();
    assert_eq!(call(store, "cached::stats", vec![]).await.unwrap(), "{ hits: 4, misses: 1002 }");
}

#[tokio::test]
async fn results_do_not_depend_on_the_store() {
    let long = "x".repeat(100_000);
    for (max_entries, max_value_bytes, markdown) in
        [(Some(0), None, "a"), (None, Some(1), "a"), (None, Some(1 << 16), &*long)]
    {
        let store = Arc::new(BTreeMapStore::with_limits(max_entries, max_value_bytes));
        for _ in 0..2 {
            let html = call(&store, "cached::html", vec![text(markdown)]).await.unwrap();
            assert!(html.contains(&format!("<p>{markdown}</p>")));
        }
        let stats = call(&store, "cached::stats", vec![]).await.unwrap();
        assert!(stats.contains("hits: 0"), "{stats}");
    }
}

#[tokio::test]
async fn the_longest_texts_fit_into_memory_and_time() {
    let store = Arc::default();
    let sentence =
        "An *ordinary* text, with `code`, a [link](https://example.com) and a Größe.\n\n";
    let longest = text(&sentence.repeat((1 << 20) / sentence.len()));
    let long = text(&"é".repeat(7_000));
    for (function, args) in [
        ("html", vec![longest.clone()]),
        ("cached::html", vec![longest.clone()]),
        ("language", vec![longest.clone()]),
        ("slug", vec![longest.clone()]),
        ("words", vec![longest.clone(), 5.into_value()]),
        ("similarity::levenshtein", vec![long.clone(), long.clone()]),
        ("similarity::jaro_winkler", vec![long.clone(), long]),
    ] {
        let result = call(&store, function, args).await;
        assert!(result.is_ok(), "{function}: {result:?}");
    }
}
