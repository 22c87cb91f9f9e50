//! The recipes of `docs/recipes.md`, as the plugin that they are files of.

use std::fs;

use surrealdb_types::{SurrealValue, ToSql, Value};
use surrealism_runtime::{ConfigValues, Runtime};

use crate::support::{NO_ARGS, Recorder, builder, text, value};

fn recipes() -> Runtime {
    let values =
        ConfigValues::new().text("webhook_url", "https://x.example").text("webhook_token", "t0ken");
    builder("recipes").config(values).build().unwrap()
}

async fn call(runtime: &Runtime, context: &Recorder, function: &str, args: Vec<Value>) -> String {
    runtime.call(function, args, context.clone()).await.unwrap().to_sql()
}

#[test]
fn the_document_has_the_files_of_the_plugin() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let document = fs::read_to_string(format!("{root}/docs/recipes.md")).unwrap();
    let mut files = 0;
    for entry in fs::read_dir(format!("{root}/guests/recipes/src")).unwrap() {
        let source = fs::read_to_string(entry.unwrap().path()).unwrap();
        if !source.starts_with("//! The recipes") {
            assert!(document.contains(&format!("```rust,no_run\n{source}```\n")), "{source}");
            files += 1;
        }
    }
    assert_eq!(files, document.matches("```rust").count());
}

#[tokio::test]
async fn a_client_is_let_through_a_few_times() {
    let (runtime, context) = (recipes(), Recorder::new());
    for expected in ["true", "true", "true", "false", "false"] {
        assert_eq!(call(&runtime, &context, "allow", vec![text("ada")]).await, expected);
    }
    assert_eq!(call(&runtime, &context, "allow", vec![text("grace")]).await, "true");
}

#[tokio::test]
async fn a_report_is_computed_once() {
    let (runtime, context) = (recipes(), Recorder::new());
    for (year, expected) in [(2025_i64, "run 1"), (2025, "run 1"), (2026, "run 2"), (2025, "run 1")]
    {
        let report = call(&runtime, &context, "report", vec![value(year)]).await;
        assert_eq!(report, format!("'report of {year}, {expected}'"));
    }
}

#[tokio::test]
async fn an_order_is_reported_with_the_token() {
    let (runtime, context) = (recipes(), Recorder::new());
    let posted = call(&runtime, &context, "report_order", vec![text("o1"), 9.5.into_value()]).await;
    assert_eq!(
        posted,
        "['https://x.example', { event: 'order', order: 'o1', total: 9.5f }, \
         { Authorization: 'Bearer t0ken' }]"
    );
    assert_eq!(context.calls(), ["run http::post None 3"]);
}

#[tokio::test]
async fn an_import_goes_on_where_it_was() {
    let (runtime, context) = (recipes(), Recorder::new());
    assert_eq!(call(&runtime, &context, "import_people", NO_ARGS).await, "7");
    assert_eq!(context.calls(), vec!["sql INSERT INTO person $rows RETURN NONE [\"rows\"]"; 3]);
    assert_eq!(call(&runtime, &context, "import_people", NO_ARGS).await, "0");
}

#[tokio::test]
async fn a_rate_is_that_of_the_attached_table() {
    let (runtime, context) = (recipes(), Recorder::new());
    for (country, rate) in [("DE", "0.19f"), ("LU", "0.17f"), ("XX", "NONE")] {
        assert_eq!(call(&runtime, &context, "tax_rate", vec![text(country)]).await, rate);
    }
}
