//! Kinds, values and paths in messages: short, escaped, on one line.

use std::fmt::{self, Write as _};

use surrealdb_types::{Geometry, Kind, KindLiteral, Number, RecordIdKey, ToSql, Value};

use super::path::PathSegment;
use crate::names;

/// Characters of a text, a name and a number that a message quotes.
const MAX_QUOTED: usize = 40;

/// Characters of what a parser says.
const MAX_REASON: usize = 120;

/// Levels of a kind that a message shows.
const MAX_LEVELS: usize = 16;

/// A text that takes so many characters and then an ellipsis, and escapes what does not print.
struct Short {
    text: String,
    left: usize,
}

impl Short {
    fn new(max: usize) -> Self {
        Self { text: String::new(), left: max }
    }
}

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            if self.left == 0 {
                self.text.push('…');
                return Err(fmt::Error);
            }
            self.left -= 1;
            // As a debug string escapes it, but for the marks that are this format's own.
            match char {
                '\'' | '"' | '\\' => self.text.push(char),
                _ => self.text.extend(char.escape_debug()),
            }
        }
        Ok(())
    }
}

fn shorten(max: usize, write: impl FnOnce(&mut Short) -> fmt::Result) -> String {
    let mut short = Short::new(max);
    // It fails when it is full, which is as it should be.
    let _ = write(&mut short);
    short.text
}

/// Returns a kind as SurrealQL writes it, shortened to so many characters.
pub(super) fn kind(kind: &Kind, max: usize) -> String {
    shorten(max, |short| write_kind(short, kind, MAX_LEVELS))
}

fn write_kind(out: &mut Short, kind: &Kind, levels: usize) -> fmt::Result {
    let Some(levels) = levels.checked_sub(1) else { return out.write_char('…') };
    match kind {
        Kind::Either(kinds) => {
            write_list(out, kinds, " | ", |out, kind| write_kind(out, kind, levels))
        }
        Kind::Array(item, max) => write_collection(out, "array", item, *max, levels),
        Kind::Set(item, max) => write_collection(out, "set", item, *max, levels),
        Kind::Table(names) => write_choice(out, "table", names, |name| name.as_str()),
        Kind::Record(names) => write_choice(out, "record", names, |name| name.as_str()),
        Kind::File(names) => write_choice(out, "file", names, |name| name.as_str()),
        Kind::Literal(KindLiteral::String(text)) => write_quoted(out, text),
        Kind::Literal(KindLiteral::Decimal(decimal)) => write!(out, "{decimal}dec"),
        Kind::Literal(KindLiteral::Array(kinds)) => {
            out.write_char('[')?;
            write_list(out, kinds, ", ", |out, kind| write_kind(out, kind, levels))?;
            out.write_char(']')
        }
        Kind::Literal(KindLiteral::Object(fields)) => {
            out.write_char('{')?;
            write_list(out, fields, ", ", |out, (name, kind)| {
                write!(out, "{name}: ")?;
                write_kind(out, kind, levels)
            })?;
            out.write_char('}')
        }
        // Those with neither texts nor kinds inside.
        _ => out.write_str(&kind.to_sql()),
    }
}

fn write_collection(
    out: &mut Short,
    name: &str,
    item: &Kind,
    max: Option<u64>,
    levels: usize,
) -> fmt::Result {
    write!(out, "{name}<")?;
    write_kind(out, item, levels)?;
    match max {
        Some(max) => write!(out, ", {max}>"),
        None => out.write_char('>'),
    }
}

fn write_choice<T>(
    out: &mut Short,
    kind: &str,
    names: &[T],
    name: impl Fn(&T) -> &str,
) -> fmt::Result {
    out.write_str(kind)?;
    if names.is_empty() {
        return Ok(());
    }
    out.write_char('<')?;
    write_list(out, names, " | ", |out, item| out.write_str(name(item)))?;
    out.write_char('>')
}

fn write_list<T>(
    out: &mut Short,
    items: impl IntoIterator<Item = T>,
    separator: &str,
    mut write: impl FnMut(&mut Short, T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.write_str(separator)?;
        }
        write(out, item)?;
    }
    Ok(())
}

fn write_quoted(out: &mut Short, text: &str) -> fmt::Result {
    let mut quoted = Short::new(MAX_QUOTED);
    let quote = if text.contains('\'') { '"' } else { '\'' };
    let _ = quoted.write_str(text);
    // Escaped once already.
    out.left = out.left.saturating_sub(quoted.text.chars().count() + 2);
    out.text.push(quote);
    out.text.push_str(&quoted.text);
    out.text.push(quote);
    Ok(())
}

/// Returns the kind of a value, and of one that is short what it is: `string '12.50'`, `array of 3
/// elements`, `geometry<point>`.
pub(crate) fn described(value: &Value) -> String {
    let what = match value {
        Value::None => "none",
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(Number::Int(_)) => "int",
        Value::Number(Number::Float(_)) => "float",
        Value::Number(Number::Decimal(_)) => "decimal",
        Value::String(text) => return format!("string {}", quoted(text)),
        Value::Bytes(bytes) => return format!("{} bytes", bytes.len()),
        Value::Duration(_) => "duration",
        Value::Datetime(_) => "datetime",
        Value::Uuid(_) => "uuid",
        Value::Geometry(geometry) => return geometry_kind(geometry),
        Value::Table(table) => return format!("table {}", name(table)),
        Value::RecordId(id) => return record(&id.table, &id.key),
        Value::File(file) => return format!("file of bucket {}", name(&file.bucket)),
        Value::Range(_) => return "range".to_string(),
        Value::Regex(_) => return "regex".to_string(),
        Value::Array(items) => return format!("array of {}", elements(items.len())),
        Value::Object(_) => return "object".to_string(),
        Value::Set(items) => return format!("set of {}", elements(items.len())),
    };
    match value {
        Value::None | Value::Null => what.to_string(),
        _ => format!("{what} {}", shorten(MAX_QUOTED, |short| short.write_str(&value.to_sql()))),
    }
}

