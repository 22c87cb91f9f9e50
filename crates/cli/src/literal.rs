//! Parses arguments of the command line: SurrealQL constants or JSON.

mod constant;

use anyhow::{Context, Error, Result, anyhow};
use serde_json::Value as Json;
use surrealdb_syn::{ParseError, ParserSettings};
use surrealdb_types::Value;

/// Parses a SurrealQL constant: `42`, `'text'`, `[1, 2]`, `{ a: 1 }`, `d'…'`, `person:one`, `(- 1)`.
///
/// # Errors
///
/// Fails if the text is not a constant. The message shows the position, and has a hint for a word without
/// quotes and for an expression.
pub(crate) fn surrealql(text: &str) -> Result<Value> {
    parse(text).or_else(|error| {
        constant::evaluate(text, &|text| parse(text).ok()).ok_or_else(|| literal_error(text, error))
    })
}

fn parse(text: &str) -> Result<Value, ParseError> {
    surrealdb_syn::parse_with_settings(text.as_bytes(), settings(), async |parser, stack| {
        let value = parser.parse_value(stack).await?;
        parser.assert_finished()?;
        Ok(value)
    })
}

/// Enables every kind of literal.
fn settings() -> ParserSettings {
    ParserSettings { files_enabled: true, ..ParserSettings::default() }
}

/// Parses JSON.
///
/// # Errors
///
/// Fails if the text is not JSON. The message shows the position.
pub(crate) fn json(text: &str) -> Result<Json> {
    serde_json::from_str(text)
        .with_context(|| format!("invalid argument {}: not JSON", shown(text)))
}

/// Returns the beginning of a text, to show it in an error.
fn shown(text: &str) -> String {
    const MAX_CHARS: usize = 200;

    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

fn literal_error(text: &str, error: ParseError) -> Error {
    let whole = text;
    let text = shown(text);
    if is_bare_text(whole) {
        return anyhow!(
            "invalid argument {text}: not a SurrealQL literal; quote it to pass it as text: \"'{text}'\""
        );
    }
    let reason = if is_expression(whole) {
        "an expression, which needs a database to evaluate it; set one with `--db`, or pass its value"
    } else {
        "not a SurrealQL literal"
    };
    Error::new(error).context(format!("invalid argument {text}: {reason}"))
}

fn is_expression(text: &str) -> bool {
    let parsed =
        surrealdb_syn::parse_with_settings(text.as_bytes(), settings(), async |parser, stack| {
            parser.parse_expr(stack).await?;
            parser.assert_finished()
        });
    parsed.is_ok()
}

fn is_bare_text(text: &str) -> bool {
    let in_words = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | ',' | '!');
    text.starts_with(char::is_alphabetic) && text.chars().all(in_words)
}

#[cfg(test)]
mod tests {
    use surrealdb_types::ToSql;

    use super::*;

    #[test]
    fn literals_are_parsed() {
        for text in [
            "'text'",
            "42",
            "-3",
            "1.5f",
            "1.5dec",
            "true",
            "NONE",
            "NULL",
            "[1, 2]",
            "{ a: 1 }",
            "{1, 2}",
            "1h30m",
            "person:one",
            "person:[1, 'x']",
            "d'2024-01-01T00:00:00Z'",
            "u'018f6f6e-1111-7000-8000-000000000000'",
            "b\"00FF\"",
            "f\"bucket:/key\"",
            "1..5",
            "/a+/",
        ] {
            assert_eq!(surrealql(text).unwrap().to_sql(), text);
        }
    }

    #[test]
    fn other_text_is_rejected_with_a_reason() {
        for (text, expected) in [
            ("hello", "as text: \"'hello'\""),
            ("hello world", "as text: \"'hello world'\""),
            ("time::now()", "an expression, which needs a database"),
            ("1 + 1.5", "an expression, which needs a database"),
            ("9223372036854775807 + 1", "an expression, which needs a database"),
            ("- 'text'", "an expression, which needs a database"),
            ("r'not an id'", "not a SurrealQL literal"),
            ("$x", "an expression, which needs a database"),
            ("1 2", "not a SurrealQL literal"),
            ("[1, 2", "not a SurrealQL literal"),
            ("", "not a SurrealQL literal"),
        ] {
            let error = surrealql(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error} lacks {expected:?}");
        }
    }

    #[test]
    fn constants_are_computed() {
        for (text, expected) in [
            ("r'person:1'", "person:1"),
            ("r\"person:`a b`\"", "person:`a b`"),
            ("[r'person:1', { a: r'person:u\\'018f6f6e-1111-7000-8000-000000000000\\'' }]", ""),
            ("'r\\'person:1\\''", "\"r'person:1'\""),
            ("(- 1)", "-1"),
            ("(-(-2))", "2"),
            ("- 1.5f", "-1.5f"),
            ("-(1.10dec)", "-1.1dec"),
            ("(-Infinity)", "-Infinity"),
            ("+ 1", "1"),
            ("1 + 1", "2"),
            ("2 * (3 - 5)", "-4"),
            ("10 - 2 - 3", "5"),
            ("1 + 2 * -3", "-5"),
            ("[(- 1), 'a, (b', [1 + 1],]", "[-1, 'a, (b', [2]]"),
            ("(('x'))", "'x'"),
        ] {
            let value = surrealql(text).unwrap().to_sql();
            assert!(expected.is_empty() || value == expected, "{text}: {value}");
        }
        let deep = "(".repeat(1000) + "1" + &")".repeat(1000);
        assert!(surrealql(&deep).is_err());
    }

    #[test]
    fn json_is_parsed() {
        assert_eq!(json(r#"{ "a": [1, null] }"#).unwrap(), serde_json::json!({ "a": [1, null] }));
        assert!(json("'x'").unwrap_err().to_string().contains("'x': not JSON"));
    }
}
