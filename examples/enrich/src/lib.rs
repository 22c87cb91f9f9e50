//! Enriches the records of a table through the plugin `examples/text`: each gets the language of its
//! text, a slug of its title, and its most frequent words.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use surrealdb_types::{Object, SurrealValue, ToSql, Value};
use surrealism_runtime::Runtime;
use surrealism_surrealdb::{CallContext, Database};

/// First sentences of books and poems that belong to everybody, one record on each line.
const OPENINGS: &str = include_str!("../openings.jsonl");

/// Records that are read, enriched and written at a time: what is held in memory, however many there
/// are.
const PAGE: i64 = 100;

/// The words that a record is given.
const WORDS: i64 = 3;

/// Fills the table `opening`, unless it has something in it.
///
/// # Errors
///
/// When the database refuses.
pub async fn fill(database: &Database) -> Result<()> {
    let openings: Vec<Value> = OPENINGS
        .lines()
        .map(|line| Ok(serde_json::from_str::<serde_json::Value>(line)?.into_value()))
        .collect::<Result<_>>()?;
    let query = "
        DEFINE TABLE IF NOT EXISTS opening;
        IF count(SELECT * FROM opening LIMIT 1) = 0 { INSERT INTO opening $openings };";
    database.query(query, variables([("openings", openings.into_value())])).await?;
    Ok(())
}

/// Enriches every record that is not yet, and gives how many there were. What it has done it does not
/// do again, so that it may be stopped and started.
///
/// # Errors
///
/// When the database refuses, or does not write what it was told to, as for a user who may only read; and
/// when a text is more than the plugin can bear.
pub async fn enrich(database: &Database, text: &Arc<Runtime>) -> Result<usize> {
    let page = "SELECT id, title, text FROM opening WHERE enriched IS NONE LIMIT $page";
    // Who may not write is not told, but finds nothing written.
    let write = "
        FOR $row IN $rows { UPDATE $row.id MERGE $row.fields; };
        LET $ids = $rows.id;
        RETURN count(SELECT VALUE id FROM $ids WHERE enriched IS NONE);";
    let mut enriched = 0;
    loop {
        let rows = database.query(page, variables([("page", PAGE.into_value())])).await?;
        let rows = Vec::<Opening>::from_value(rows)?;
        if rows.is_empty() {
            return Ok(enriched);
        }
        enriched += rows.len();
        let rows = enriched_fields(text, rows).await?;
        let left = database.query(write, variables([("rows", rows.into_value())])).await?;
        ensure!(
            left == 0_i64.into_value(),
            "of the records of this page, {} were not written: see whether the user may",
            left.to_sql()
        );
    }
}

/// What the table has of each language: `{ language, texts }`, the most frequent first.
///
/// # Errors
///
/// When the database refuses.
pub async fn languages(database: &Database) -> Result<Vec<LanguageCount>> {
    let query = "
        SELECT language.name AS name, count() AS texts FROM opening GROUP BY name
        ORDER BY texts DESC, name";
    let rows = database.query(query, Object::new()).await?;
    Ok(Vec::from_value(rows)?)
}

/// How many texts there are of a language.
#[derive(Debug, Clone, PartialEq, Eq, SurrealValue)]
#[surreal(crate = "surrealdb_types")]
pub struct LanguageCount {
    /// The language's English name, if it could be told.
    pub name: Option<String>,
    /// Texts of it.
    pub texts: i64,
}

#[derive(SurrealValue)]
#[surreal(crate = "surrealdb_types")]
struct Opening {
    id: Value,
    title: String,
    text: String,
}

/// For each row its id and the fields that it gets: three calls of the plugin, however many the rows.
async fn enriched_fields(text: &Arc<Runtime>, rows: Vec<Opening>) -> Result<Vec<Value>> {
    let texts = || rows.iter().map(|row| row.text.clone().into_value());
    let titles = rows.iter().map(|row| vec![row.title.clone().into_value()]);
    let slugs = column(text, "slug", titles).await?;
    let languages = column(text, "language", texts().map(|text| vec![text])).await?;
    let words = texts().map(|text| vec![text, WORDS.into_value()]);
    let words = column(text, "words", words).await?;

    let answers = slugs.into_iter().zip(languages).zip(words);
    let fields = answers.map(|((slug, language), words)| {
        let enriched = true.into_value();
        variables([
            ("slug", slug),
            ("language", language),
            ("words", words),
            ("enriched", enriched),
        ])
    });
    let rows = rows.into_iter().zip(fields);
    Ok(rows.map(|(row, fields)| row_of(row.id, fields)).collect())
}

fn row_of(id: Value, fields: Object) -> Value {
    variables([("id", id), ("fields", Value::Object(fields))]).into_value()
}

/// A function's answers to many argument lists, in one call.
async fn column(
    plugin: &Arc<Runtime>,
    function: &str,
    rows: impl Iterator<Item = Vec<Value>>,
) -> Result<Vec<Value>> {
    let answers = plugin.call_rows(function, rows, CallContext::new(plugin)).await?;
    answers.into_iter().map(|answer| answer.with_context(|| function.to_string())).collect()
}

fn variables<const N: usize>(variables: [(&str, Value); N]) -> Object {
    variables.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}
