//! Completes names of functions.

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

/// The names that can be completed, with what begins an argument list.
pub(super) struct Completion(Vec<String>);

impl Completion {
    pub(super) fn new(functions: Vec<String>) -> Self {
        let commands = [":functions", ":help", ":quit"].map(str::to_string);
        let functions = functions.into_iter().map(|name| format!("{name}("));
        Self(functions.chain(commands).collect())
    }

    /// Where the word before the cursor begins, and what it may become. A function is found by its last
    /// name as well.
    fn candidates(&self, line: &str, cursor: usize) -> (usize, Vec<String>) {
        let before = &line[..cursor];
        let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        let start = before.trim_end_matches(in_name).len();
        let word = &before[start..];
        let fits = |name: &&String| {
            let last = name.rsplit("::").next().unwrap_or(name);
            name.starts_with(word) || last.starts_with(word)
        };
        let found = if word.is_empty() { Vec::new() } else { self.0.iter().filter(fits).collect() };
        (start, found.into_iter().cloned().collect())
    }
}

impl Completer for Completion {
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

impl Helper for Completion {}
impl Highlighter for Completion {}
impl Validator for Completion {}

impl Hinter for Completion {
    type Hint = String;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_where_the_cursor_is() {
        let names = ["mod::text::slug", "mod::text::similarity::closest", "fn::greet"];
        let completion = Completion::new(names.map(str::to_string).to_vec());
        for (line, start, expected) in [
            ("mod::text::sl", 0, &["mod::text::slug("][..]),
            ("SELECT (sl", 8, &["mod::text::slug("]),
            ("clo", 0, &["mod::text::similarity::closest("]),
            ("é fn::", 3, &["fn::greet("]),
            (":q", 0, &[":quit"]),
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
