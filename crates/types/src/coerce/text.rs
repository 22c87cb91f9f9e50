//! Values as the texts and the JSON that stand for them, and the literals that write them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use regex::RegexBuilder;
use std::ops::Bound;
use surrealdb_types::{
    Bytes, Datetime, Decimal, Duration, File, Kind, Number, Object, Range, RecordId, RecordIdKey,
    Regex, SurrealValue, Table, ToSql, Uuid, Value,
};

/// Length of a regular expression, in bytes, and its size when it is compiled: those that a message
/// between host and guest may have.
const MAX_PATTERN_BYTES: usize = 4 << 10;
const MAX_REGEX_BYTES: usize = 1 << 20;

/// Steps that compiling a regular expression counts as, so that one call compiles 64 at most.
const REGEX_STEPS: u64 = super::MAX_STEPS / 64;

/// Bytes of a text that are read in about a step.
const BYTES_PER_STEP: usize = 64;

/// Why a text does not stand for a value.
type Reason = String;

/// Returns the value of a kind that a value from JSON stands for.
///
/// # Errors
///
/// When it stands for none. The reason is empty where the value is of the wrong shape altogether.
pub(super) fn from_json(value: &Value, kind: &Kind) -> Result<Value, Reason> {
    match (kind, value) {
        (Kind::None, Value::Null) => Ok(Value::None),
        (_, Value::String(text)) => from_text(text, kind),
        (Kind::Bytes, Value::Array(items)) => {
            let byte =
                |item: &Value| item.as_u8().ok_or("an element is not a number from 0 to 255");
            Ok(Value::Bytes(items.iter().map(byte).collect::<Result<Vec<u8>, _>>()?.into()))
        }
        (Kind::Range, Value::Object(members)) => Ok(Value::Range(Box::new(range(members)?))),
        (Kind::File(_), Value::Object(members)) => file(members).map(Value::File),
        (Kind::Record(_), Value::Object(members)) => record(members).map(Value::RecordId),
        _ => Err(Reason::new()),
    }
}

/// Returns about how many steps [`from_json`] takes.
pub(super) fn cost(value: &Value, kind: &Kind) -> u64 {
    match (kind, value) {
        (Kind::Regex, Value::String(_)) => REGEX_STEPS,
        (_, Value::String(text)) => (text.len() / BYTES_PER_STEP) as u64,
        (Kind::Bytes, Value::Array(items)) => items.len() as u64,
        (Kind::Range | Kind::Record(_) | Kind::File(_), Value::Object(_)) => size(value),
        _ => 0,
    }
}

/// Counts the parts of a value. One from JSON is not deep.
fn size(value: &Value) -> u64 {
    1 + match value {
        Value::String(text) => (text.len() / BYTES_PER_STEP) as u64,
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(size).sum(),
        _ => 0,
    }
}

/// Returns the value of a kind that a text stands for.
///
/// # Errors
///
/// When it stands for none. The reason is empty where no text stands for a value of this kind.
pub(super) fn from_text(text: &str, kind: &Kind) -> Result<Value, Reason> {
    let number = |number| Ok(Value::Number(number));
    match kind {
        Kind::Float => number(Number::Float(not_finite(text).ok_or_else(Reason::new)?)),
        Kind::Decimal => number(Number::Decimal(decimal(text)?)),
        Kind::Number => match not_finite(text) {
            Some(float) => number(Number::Float(float)),
            None => number(Number::Decimal(decimal(text)?)),
        },
        Kind::Datetime => datetime(text).map(Value::Datetime),
        Kind::Duration => {
            let parsed: Result<Duration, _> = text.parse();
            parsed.map(Value::Duration).map_err(|error| error.to_string())
        }
        Kind::Uuid => {
            let parsed: Result<Uuid, _> = text.parse();
            parsed.map(Value::Uuid).map_err(|error| error.to_string())
        }
        Kind::Bytes => match BASE64.decode(text) {
            Ok(bytes) => Ok(Value::Bytes(Bytes::from(bytes))),
            Err(error) => Err(format!("it is not base64 with padding: {error}")),
        },
        Kind::Record(_) => record_id(text).map(Value::RecordId),
        Kind::Table(_) => Ok(Value::Table(Table::new(text))),
        Kind::Regex => regex(text).map(Value::Regex),
        _ => Err(Reason::new()),
    }
}

