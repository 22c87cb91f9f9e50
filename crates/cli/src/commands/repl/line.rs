//! What a line asks for.

use crate::literal;

/// A line, understood as far as it can be without asking anybody.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Nothing,
    Help,
    Functions,
    Quit,
    Call(Call<'a>),
    Query(&'a str),
}

/// `mod::MODULE::FUNCTION(ARGS)`, or without a function, which is the default.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub(super) module: &'a str,
    pub(super) function: Option<&'a str>,
    /// Not parsed: SurrealQL, with commas.
    pub(super) args: &'a str,
}

impl<'a> Line<'a> {
    pub(super) fn parse(line: &'a str) -> Self {
        let line = line.trim().trim_end_matches(';').trim_end();
        match line {
            "" => Self::Nothing,
            ":help" => Self::Help,
            ":functions" => Self::Functions,
            ":quit" | ":exit" => Self::Quit,
            _ if line.starts_with("--") || line.starts_with('#') => Self::Nothing,
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
        Some(Self { module, function, args: before_last(args).or_else(literals)? })
    }
}

/// What stands before the parenthesis that closes the call, if nothing stands behind it. It knows quotes, and
/// not all else that a parenthesis may stand in.
fn before_last(rest: &str) -> Option<&str> {
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
    fn lines_are_told_apart() {
        let call = |module, function, args| Line::Call(Call { module, function, args });
        for (line, expected) in [
            ("", Line::Nothing),
            (" ; ", Line::Nothing),
            ("-- a comment", Line::Nothing),
            ("# a comment", Line::Nothing),
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
