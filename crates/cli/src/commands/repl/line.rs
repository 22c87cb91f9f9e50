//! Parses lines of the REPL.

use crate::literal;

/// A parsed line. Queries are not checked here; the database parses them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Empty,
    Help,
    Functions,
    Quit,
    Call(Call<'a>),
    Query(&'a str),
}

/// A call `mod::MODULE::FUNCTION(ARGS)`, or `mod::MODULE(ARGS)` for the default function.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub(super) module: &'a str,
    pub(super) function: Option<&'a str>,
    /// The argument list as SurrealQL, not parsed.
    pub(super) args: &'a str,
}

impl<'a> Line<'a> {
    pub(super) fn parse(line: &'a str) -> Self {
        let line = line.trim().trim_end_matches(';').trim_end();
        match line {
            "" => Self::Empty,
            ":help" => Self::Help,
            ":functions" => Self::Functions,
            ":quit" | ":exit" => Self::Quit,
            _ if line.starts_with("--") || line.starts_with('#') => Self::Empty,
            _ => Call::parse(line).map_or(Self::Query(line), Self::Call),
        }
    }
}

/// Splits what was typed or pasted into what is evaluated one after the other: calls and commands, by the
/// line and at `;`. A query may have several lines, and is not split: the database does that.
pub(super) fn units(input: &str) -> Vec<String> {
    let (mut units, mut open) = (Vec::new(), String::new());
    for line in input.lines() {
        let is_open = !open.is_empty() && !is_balanced(&open);
        let is_query = matches!(Line::parse(line), Line::Query(_)) && calls(line).is_none();
        if !is_open && !is_query {
            units.extend((!open.is_empty()).then(|| std::mem::take(&mut open)));
            units.extend(calls(line).unwrap_or_else(|| vec![line.to_string()]));
            continue;
        }
        if !open.is_empty() {
            open.push('\n');
        }
        open.push_str(line);
        // A call over several lines.
        if let Some(calls) = calls(&open) {
            units.extend(calls);
            open.clear();
        }
    }
    units.extend((!open.is_empty()).then_some(open));
    units
}

/// Splits text at each `;` outside of quotes and brackets. Returns `None` unless all parts are calls.
fn calls(text: &str) -> Option<Vec<String>> {
    let (mut calls, mut start, mut scanner) = (Vec::new(), 0, Scanner::default());
    let ends = text.char_indices().filter(|(_, c)| scanner.is_outside(*c) && *c == ';');
    let ends: Vec<_> = ends.map(|(end, _)| end).chain([text.len()]).collect();
    for end in ends {
        let part = &text[start..end];
        match Line::parse(part) {
            Line::Call(_) => calls.push(part.to_string()),
            Line::Empty if part.trim().is_empty() => (),
            _ => return None,
        }
        start = (end + 1).min(text.len());
    }
    (!calls.is_empty()).then_some(calls)
}

/// Whether all quotes and brackets are closed.
fn is_balanced(text: &str) -> bool {
    let mut scanner = Scanner::default();
    text.chars().fold(true, |_, c| scanner.is_outside(c))
}

/// Recognizes quotes and brackets, but no other syntax that may contain them, such as regexes.
#[derive(Default)]
struct Scanner {
    depth: i32,
    quote: Option<char>,
    is_escaped: bool,
}

impl Scanner {
    /// Reads a character. Returns whether the text up to it closes all that it opens.
    fn is_outside(&mut self, c: char) -> bool {
        match (self.quote, c) {
            (Some(_), _) if self.is_escaped => self.is_escaped = false,
            (Some(_), '\\') => self.is_escaped = true,
            (Some(mark), _) if c == mark => self.quote = None,
            (Some(_), _) => (),
            (None, '\'' | '"' | '`') => self.quote = Some(c),
            (None, '(' | '[' | '{') => self.depth += 1,
            (None, ')' | ']' | '}') => self.depth -= 1,
            (None, _) => (),
        }
        self.quote.is_none() && self.depth <= 0
    }
}