fn not_finite(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn decimal(text: &str) -> Result<Decimal, Reason> {
    Decimal::from_str_exact(text).map_err(|error| error.to_string())
}

fn datetime(text: &str) -> Result<Datetime, Reason> {
    let parse = |text: &str| text.parse::<Datetime>().map_err(|error| error.to_string());
    leap_second(text, parse).map_or_else(|| parse(text), Ok)
}

/// Reads a leap second, which RFC 3339 has and `surrealdb_types` writes and does not read: it is the
/// second before, with more nanoseconds than that has.
fn leap_second(text: &str, parse: impl Fn(&str) -> Result<Datetime, Reason>) -> Option<Datetime> {
    const SECOND: u32 = 1_000_000_000;
    let (date, time) = text.split_once('T')?;
    let (minute, rest) = time.split_at_checked("00:00".len())?;
    let before = parse(&format!("{date}T{minute}:59{}", rest.strip_prefix(":60")?)).ok()?;
    Datetime::from_timestamp(before.timestamp(), before.timestamp_subsec_nanos() + SECOND)
}

fn regex(pattern: &str) -> Result<Regex, Reason> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(format!(
            "the pattern takes {} bytes, and {MAX_PATTERN_BYTES} are allowed",
            pattern.len()
        ));
    }
    // Not `Regex::from_str`, which takes `\/` for `/` even after another backslash.
    let built = RegexBuilder::new(pattern).size_limit(MAX_REGEX_BYTES).build();
    // The lines before the last one draw the place.
    let last_line = |text: String| text.lines().last().unwrap_or_default().to_string();
    built.map(Regex::from).map_err(|error| last_line(error.to_string()))
}

/// Reads a record id as SurrealQL writes it, if its key is an int, a text or a uuid.
pub(super) fn record_id(text: &str) -> Result<RecordId, Reason> {
    let (table, key) =
        split_record_id(text).ok_or("it has no `:` between its table and its key")?;
    if !is_quoted(table) && !is_word(table) {
        return Err("the name of its table needs backticks: `a b`:key".to_string());
    }
    if let Some(uuid) = quoted_uuid(key) {
        let uuid: Uuid = uuid.parse().map_err(|error| format!("its key is not a uuid: {error}"))?;
        // Any key does for reading the table.
        let table = RecordId::parse_simple(&format!("{table}:k")).map_err(|e| e.to_string())?.table;
        return Ok(RecordId { table, key: RecordIdKey::Uuid(uuid) });
    }
    let mut id = RecordId::parse_simple(text).map_err(|error| error.to_string())?;
    if is_quoted(key) {
        return Ok(id);
    }
    if let Ok(number) = key.parse::<i64>() {
        id.key = RecordIdKey::Number(number);
    } else if !is_plain_key(key) {
        return Err("its key needs backticks: table:`a b`".to_string());
    }
    Ok(id)
}

/// Splits at the first `:` that is not in the backticks of the table.
fn split_record_id(text: &str) -> Option<(&str, &str)> {
    let mut in_quotes = false;
    let mut chars = text.char_indices();
    while let Some((index, char)) = chars.next() {
        match char {
            '`' => in_quotes = !in_quotes,
            '\\' if in_quotes => _ = chars.next(),
            ':' if !in_quotes => return Some((&text[..index], &text[index + 1..])),
            _ => (),
        }
    }
    None
}

fn is_quoted(text: &str) -> bool {
    text.len() >= 2 && text.starts_with('`') && text.ends_with('`')
}

fn quoted_uuid(key: &str) -> Option<&str> {
    let quoted = key.strip_prefix('u')?;
    let inner = |quote| quoted.strip_prefix(quote)?.strip_suffix(quote);
    inner('\'').or_else(|| inner('"'))
}

fn is_word(text: &str) -> bool {
    let in_words = |char: char| char.is_ascii_alphanumeric() || char == '_';
    !text.is_empty() && text.chars().all(in_words)
}

/// Whether a text is a key as it stands: one of digits alone would be a number.
fn is_plain_key(key: &str) -> bool {
    is_word(key) && key.contains(|char: char| char.is_ascii_alphabetic())
}

/// Reads `{ "start": { "included": 1 }, "end": { "excluded": 5 } }`; a bound that is left out is open.
fn range(members: &Object) -> Result<Range, Reason> {
    check_members(members, &["start", "end"], &[])?;
    let bound = |name: &str| match members.get(name) {
        None => Ok(Bound::Unbounded),
        Some(Value::Object(bound)) if bound.len() == 1 => match bound.iter().next() {
            Some((way, value)) if way == "included" => Ok(Bound::Included(value.clone())),
            Some((way, value)) if way == "excluded" => Ok(Bound::Excluded(value.clone())),
            _ => Err(not_a_bound(name)),
        },
        Some(_) => Err(not_a_bound(name)),
    };
    Ok(Range { start: bound("start")?, end: bound("end")? })
}

fn not_a_bound(name: &str) -> Reason {
    format!("`{name}` is neither {{ \"included\": … }} nor {{ \"excluded\": … }}")
}

/// Reads `{ "bucket": "photos", "key": "/cat.png" }`.
fn file(members: &Object) -> Result<File, Reason> {
    check_members(members, &["bucket", "key"], &["bucket", "key"])?;
    let text = |name: &str| match members.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        _ => Err(format!("`{name}` is not a string")),
    };
    Ok(File { bucket: text("bucket")?, key: text("key")? })
}

/// Reads `{ "table": "weather", "key": ["London", 7] }`.
fn record(members: &Object) -> Result<RecordId, Reason> {
    check_members(members, &["table", "key"], &["table", "key"])?;
    let Some(Value::String(table)) = members.get("table") else {
        return Err("`table` is not a string".to_string());
    };
    let key = members.get("key").cloned().unwrap_or_default();
    let key = RecordIdKey::from_value(key).map_err(|_| {
        "`key` is neither an int, a string, a uuid, an array, an object nor a range of these"
            .to_string()
    })?;
    Ok(RecordId { table: Table::new(table.as_str()), key })
}