fn geometry_kind(geometry: &Geometry) -> String {
    format!("geometry<{}>", geometry.kind())
}

fn record(table: &str, key: &RecordIdKey) -> String {
    let key = match key {
        RecordIdKey::Number(number) => number.to_string(),
        RecordIdKey::String(text) => name(text),
        RecordIdKey::Uuid(uuid) => uuid.to_sql(),
        _ => "…".to_string(),
    };
    format!("record {}:{key}", name(table))
}

/// Returns `1 element`, `2 elements`.
pub(super) fn elements(count: usize) -> String {
    format!("{count} element{}", if count == 1 { "" } else { "s" })
}

/// Returns the beginning of a text, in quotes.
pub(super) fn quoted(text: &str) -> String {
    shorten(usize::MAX, |short| write_quoted(short, text))
}

/// Returns the beginning of a name.
pub(crate) fn name(name: &str) -> String {
    shorten(MAX_QUOTED, |short| short.write_str(name))
}

/// Returns the words of a parser, which may quote what it was given.
pub(super) fn reason(words: &str) -> String {
    shorten(MAX_REASON, |short| short.write_str(words))
}

/// Returns a path, `items[3].unit_price`; of a long one the end.
pub(super) fn path<'a>(
    segments: impl DoubleEndedIterator<Item = &'a PathSegment>,
    max: usize,
) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut length = 0;
    let mut segments = segments.rev().peekable();
    while let Some(segment) = segments.next() {
        let is_first = segments.peek().is_none();
        let part = match segment {
            PathSegment::Index(index) => format!("[{index}]"),
            PathSegment::Field(field) if is_identifier(field) && is_first => name(field),
            PathSegment::Field(field) if is_identifier(field) => format!(".{}", name(field)),
            PathSegment::Field(field) => format!("[{}]", quoted(field)),
        };
        length += part.chars().count();
        if length > max {
            parts.push("…".to_string());
            break;
        }
        parts.push(part);
    }
    parts.into_iter().rev().collect()
}

fn is_identifier(name: &str) -> bool {
    let in_names = |char: char| char.is_ascii_alphanumeric() || char == '_';
    !name.is_empty()
        && !name.starts_with(|char: char| char.is_ascii_digit())
        && name.chars().all(in_names)
}

/// Returns those of the known names that are likely meant by one that is not known, shortened.
pub(crate) fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    names::near_names(unknown, known).into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn union(kinds: Vec<Kind>) -> Kind {
        Kind::Either(kinds)
    }

    #[test]
    fn kinds_read_as_surrealdb_writes_them() {
        for kind in [
            Kind::Any,
            Kind::Array(Box::new(union(vec![Kind::None, Kind::Int])), Some(3)),
            Kind::Set(Box::new(Kind::Uuid), None),
            Kind::Record(vec!["person".into(), "animal".into()]),
            Kind::Record(Vec::new()),
            Kind::Table(vec!["person".into()]),
            Kind::File(vec!["photos".into()]),
            Kind::Geometry(vec![surrealdb_types::GeometryKind::Point]),
            Kind::Function(None, None),
            Kind::Literal(KindLiteral::Array(vec![Kind::Int, Kind::String])),
            Kind::Literal(KindLiteral::String("it's".into())),
            Kind::Literal(KindLiteral::Float(1.5)),
            Kind::Literal(KindLiteral::Bool(true)),
            Kind::Literal(KindLiteral::Integer(1)),
        ] {
            assert_eq!(super::kind(&kind, 120), kind.to_sql());
        }
        let fields = [("a", Kind::Int), ("b", Kind::Literal(KindLiteral::Decimal(15.into())))];
        let fields = fields.map(|(name, kind)| (name.to_string(), kind));
        let object = Kind::Literal(KindLiteral::Object(fields.into()));
        assert_eq!(super::kind(&object, 120), "{a: int, b: 15dec}");
    }

    #[test]
    fn what_is_long_or_hostile_is_short_and_on_one_line() {
        let deep = (0..1000).fold(Kind::Int, |kind, _| Kind::Array(Box::new(kind), None));
        let long = Kind::Literal(KindLiteral::String("\u{1b}[2J\n\u{202e}".repeat(1000)));
        let wide = union(vec![long.clone(); 1000]);
        let fields = BTreeMap::from([("\n\u{0}".repeat(1000), Kind::Int)]);
        let fields = Kind::Literal(KindLiteral::Object(fields));
        let tables = Kind::Record(vec!["\r".repeat(1000).into(); 3]);
        for kind in [deep, long, wide, fields, tables] {
            let text = super::kind(&kind, 50);
            assert!(text.chars().count() <= 500, "{text}");
            assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text}");
            assert!(text.contains('…'), "{text}");
        }
        let text = described(&Value::String("\u{1b}".repeat(1000)));
        assert!(text.len() < 300 && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn paths() {
        let field = |name: &str| PathSegment::Field(name.to_string());
        let segments = [field("items"), PathSegment::Index(3), field("unit price"), field("x")];
        assert_eq!(path(segments.iter(), 100), "items[3]['unit price'].x");
        assert_eq!(path([field("a\n")].iter(), 100), r"['a\n']");
        let deep = vec![field("level"); 200];
        let text = path(deep.iter(), 100);
        assert!(text.starts_with("….level") && text.chars().count() <= 101, "{text}");
    }
}
