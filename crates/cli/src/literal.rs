//! Arguments as they are typed: SurrealQL literals, or JSON.

use anyhow::{Context, Error, Result, anyhow};
use surrealdb_syn::{ParseError, ParserSettings};
use surrealdb_types::{SurrealValue, Value};

/// Reads a SurrealQL literal: `42`, `'text'`, `[1, 2]`, `{ a: 1 }`, `d'…'`, `person:one`.
///
/// # Errors
///
/// When it is none; the message shows the place, and says what to do about a word without quotes
/// and about an expression.
pub(crate) fn surrealql(text: &str) -> Result<Value> {
    let parsed =
        surrealdb_syn::parse_with_settings(text.as_bytes(), settings(), async |parser, stack| {
            let value = parser.parse_value(stack).await?;
            parser.assert_finished()?;
            Ok(value)
        });
    parsed.map_err(|error| explain(text, error))
}

/// Every sort of literal that there is.
fn settings() -> ParserSettings {
    ParserSettings { files_enabled: true, ..ParserSettings::default() }
}

/// Reads JSON.
///
/// # Errors
///
/// When it is none; the message shows the place.
pub(crate) fn json(text: &str) -> Result<Value> {
    let value: serde_json::Value =
        serde_json::from_str(text).with_context(|| format!("argument {text} is no JSON"))?;
    Ok(value.into_value())
}

fn explain(text: &str, error: ParseError) -> Error {
    if is_bare_text(text) {
        return anyhow!(
            "argument {text} is no SurrealQL literal: to pass it as text, quote it: \"'{text}'\""
        );
    }
    let message = if is_expression(text) {
        "is an expression, and there is no database here to compute it: pass its value"
    } else {
        "is no SurrealQL literal"
    };
    Error::new(error).context(format!("argument {text} {message}"))
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
    fn literals_are_values() {
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
    fn what_is_no_literal_is_explained() {
        for (text, expected) in [
            ("hello", "quote it: \"'hello'\""),
            ("hello world", "quote it: \"'hello world'\""),
            ("time::now()", "is an expression"),
            ("1 + 1", "is an expression"),
            ("$x", "is an expression"),
            ("1 2", "is no SurrealQL literal"),
            ("[1, 2", "is no SurrealQL literal"),
            ("", "is no SurrealQL literal"),
        ] {
            let error = surrealql(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error} lacks {expected:?}");
        }
    }

    #[test]
    fn json_is_read_as_json() {
        let value = json(r#"{ "a": [1, 2.5, null, "x"] }"#).unwrap();
        assert_eq!(value.to_sql(), "{ a: [1, 2.5f, NULL, 'x'] }");
        assert!(json("'x'").unwrap_err().to_string().contains("'x' is no JSON"));
    }
}
