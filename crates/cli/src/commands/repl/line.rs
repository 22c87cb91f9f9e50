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
        let line = after_comments(line).trim_end().trim_end_matches(';').trim_end();
        match line {
            ":help" => Self::Help,
            ":functions" => Self::Functions,
            ":quit" | ":exit" => Self::Quit,
            _ if is_blank(line) => Self::Empty,
            _ => Call::parse(line).map_or(Self::Query(line), Self::Call),
        }
    }
}

/// Removes comments from the beginning of a line.
fn after_comments(line: &str) -> &str {
    let first = Scanner::new(line).find(|place| !place.c.is_whitespace());
    first.map_or("", |place| &line[place.at..])
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

/// Splits text at each `;` outside of quotes, brackets and comments. Returns `None` unless all parts are
/// calls.
fn calls(text: &str) -> Option<Vec<String>> {
    let (mut calls, mut start) = (Vec::new(), 0);
    let ends = Scanner::new(text).filter(|place| place.is_outside && place.c == ';');
    let ends: Vec<_> = ends.map(|place| place.at).chain([text.len()]).collect();
    for end in ends {
        let part = &text[start..end];
        match Line::parse(part) {
            Line::Call(_) => calls.push(part.to_string()),
            Line::Empty => (),
            _ => return None,
        }
        start = (end + 1).min(text.len());
    }
    (!calls.is_empty()).then_some(calls)
}

/// Whether all quotes, brackets and comments are closed.
pub(super) fn is_balanced(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.by_ref().for_each(drop);
    scanner.is_outside()
}

/// Whether text has nothing but comments.
fn is_blank(text: &str) -> bool {
    Scanner::new(text).all(|place| place.c.is_whitespace() || place.c == ';')
}

/// Recognizes quotes, brackets and comments, but no other syntax that may contain them, such as regexes.
/// Skips comments.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: i32,
    quote: Option<char>,
    is_escaped: bool,
}

/// A character that is not part of a comment.
struct Place {
    at: usize,
    c: char,
    /// Whether the text up to it, with it, closes all that it opens.
    is_outside: bool,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, quote: None, is_escaped: false }
    }

    fn is_outside(&self) -> bool {
        self.quote.is_none() && self.depth <= 0
    }

    /// Returns the length of the comment that begins here.
    fn comment(&self) -> Option<usize> {
        let rest = &self.text[self.at..];
        if rest.starts_with("/*") {
            return Some(rest.find("*/").map_or(rest.len(), |end| end + 2));
        }
        let is_comment = ["--", "//", "#"].iter().any(|mark| rest.starts_with(mark));
        is_comment.then(|| rest.find('\n').unwrap_or(rest.len()))
    }
}

impl Iterator for Scanner<'_> {
    type Item = Place;

    fn next(&mut self) -> Option<Place> {
        while self.quote.is_none()
            && let Some(length) = self.comment()
        {
            let comment = &self.text[self.at..][..length];
            self.depth += i32::from(comment.starts_with("/*") && !comment.ends_with("*/"));
            self.at += length;
        }
        let (at, c) = (self.at, self.text[self.at..].chars().next()?);
        self.at += c.len_utf8();
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
        Some(Place { at, c, is_outside: self.is_outside() })
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

/// Returns the text before the parenthesis that closes the call, unless more than a comment follows it.
fn before_closing_parenthesis(rest: &str) -> Option<&str> {
    let mut scanner = Scanner { depth: 1, ..Scanner::new(rest) };
    let closing = scanner.find(|place| place.is_outside)?;
    (closing.c == ')' && is_blank(&rest[closing.at + 1..])).then_some(&rest[..closing.at])
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
            ("mod::a(1);; ;mod::b()", &["mod::a(1)", "mod::b()"]),
            ("mod::a(1) -- it's 1\nmod::b()", &["mod::a(1) -- it's 1", "mod::b()"]),
            (
                "# it's\nmod::a({\n  a: 1, -- don't; (\n  /* ' */ b: 2,\n})\nmod::b()",
                &["# it's", "mod::a({\n  a: 1, -- don't; (\n  /* ' */ b: 2,\n})", "mod::b()"],
            ),
            ("mod::a('-- #'); mod::b()", &["mod::a('-- #')", " mod::b()"]),
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
            ("// a comment", Line::Empty),
            ("/* a\ncomment */ ;", Line::Empty),
            ("/* first */ mod::a(1) -- last", call("a", None, "1")),
            ("mod::a(1); # last", call("a", None, "1")),
            ("mod::a(1 /* ) */)", call("a", None, "1 /* ) */")),
            ("-- a comment\n:quit", Line::Quit),
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
