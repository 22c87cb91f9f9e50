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

/// Returns the text before the parenthesis that closes the call, unless text follows it. Recognizes quotes,
/// but no other syntax that may contain parentheses, such as regexes.
fn before_closing_parenthesis(rest: &str) -> Option<&str> {
    let (mut depth, mut quote, mut escaped) = (1, None, false);
    for (index, c) in rest.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(mark), _) if c == mark => quote = None,
            (Some(_), _) => (),
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, _) => (),
        }
        if depth == 0 {
            return rest[index + 1..].is_empty().then_some(&rest[..index]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

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
