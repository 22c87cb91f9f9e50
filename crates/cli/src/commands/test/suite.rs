//! `tests.toml`, in the format of the published tools.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use surrealdb_types::{ToSql, Value};
use toml::Spanned;

use crate::commands::test::like::is_like;
use crate::commands::test::report::Failure;
use crate::error::{CliResult, ExitCode, ExitContext};
use crate::literal;

/// Seconds that a test may take.
const DEFAULT_TIMEOUT: f64 = 120.0;

/// The argument that selects the default export.
const DEFAULT_EXPORT: &str = "-";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    #[serde(default)]
    test: Vec<Test>,
}

/// A call, and what is expected of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    name: Option<String>,
    r#fn: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    stdin: String,
    timeout: Option<f64>,
    expect: Option<Spanned<String>>,
    like: Option<String>,
    contains: Option<String>,
    error: Option<ExpectedError>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ExpectedError {
    Any(bool),
    Part(String),
}

/// The output of a call, as the published command prints it.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    stdout: String,
    stderr: String,
}

impl Transcript {
    pub(super) fn out(&mut self, line: &str) {
        self.stdout.push_str(line);
        self.stdout.push('\n');
    }

    pub(super) fn err(&mut self, line: &str) {
        self.stderr.push_str(line);
        self.stderr.push('\n');
    }
}

/// Reads the tests of a file, and its text.
pub(super) fn read(file: &Path) -> CliResult<(Vec<Test>, String)> {
    let parse = || {
        let text = fs::read_to_string(file)?;
        let suite: Suite = toml::from_str(&text)?;
        Ok((suite.test, text))
    };
    let tests: Result<_> = parse();
    tests.with_context(|| format!("cannot read {}", file.display())).exit_code(ExitCode::Usage)
}

impl Test {
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().or(self.r#fn.as_deref()).unwrap_or(DEFAULT_EXPORT)
    }

    /// Returns `None` for the default export.
    pub(super) fn function(&self) -> Option<&str> {
        self.r#fn.as_deref().filter(|name| !name.is_empty() && *name != DEFAULT_EXPORT)
    }

    /// Parses the arguments.
    pub(super) fn args(&self) -> Result<Vec<Value>> {
        self.args.iter().map(|text| literal::surrealql(text)).collect()
    }

    pub(super) fn stdin(&self) -> &str {
        &self.stdin
    }

    pub(super) fn timeout(&self) -> Duration {
        let seconds = self.timeout.unwrap_or(DEFAULT_TIMEOUT);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// Returns where in the file the expected result is, if one is expected.
    pub(super) fn expected_at(&self) -> Option<Range<usize>> {
        self.expect.as_ref().filter(|_| self.error.is_none()).map(Spanned::span)
    }

    /// Compares what came with what is expected. `error` wins over `expect`, and that over `like` and
    /// `contains`.
    pub(super) fn judge(
        &self,
        transcript: &Transcript,
        outcome: &Result<Value, String>,
    ) -> Option<Failure> {
        let shown = || match outcome {
            Ok(value) => value.to_sql(),
            Err(error) => format!("the error {error}"),
        };
        let fail = |expected: String, got: String| Some(Failure { expected, got });
        match (&self.error, outcome) {
            (Some(ExpectedError::Any(true)), Err(_)) => return None,
            (Some(ExpectedError::Any(true)), Ok(_)) => return fail("an error".into(), shown()),
            (Some(ExpectedError::Part(part)), Err(_)) if transcript.stderr.contains(part) => {
                return None;
            }
            (Some(ExpectedError::Part(part)), _) => {
                return fail(format!("an error with {part:?}"), shown());
            }
            (Some(ExpectedError::Any(false)) | None, _) => (),
        }
        if let Some(expected) = self.expect.as_ref().map(|expected| expected.get_ref().trim())
            && !outcome.as_ref().is_ok_and(|value| is_expected(value, expected))
        {
            return fail(expected.to_string(), shown());
        }
        if let Some(pattern) = self.like.as_ref().map(|pattern| pattern.trim())
            && !outcome.as_ref().is_ok_and(|value| is_like(&value.to_sql(), pattern))
        {
            return fail(format!("a result like {pattern}"), shown());
        }
        if let Some(part) = &self.contains
            && !transcript.stdout.contains(part)
        {
            let got = format!("{}{}", transcript.stdout, transcript.stderr);
            return fail(format!("output with {part:?}"), got.trim_end().to_string());
        }
        match outcome {
            Ok(_) => None,
            Err(_) => fail("a result".into(), shown()),
        }
    }
}

/// Compares texts first, then values: blanks do not matter.
fn is_expected(value: &Value, expected: &str) -> bool {
    value.to_sql() == expected
        || literal::surrealql(expected).is_ok_and(|expected| expected == *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_judged_by_what_is_expected() {
        let ok = || Ok(literal::surrealql("{ a: 1 }").unwrap());
        let failed = || Err("no luck".to_string());
        for (expected, ok_passes, error_passes) in [
            ("", true, false),
            ("expect = '{ a: 1 }'", true, false),
            ("expect = ' {a:1} '", true, false),
            ("expect = '{ a: 2 }'", false, false),
            ("like = '{ a: * }'", true, false),
            ("like = '{ b: * }'", false, false),
            ("contains = '✅ { a'", true, false),
            ("contains = '[surli::out] said'", true, false),
            ("contains = 'other'", false, false),
            ("error = true", false, true),
            ("error = false", true, false),
            ("error = 'luck'", false, true),
            ("error = 'other'", false, false),
            ("error = 'luck'\nexpect = '1'", false, true),
            ("expect = '{ a: 1 }'\ncontains = 'other'", false, false),
        ] {
            let suite = format!("[[test]]\nfn = 'f'\n{expected}");
            let suite: Suite = toml::from_str(&suite).unwrap();
            for (outcome, passes) in [(ok(), ok_passes), (failed(), error_passes)] {
                let mut transcript = Transcript::default();
                transcript.out("[surli::out] said");
                match &outcome {
                    Ok(value) => transcript.out(&format!("✅ {}", value.to_sql())),
                    Err(error) => transcript.err(&format!("❌ {error}")),
                }
                let failure = suite.test[0].judge(&transcript, &outcome);
                assert_eq!(failure.is_none(), passes, "{expected} {outcome:?} {failure:?}");
            }
        }
    }

    #[test]
    fn misspelt_keys_are_refused() {
        let error = toml::from_str::<Suite>("[[test]]\nfn = 'f'\nexpects = '1'").unwrap_err();
        assert!(error.to_string().contains("unknown field `expects`"), "{error}");
    }
}
