//! Completes function names, and recognizes lines that go on.

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use crate::commands::repl::line::is_balanced;

/// Completes function names, with the opening parenthesis, and commands.
pub(super) struct NameCompleter(Vec<String>);

impl NameCompleter {
    pub(super) fn new(functions: Vec<String>) -> Self {
        let commands = [":functions", ":help", ":quit"].map(str::to_string);
        // A database may define functions with any name, and completing one must not add a statement.
        let is_path = |name: &String| name.chars().all(|c| c.is_alphanumeric() || "_:".contains(c));
        let functions = functions.into_iter().filter(is_path).map(|name| format!("{name}("));
        Self(functions.chain(commands).collect())
    }

    /// Returns the start of the word before the cursor, and its completions. The word may be the start of
    /// a function's path or of the last part of it.
    fn candidates(&self, line: &str, cursor: usize) -> (usize, Vec<String>) {
        let before = &line[..cursor];
        let is_in_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        let start = before.trim_end_matches(is_in_path).len();
        let word = &before[start..];
        let matches = |name: &&String| {
            let last = name.rsplit("::").next().unwrap_or(name);
            name.starts_with(word) || last.starts_with(word)
        };
        if word.is_empty() {
            return (start, Vec::new());
        }
        (start, self.0.iter().filter(matches).cloned().collect())
    }
}

impl Completer for NameCompleter {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.candidates(line, cursor))
    }
}

impl Helper for NameCompleter {}
impl Highlighter for NameCompleter {}

impl Validator for NameCompleter {
    /// Goes on with another line while a bracket is open. Ctrl-C leaves it.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let is_complete = is_balanced(context.input());
        Ok(if is_complete { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Hinter for NameCompleter {
    type Hint = String;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_where_the_cursor_is() {
        let names =
            ["mod::text::slug", "mod::text::similarity::closest", "fn::greet", "fn::a(); DELETE b"];
        let completion = NameCompleter::new(names.map(str::to_string).to_vec());
        for (line, start, expected) in [
            ("mod::text::sl", 0, &["mod::text::slug("][..]),
            ("SELECT (sl", 8, &["mod::text::slug("]),
            ("clo", 0, &["mod::text::similarity::closest("]),
            ("é fn::", 3, &["fn::greet("]),
            (":q", 0, &[":quit"]),
            ("fn::a", 0, &[]),
            ("nobody", 0, &[]),
            ("a ", 2, &[]),
        ] {
            assert_eq!(
                completion.candidates(line, line.len()),
                (start, expected.iter().map(|s| s.to_string()).collect()),
                "{line:?}"
            );
        }
    }
}