impl<'a> Call<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (path, args) = line.strip_prefix("mod::")?.split_once('(')?;
        let path = path.trim_end();
        let is_word = |word: &str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if !path.split("::").all(is_word) {
            return None;
        }
        let (module, function) = match path.split_once("::") {
            Some((module, function)) => (module, Some(function)),
            None => (path, None),
        };
        let literals = || {
            args.strip_suffix(')').filter(|args| literal::surrealql(&format!("[{args}]")).is_ok())
        };
        Some(Self { module, function, args: before_closing_parenthesis(args).or_else(literals)? })
    }
}

/// Returns the text before the parenthesis that closes the call, unless text follows it.
fn before_closing_parenthesis(rest: &str) -> Option<&str> {
    let mut scanner = Scanner { depth: 1, ..Scanner::default() };
    let (end, c) = rest.char_indices().find(|(_, c)| scanner.is_outside(*c))?;
    (c == ')' && rest[end + 1..].is_empty()).then_some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_lines_are_split_into_calls_and_queries() {
        for (input, expected) in [
            ("", &[][..]),
            ("mod::a::f(1)\nmod::b::g(2)", &["mod::a::f(1)", "mod::b::g(2)"]),
            ("mod::a::f(1);\n\n:functions\n", &["mod::a::f(1)", "", ":functions"]),
            ("mod::a(1); mod::b(';');", &["mod::a(1)", " mod::b(';')"]),
            ("mod::a(\n  1,\n  2\n)\nmod::b()", &["mod::a(\n  1,\n  2\n)", "mod::b()"]),
            ("mod::a('x\nmod::b()')", &["mod::a('x\nmod::b()')"]),
            ("SELECT *\nFROM page;\nmod::b()", &["SELECT *\nFROM page;", "mod::b()"]),
            ("{ LET $x = 1;\nmod::b($x)\n}", &["{ LET $x = 1;\nmod::b($x)\n}"]),
            ("LET $x = 1; RETURN $x", &["LET $x = 1; RETURN $x"]),
            ("mod::a(1); RETURN 1", &["mod::a(1); RETURN 1"]),
            ("mod::a('open", &["mod::a('open"]),
            ("a)\nmod::b()", &["a)", "mod::b()"]),
        ] {
            assert_eq!(units(input), expected, "{input:?}");
        }
    }

    #[test]
    fn lines_are_parsed() {
        let call = |module, function, args| Line::Call(Call { module, function, args });
        for (line, expected) in [
            ("", Line::Empty),
            (" ; ", Line::Empty),
            ("-- a comment", Line::Empty),
            ("# a comment", Line::Empty),
            (":help", Line::Help),
            (":functions", Line::Functions),
            (" :quit ", Line::Quit),
            ("mod::text::slug('Hi');", call("text", Some("slug"), "'Hi'")),
            ("mod::text::a::b ( 1, (2) )", call("text", Some("a::b"), " 1, (2) ")),
            ("mod::text()", call("text", None, "")),
            (r"mod::text('it\'s :)', (1))", call("text", None, r"'it\'s :)', (1)")),
            ("mod::text(/[(']/)", call("text", None, "/[(']/")),
            ("mod::a::f(1) + mod::b::g(2)", Line::Query("mod::a::f(1) + mod::b::g(2)")),
            ("mod::text('x'", Line::Query("mod::text('x'")),
            ("mod::text", Line::Query("mod::text")),
            ("mod::text::(1)", Line::Query("mod::text::(1)")),
            ("mod::text(1) + 1", Line::Query("mod::text(1) + 1")),
            ("RETURN mod::text(1);", Line::Query("RETURN mod::text(1)")),
            (":unknown", Line::Query(":unknown")),
        ] {
            assert_eq!(Line::parse(line), expected, "{line:?}");
        }
    }
}