fn check_members(members: &Object, known: &[&str], required: &[&str]) -> Result<(), Reason> {
    if let Some(name) = required.iter().find(|name| !members.contains_key(**name)) {
        return Err(format!("it has no `{name}`"));
    }
    match members.keys().any(|name| !known.contains(&name.as_str())) {
        true => Err(format!("it has members other than `{}`", known.join("` and `"))),
        false => Ok(()),
    }
}

/// Says what to write in SurrealQL where a text was given for another kind.
pub(super) fn literal_hint(text: &str, kind: &Kind) -> Option<String> {
    if let Some(literal) = literal(text, kind) {
        return Some(format!("write {literal}"));
    }
    let (what, example) = match kind {
        Kind::Bool => ("a bool", "true"),
        Kind::Int => ("an int", "12"),
        Kind::Float => ("a float", "1.5f"),
        Kind::Decimal => ("a decimal", "1.50dec"),
        Kind::Number => ("a number", "12, 1.5 or 1.50dec"),
        Kind::Datetime => ("a datetime", "d'2026-01-31T12:00:00Z'"),
        Kind::Duration => ("a duration", "1h30m"),
        Kind::Uuid => ("a uuid", "u'018f6f6e-1111-7000-8000-000000000000'"),
        Kind::Bytes => ("bytes", "b\"00FF\""),
        Kind::Record(_) => ("a record id", "r'person:1'"),
        Kind::Regex => ("a regular expression", "/a+/"),
        Kind::File(_) => ("a file", "f\"bucket:/key\""),
        Kind::Range => ("a range", "1..5"),
        Kind::Geometry(_) => ("a geometry", "{ type: 'Point', coordinates: [1, 2] }"),
        _ => return None,
    };
    Some(format!("write {what} as {example}"))
}

/// Returns the literal that a text was meant for, if the text is short and reads as one.
fn literal(text: &str, kind: &Kind) -> Option<String> {
    const MAX_BYTES: usize = 64;
    if text.len() > MAX_BYTES || text.contains(char::is_control) {
        return None;
    }
    match kind {
        Kind::Bool => text.parse::<bool>().ok().map(|bool| bool.to_string()),
        Kind::Int => text.parse::<i64>().ok().map(|int| int.to_string()),
        Kind::Float | Kind::Number if text.parse::<f64>().is_ok_and(f64::is_finite) => {
            Some(text.to_string())
        }
        Kind::Record(_) => {
            let id = record_id(text).ok()?.to_sql();
            Some(if id.contains(['\'', '\\']) { id } else { format!("r'{id}'") })
        }
        Kind::Decimal => Some(format!("{}dec", decimal(text).ok()?)),
        Kind::Datetime | Kind::Duration | Kind::Uuid | Kind::Float => {
            from_text(text, kind).ok().map(|value| value.to_sql())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_ids_are_read_as_surrealql_writes_them() {
        let uuid: Uuid = "018f6f6e-1111-7000-8000-000000000000".parse().unwrap();
        for id in [
            RecordId::new("person", "one"),
            RecordId::new("person", 1),
            RecordId::new("person", -1),
            RecordId::new("person", "1"),
            RecordId::new("person", "1_000"),
            RecordId::new("person", ""),
            RecordId::new("person", "a b"),
            RecordId::new("person", "a`b\\c:d"),
            RecordId::new("person", "u'x'"),
            RecordId::new("we ird:`x", "a:b"),
            RecordId::new("", "a"),
            RecordId::new("person", uuid),
            RecordId::new("we ird", uuid),
            RecordId::new("person", "8424486b85b3"),
            RecordId::new("person", i64::MIN),
        ] {
            assert_eq!(record_id(&id.to_sql()).as_ref(), Ok(&id), "{}", id.to_sql());
        }
        for text in ["person", "", ":", ":a", "a:", "a b:c", "a:b c", "a:b:c", "person:[1]", "a:`b"]
        {
            assert!(record_id(text).is_err(), "{text} is {:?}", record_id(text));
        }
        // A number that no int holds would be another key as text.
        assert!(record_id("person:9223372036854775808").is_err());
        assert!(record_id("person:u'x'").unwrap_err().contains("not a uuid"));
    }

    #[test]
    fn regular_expressions_are_bounded() {
        for (pattern, expected) in [
            (r"a\/b".to_string(), None),
            (r"\\/".to_string(), None),
            ("(".to_string(), Some("unclosed group")),
            ("x".repeat(5000), Some("takes 5000 bytes, and 4096 are allowed")),
            (r"\w{90}".to_string(), Some("exceeds size limit")),
        ] {
            match (regex(&pattern), expected) {
                (Ok(regex), None) => assert_eq!(regex.regex().as_str(), pattern),
                (Err(reason), Some(expected)) => assert!(reason.contains(expected), "{reason}"),
                (result, _) => panic!("{pattern}: {result:?}"),
            }
        }
    }
}
