//! Enriches the records of a table through the plugin `examples/text`: each gets the language of its
//! text, a slug of its title, and its most frequent words.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use surrealdb_types::{Object, SurrealValue, ToSql, Value};
use surrealism_runtime::Runtime;
use surrealism_surrealdb::{CallContext, Database};

/// First sentences of books and poems in the public domain: one JSON record per line.
const OPENINGS: &str = include_str!("../openings.jsonl");

/// The number of records that are read, enriched and written at a time, which bounds the memory.
const PAGE: i64 = 100;

/// The number of frequent words that a record gets.
const WORDS: i64 = 3;

/// Fills the table `opening`, unless it has records.
///
/// # Errors
///
/// When the database rejects the query.
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

/// Enriches every record that is not enriched yet, and returns how many it enriched.
///
/// It can be stopped and started again at any time.
///
/// # Errors
///
/// When the database rejects a query or does not write a record, for example because the user may only read;
/// and when the plugin fails, for example because a text is too large.
pub async fn enrich(database: &Database, text: &Arc<Runtime>) -> Result<usize> {
    let page = "SELECT id, title, text FROM opening WHERE enriched IS NONE LIMIT $page";
    // The database silently skips records that the user may not write, so this counts them.
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
            "{} of the records of this page were not written: check that the user may write to `opening`",
            left.to_sql()
        );
    }
}

/// Returns the number of texts in each language, the most frequent language first.
///
/// # Errors
///
/// When the database rejects the query.
pub async fn languages(database: &Database) -> Result<Vec<LanguageCount>> {
    let query = "
        SELECT language.name AS name, count() AS texts FROM opening GROUP BY name
        ORDER BY texts DESC, name";
    let rows = database.query(query, Object::new()).await?;
    Ok(Vec::from_value(rows)?)
}

/// A language and the number of its texts.
#[derive(Debug, Clone, PartialEq, Eq, SurrealValue)]
#[surreal(crate = "surrealdb_types")]
pub struct LanguageCount {
    /// The English name of the language, if the plugin recognized it.
    pub name: Option<String>,
    /// The number of texts.
    pub texts: i64,
}

#[derive(SurrealValue)]
#[surreal(crate = "surrealdb_types")]
struct Opening {
    id: Value,
    title: String,
    text: String,
}

/// Returns the id of each row and its new fields. This takes three calls of the plugin, whatever the number
/// of rows.
async fn enriched_fields(text: &Arc<Runtime>, rows: Vec<Opening>) -> Result<Vec<Value>> {
    let texts = || rows.iter().map(|row| row.text.clone().into_value());
    let titles = rows.iter().map(|row| vec![row.title.clone().into_value()]);
    let slugs = column(text, "slug", titles).await?;
    let languages = column(text, "language", texts().map(|text| vec![text])).await?;
    let words = texts().map(|text| vec![text, WORDS.into_value()]);
    let words = column(text, "words", words).await?;

    let columns = slugs.into_iter().zip(languages).zip(words);
    let fields = columns.map(|((slug, language), words)| {
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

/// Calls a function for many argument lists at once and returns its results.
async fn column(
    plugin: &Arc<Runtime>,
    function: &str,
    rows: impl Iterator<Item = Vec<Value>>,
) -> Result<Vec<Value>> {
    let results = plugin.call_rows(function, rows, CallContext::new(plugin)).await?;
    results.into_iter().map(|result| result.with_context(|| function.to_string())).collect()
}

fn variables<const N: usize>(variables: [(&str, Value); N]) -> Object {
    variables.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}
