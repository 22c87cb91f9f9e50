//! Kinds as SurrealQL writes them, read from text: `option<array<int, 3>>`.
//!
//! The parser of SurrealDB is not used: its crate has no stable interface, and brings the parser of all of
//! SurrealQL into every host.

use std::collections::BTreeMap;
use std::fmt;

use surrealdb_types::{Decimal, Duration, GeometryKind, Kind, KindLiteral};

use super::render;

/// Levels to which kinds are nested in a text.
const MAX_LEVELS: usize = 32;

/// Length of a text in bytes.
pub const MAX_KIND_BYTES: usize = 1024;

/// Why a text is not a kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KindError(String);

impl KindError {
    fn new(reason: impl fmt::Display) -> Self {
        Self(format!("{reason}: write a kind, as in `string`, `option<int>` or `'a' | 'b'`"))
    }
}

/// Reads a kind as SurrealQL writes it. Names of kinds may be in capital letters.
///
/// ```
/// use surrealdb_types::{Kind, ToSql};
/// use surrealism_types::coerce::parse_kind;
///
/// assert_eq!(parse_kind("option<int>")?, Kind::option(Kind::Int));
/// assert_eq!(parse_kind("{ host: string, port: 80 | 443 }")?.to_sql(), "{host: string, port: 80 | 443}");
/// assert!(parse_kind("strin").unwrap_err().to_string().contains("did you mean `string`?"));
/// # Ok::<(), surrealism_types::coerce::KindError>(())
/// ```
///
/// # Errors
///
/// When the text is not a kind, is longer than [`MAX_KIND_BYTES`], or nests kinds too deeply.
pub fn parse_kind(text: &str) -> Result<Kind, KindError> {
    if text.len() > MAX_KIND_BYTES {
        let length = text.len();
        return Err(KindError::new(format_args!(
            "the kind takes {length} bytes, and {MAX_KIND_BYTES} are allowed"
        )));
    }
    let mut parser = Parser { rest: text.trim_start() };
    let kind = parser.union(MAX_LEVELS)?;
    if parser.rest.is_empty() { Ok(kind) } else { Err(parser.unexpected("its end")) }
}

/// What is left of the text, without blanks before it.
struct Parser<'a> {
    rest: &'a str,
}

type Parsed<T> = Result<T, KindError>;

impl<'a> Parser<'a> {
    fn union(&mut self, levels: usize) -> Parsed<Kind> {
        let levels = levels.checked_sub(1).ok_or_else(|| {
            KindError::new(format_args!("it nests more than {MAX_LEVELS} kinds: flatten it"))
        })?;
        let mut kinds = vec![self.single(levels)?];
        while self.take("|") {
            kinds.push(self.single(levels)?);
        }
        Ok(if kinds.len() == 1 { kinds.remove(0) } else { Kind::either(kinds) })
    }

