//! The results of tests: lines, and JUnit XML.

use std::path::Path;
use std::time::Duration;

use crate::commands::test::seconds;
use crate::ui::terminal::{DIM, ERROR, SUCCESS};
use crate::ui::text::{Text, text};

/// The results of all tests.
pub(super) struct Report {
    archive: String,
    /// Tests that the filter excluded.
    excluded: usize,
    pub(super) results: Vec<TestResult>,
}

pub(super) struct TestResult {
    pub(super) name: String,
    pub(super) time: Duration,
    pub(super) failure: Option<Failure>,
}

/// What was expected, and what came.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) expected: String,
    pub(super) got: String,
}

impl Report {
    pub(super) fn new(archive: &Path, excluded: usize) -> Self {
        Self { archive: archive.display().to_string(), excluded, results: Vec::new() }
    }

    pub(super) fn failed(&self) -> usize {
        self.results.iter().filter(|result| result.failure.is_some()).count()
    }

    pub(super) fn summary(&self) -> Text {
        let (failed, excluded) = (self.failed(), self.excluded);
        let passed = self.results.len() - failed;
        text!("\n{} passed, {} failed, {} filtered out", passed, failed, excluded)
    }

    /// Writes the results in the format that CI systems read.
    pub(super) fn junit(&self) -> String {
        let total: Duration = self.results.iter().map(|result| result.time).sum();
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{}\" \
             tests=\"{}\" failures=\"{}\" time=\"{}\">\n",
            escape(&self.archive),
            self.results.len(),
            self.failed(),
            seconds(total)
        );
        for TestResult { name, time, failure } in &self.results {
            let (name, time) = (escape(name), seconds(*time));
            xml += &format!("    <testcase name=\"{name}\" time=\"{time}\"");
            xml += &match failure {
                None => "/>\n".to_string(),
                Some(Failure { expected, got }) => format!(
                    ">\n      <failure message=\"expected {}\">got {}</failure>\n    </testcase>\n",
                    escape(expected),
                    escape(got)
                ),
            };
        }
        xml + "  </testsuite>\n</testsuites>\n"
    }
}

impl TestResult {
    pub(super) fn text(&self) -> Text {
        let (status, style) = match self.failure {
            None => ("ok", SUCCESS),
            Some(_) => ("FAILED", ERROR),
        };
        let time = text!("({}s)", seconds(self.time)).styled(DIM);
        let line = text!("{} {} {}", text!("{:<7}", status).styled(style), self.name, time);
        let Some(Failure { expected, got }) = &self.failure else { return line };
        let lines = |text: &String| Text::lines(text).indent_rest("                  ");
        let mark = first_difference(expected, got)
            .map_or(String::new(), |column| format!("{}^ differs here", " ".repeat(column)));
        let difference =
            text!("\n        expected  {}\n        got       {}", lines(expected), lines(got));
        match mark.is_empty() {
            true => text!("{}{}", line, difference),
            false => text!("{}{}\n                  {}", line, difference, mark),
        }
    }
}

/// Returns the column at which two lines begin to differ, if that helps to find it.
fn first_difference(expected: &str, got: &str) -> Option<usize> {
    let are_lines = !expected.contains('\n') && !got.contains('\n');
    let column = expected.chars().zip(got.chars()).take_while(|(a, b)| a == b).count();
    (are_lines && column > 0).then_some(column)
}

/// Replaces what XML does not allow in its texts and attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' => escaped.push_str(&format!("&#{};", u32::from(c))),
            // XML has no way to write these.
            _ if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(expected: &str, got: &str) -> TestResult {
        let failure = Some(Failure { expected: expected.into(), got: got.into() });
        TestResult { name: "a <b>\u{1b}".into(), time: Duration::from_millis(1234), failure }
    }

    #[test]
    fn the_first_difference_is_marked() {
        let text = failure("{ a: 1, b: 2 }", "{ a: 1, b: 3 }").text();
        assert!(
            text.as_str().ends_with(
                "\n        expected  { a: 1, b: 2 }\n        got       { a: 1, b: 3 }\n\
             \x20                            ^ differs here"
            ),
            "{text:?}"
        );
        assert!(failure("1", "2").text().as_str().ends_with("got       2"));
    }

    #[test]
    fn junit_is_valid_whatever_a_guest_says() {
        let mut report = Report::new(Path::new("a&b.surli"), 0);
        report.results.push(failure("'1'", "\"\u{0}\n]]></failure>"));
        assert_eq!(
            report.junit(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  \
             <testsuite name=\"a&amp;b.surli\" tests=\"1\" failures=\"1\" time=\"1.23\">\n    \
             <testcase name=\"a &lt;b&gt;\u{fffd}\" time=\"1.23\">\n      \
             <failure message=\"expected '1'\">got &quot;\u{fffd}&#10;]]&gt;&lt;/failure&gt;</failure>\n    \
             </testcase>\n  </testsuite>\n</testsuites>\n"
        );
    }
}