    fn single(&mut self, levels: usize) -> Parsed<Kind> {
        if self.take("[") {
            let kinds = self.list("]", |parser| parser.union(levels))?;
            return Ok(Kind::Literal(KindLiteral::Array(kinds)));
        }
        if self.take("{") {
            let fields = self.list("}", |parser| parser.field(levels))?;
            return Ok(Kind::Literal(KindLiteral::Object(BTreeMap::from_iter(fields))));
        }
        if self.rest.starts_with(['\'', '"']) {
            return Ok(Kind::Literal(KindLiteral::String(self.quoted()?)));
        }
        let start = self.rest;
        let word = self.word();
        if word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+')) {
            return number(word).map(Kind::Literal).ok_or_else(|| {
                KindError::new(format_args!("`{}` is not a number", render::name(word)))
            });
        }
        match self.named(word, levels)? {
            Some(kind) => Ok(kind),
            None if word.is_empty() => Err(Self { rest: start }.unexpected("a kind")),
            None => Err(unknown(word)),
        }
    }

    /// Reads the parameters of a kind, whose name was read. `None` if a kind has another name.
    fn named(&mut self, word: &str, levels: usize) -> Parsed<Option<Kind>> {
        if let Some((_, kind)) = simple_kinds().into_iter().find(|(name, _)| is(word, name)) {
            return Ok(Some(kind));
        }
        let name = word.to_ascii_lowercase();
        Ok(Some(match name.as_str() {
            "infinity" => Kind::Literal(KindLiteral::Float(f64::INFINITY)),
            "nan" => Kind::Literal(KindLiteral::Float(f64::NAN)),
            "option" => {
                self.expect("<")?;
                let kind = self.union(levels)?;
                self.expect(">")?;
                Kind::option(kind)
            }
            "array" | "set" => {
                let (item, max) = match self.take("<") {
                    true => self.item(levels)?,
                    false => (Kind::Any, None),
                };
                match name.as_str() {
                    "array" => Kind::Array(Box::new(item), max),
                    _ => Kind::Set(Box::new(item), max),
                }
            }
            "table" => Kind::Table(self.names()?.into_iter().map(Into::into).collect()),
            "record" => Kind::Record(self.names()?.into_iter().map(Into::into).collect()),
            "file" => Kind::File(self.names()?),
            "geometry" => {
                let names = self.names()?;
                let kinds = names.iter().map(|name| {
                    geometry_kind(name).ok_or_else(|| {
                        KindError::new(format_args!("`{}` is not a geometry", render::name(name)))
                    })
                });
                Kind::Geometry(kinds.collect::<Parsed<_>>()?)
            }
            _ => return Ok(None),
        }))
    }

    /// Reads `K>` or `K, N>`.
    fn item(&mut self, levels: usize) -> Parsed<(Kind, Option<u64>)> {
        let kind = self.union(levels)?;
        let mut max = None;
        if self.take(",") {
            let start = self.rest;
            let count = self.word().parse();
            max = Some(count.map_err(|_| Self { rest: start }.unexpected("a number of elements"))?);
        }
        self.expect(">")?;
        Ok((kind, max))
    }

    fn field(&mut self, levels: usize) -> Parsed<(String, Kind)> {
        let name = self.identifier("a field")?;
        self.expect(":")?;
        Ok((name, self.union(levels)?))
    }

    /// Reads `<a | b>`, if it is there.
    fn names(&mut self) -> Parsed<Vec<String>> {
        let mut names = Vec::new();
        if self.take("<") {
            names.push(self.identifier("a name")?);
            while self.take("|") {
                names.push(self.identifier("a name")?);
            }
            self.expect(">")?;
        }
        Ok(names)
    }

    /// Reads items with commas between them, up to the end mark. A comma may follow the last.
    fn list<T>(&mut self, end: &str, item: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = Vec::new();
        while !self.take(end) {
            items.push(item(self)?);
            if !self.take(",") {
                self.expect(end)?;
                break;
            }
        }
        Ok(items)
    }

    fn identifier(&mut self, expected: &str) -> Parsed<String> {
        if self.rest.starts_with(['\'', '"', '`']) {
            return self.quoted();
        }
        match self.word() {
            "" => Err(self.unexpected(expected)),
            word => Ok(word.to_string()),
        }
    }

    /// Reads a word or a number, which may be empty.
    fn word(&mut self) -> &'a str {
        let is_sign = |(at, c): (usize, char)| at == 0 && matches!(c, '-' | '+');
        let in_words = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        let end = self.rest.char_indices().find(|(at, c)| !is_sign((*at, *c)) && !in_words(*c));
        self.advance(end.map_or(self.rest.len(), |(at, _)| at))
    }

    /// Reads a text up to the quote that it begins with.
    fn quoted(&mut self) -> Parsed<String> {
        let mut chars = self.rest.char_indices();
        let quote = chars.next().map_or('\'', |(_, quote)| quote);
        let mut text = String::new();
        while let Some((at, char)) = chars.next() {
            match char {
                '\\' => match chars.next().map(|(_, escaped)| escaped) {
                    Some('0') => text.push('\0'),
                    Some('b') => text.push('\u{8}'),
                    Some('f') => text.push('\u{c}'),
                    Some('n') => text.push('\n'),
                    Some('r') => text.push('\r'),
                    Some('t') => text.push('\t'),
                    Some('u') => text.push(unicode(&mut chars).ok_or_else(|| {
                        KindError::new("a text has `\\u` without `{` and a character's number")
                    })?),
                    Some(escaped) => text.push(escaped),
                    None => break,
                },
                _ if char == quote => {
                    self.advance(at + quote.len_utf8());
                    return Ok(text);
                }
                _ => text.push(char),
            }
        }
        Err(KindError::new(format_args!("a text has no {quote} at its end")))
    }

    fn expect(&mut self, mark: &str) -> Parsed<()> {
        if self.take(mark) { Ok(()) } else { Err(self.unexpected(&format!("`{mark}`"))) }
    }

    fn take(&mut self, mark: &str) -> bool {
        let is_next = self.rest.starts_with(mark);
        if is_next {
            self.advance(mark.len());
        }
        is_next
    }

    /// Returns so many bytes, and goes on behind them and the blanks that follow.
    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest.trim_start();
        taken
    }

    fn unexpected(&self, expected: &str) -> KindError {
        match self.rest {
            "" => KindError::new(format_args!("expected {expected} at the end of the kind")),
            rest => {
                KindError::new(format_args!("expected {expected}, got {}", render::quoted(rest)))
            }
        }
    }
}

/// Reads `{8}` behind `\u`.
fn unicode(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    let digits = chars.as_str().strip_prefix('{')?.split_once('}')?.0;
    chars.nth(digits.chars().count() + 1)?;
    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
}

/// Kinds without parameters.
fn simple_kinds() -> [(&'static str, Kind); 18] {
    [
        ("any", Kind::Any),
        ("none", Kind::None),
        ("null", Kind::Null),
        ("bool", Kind::Bool),
        ("bytes", Kind::Bytes),
        ("datetime", Kind::Datetime),
        ("decimal", Kind::Decimal),
        ("duration", Kind::Duration),
        ("float", Kind::Float),
        ("int", Kind::Int),
        ("number", Kind::Number),
        ("object", Kind::Object),
        ("string", Kind::String),
        ("uuid", Kind::Uuid),
        ("regex", Kind::Regex),
        ("range", Kind::Range),
        ("true", Kind::Literal(KindLiteral::Bool(true))),
        ("false", Kind::Literal(KindLiteral::Bool(false))),
    ]
}

fn geometry_kind(name: &str) -> Option<GeometryKind> {
    let kinds = [
        ("point", GeometryKind::Point),
        ("line", GeometryKind::Line),
        ("polygon", GeometryKind::Polygon),
        ("multipoint", GeometryKind::MultiPoint),
        ("multiline", GeometryKind::MultiLine),
        ("multipolygon", GeometryKind::MultiPolygon),
        ("collection", GeometryKind::Collection),
    ];
    kinds.into_iter().find(|(known, _)| is(name, known)).map(|(_, kind)| kind)
}

fn is(word: &str, name: &str) -> bool {
    word.eq_ignore_ascii_case(name)
}

fn unknown(word: &str) -> KindError {
    let parameterized = ["array", "file", "geometry", "option", "record", "set", "table"];
    let simple = simple_kinds().map(|(name, _)| name);
    let near = render::nearest(word, simple.into_iter().chain(parameterized));
    let near = near.first().map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    KindError::new(format_args!("`{}` is not a kind{near}", render::name(word)))
}

/// Reads an int, a float, a decimal or a duration.
fn number(word: &str) -> Option<KindLiteral> {
    if let Some(decimal) = word.strip_suffix("dec") {
        return Decimal::from_str_exact(decimal).ok().map(KindLiteral::Decimal);
    }
    if let Ok(int) = word.parse() {
        return Some(KindLiteral::Integer(int));
    }
    if word.strip_prefix('-').is_some_and(|word| is(word, "infinity")) {
        return Some(KindLiteral::Float(f64::NEG_INFINITY));
    }
    let float = word.strip_suffix('f').unwrap_or(word).parse().ok().filter(|f: &f64| f.is_finite());
    let duration = || word.parse::<Duration>().ok().map(KindLiteral::Duration);
    float.map(KindLiteral::Float).or_else(duration)
}

#[cfg(test)]
mod tests {
    use surrealdb_types::ToSql;

    use super::*;

    #[test]
    fn kinds_are_read() {
        for (text, expected) in [
            ("string", "string"),
            ("  STRING ", "string"),
            ("option<int>", "none | int"),
            ("option < int | 'x' >", "none | int | 'x'"),
            ("array", "array<any>"),
            ("array<string,3>", "array<string, 3>"),
            ("set<array<int>>", "set<array<int>>"),
            ("[int, string,]", "[int, string]"),
            ("[]", "[]"),
            ("{}", "{}"),
            ("{ 'b': int, c: { d: bool } }", "{b: int, c: {d: bool}}"),
            ("record<person | `a b`>", "record<person | `a b`>"),
            ("geometry<point|MultiLine>", "geometry<point | multiline>"),
            ("file<photos>", "file<photos>"),
            ("'it\\'s' | \"\\u{1f600}\"", "\"it's\" | '😀'"),
            ("1 | -1.5 | 2f | 1h30m | 500µs", "1 | -1.5f | 2f | 1h30m | 500µs"),
            ("true | FALSE", "true | false"),
            ("int | int", "int"),
        ] {
            let kind = parse_kind(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(kind.to_sql(), expected, "{text}");
        }
        // Its text would be `1.50decdec`.
        let decimal = KindLiteral::Decimal(Decimal::from_str_exact("1.50").unwrap());
        assert_eq!(parse_kind("1.50dec"), Ok(Kind::Literal(decimal)));
    }

    #[test]
    fn what_is_not_a_kind_is_named() {
        let deep = "array<".repeat(MAX_LEVELS) + "int" + &">".repeat(MAX_LEVELS);
        let shallow = "array<".repeat(MAX_LEVELS - 1) + "int" + &">".repeat(MAX_LEVELS - 1);
        let long = format!("'{}'", "x".repeat(MAX_KIND_BYTES));
        let fits = format!("'{}'", "x".repeat(MAX_KIND_BYTES - 2));
        assert!(parse_kind(&shallow).is_ok() && parse_kind(&fits).is_ok());
        for (text, expected) in [
            ("", "expected a kind at the end"),
            ("strin", "`strin` is not a kind; did you mean `string`?"),
            ("text", "`text` is not a kind"),
            ("option", "expected `<` at the end"),
            ("option<int", "expected `>` at the end"),
            ("array<int, x>", "expected a number of elements, got 'x>'"),
            ("int string", "expected its end, got 'string'"),
            ("int |", "expected a kind at the end"),
            ("'x", "a text has no ' at its end"),
            ("'\\", "a text has no ' at its end"),
            ("'\\u{zz}'", "`\\u` without"),
            ("{ a int }", "expected `:`, got 'int }'"),
            ("{ a: int", "expected `}` at the end"),
            ("geometry<circle>", "`circle` is not a geometry"),
            ("1x", "`1x` is not a number"),
            ("-", "`-` is not a number"),
            ("\u{1b}[2J", r"got '\u{1b}[2J'"),
            (&deep, "nests more than 32 kinds"),
            (&long, "takes 1026 bytes, and 1024 are allowed"),
        ] {
            let error = parse_kind(text).unwrap_err().to_string();
            assert!(error.contains(expected) && error.len() < 250, "{text}: {error}");
            assert!(!error.contains('\u{1b}'), "{error:?}");
        }
    }
}
