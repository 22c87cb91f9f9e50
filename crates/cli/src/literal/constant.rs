//! Constants that are not literals: `r'person:1'`, `(- 1)`, `-(-2)`, `1 + 1`, and arrays of these.
//!
//! The parser of values takes literals alone. What is here is rewritten to them, and everything else needs a
//! database.

use surrealdb_types::{Array, Number, ToSql, Value};

/// Levels of parentheses and signs. More is not written by hand.
const MAX_DEPTH: usize = 32;

/// Returns the value of a constant; `None` if it is not one. `literal` parses a literal.
pub(super) fn evaluate(text: &str, literal: &impl Fn(&str) -> Option<Value>) -> Option<Value> {
    let text = record_ids_unquoted(text, literal)?;
    Evaluator { literal }.value(&text, MAX_DEPTH)
}

struct Evaluator<'a, L> {
    literal: &'a L,
}

impl<L: Fn(&str) -> Option<Value>> Evaluator<'_, L> {
    fn value(&self, text: &str, depth: usize) -> Option<Value> {
        let (text, depth) = (text.trim(), depth.checked_sub(1)?);
        if let Some(value) = (self.literal)(text) {
            return Some(value);
        }
        if let Some((left, operator, right)) = last_operator(text) {
            let (left, right) = (self.value(left, depth)?, self.value(right, depth)?);
            return calculate(left, operator, right);
        }
        if let Some(rest) = text.strip_prefix('-') {
            return negate(self.value(rest, depth)?);
        }
        if let Some(rest) = text.strip_prefix('+') {
            return self.value(rest, depth).filter(|value| matches!(value, Value::Number(_)));
        }
        if let Some(inner) = enclosed(text, '(', ')') {
            return self.value(inner, depth);
        }
        let items = enclosed(text, '[', ']')?;
        let items = split(items, ',').map(|item| self.value(item, depth));
        Some(Value::Array(Array::from(items.collect::<Option<Vec<_>>>()?)))
    }
}

fn negate(value: Value) -> Option<Value> {
    Some(Value::Number(match value {
        Value::Number(Number::Int(int)) => Number::Int(int.checked_neg()?),
        Value::Number(Number::Float(float)) => Number::Float(-float),
        Value::Number(Number::Decimal(decimal)) => Number::Decimal(-decimal),
        _ => return None,
    }))
}

/// Calculates with ints. Other kinds have rules that are the database's.
fn calculate(left: Value, operator: char, right: Value) -> Option<Value> {
    let (Value::Number(Number::Int(left)), Value::Number(Number::Int(right))) = (left, right)
    else {
        return None;
    };
    let result = match operator {
        '+' => left.checked_add(right),
        '-' => left.checked_sub(right),
        _ => left.checked_mul(right),
    };
    Some(Value::Number(Number::Int(result?)))
}

/// Returns the operator that is computed last, and what it is between. It has spaces around it, as `-` may
/// be in a datetime or a uuid.
fn last_operator(text: &str) -> Option<(&str, char, &str)> {
    let outside = outside(text);
    for operators in [&['+', '-'][..], &['*'][..]] {
        let found = outside.iter().rev().find(|(index, c)| {
            operators.contains(c)
                && text[..*index].ends_with(' ')
                && text[index + 1..].starts_with(' ')
                // Otherwise it is a sign.
                && text[..*index].trim_end().ends_with(|c: char| c.is_alphanumeric() || ")'\"".contains(c))
        });
        if let Some((index, operator)) = found {
            return Some((&text[..*index], *operator, &text[index + 1..]));
        }
    }
    None
}

/// Returns the text between two brackets that enclose all of it.
fn enclosed(text: &str, open: char, close: char) -> Option<&str> {
    let inner = text.strip_prefix(open)?.strip_suffix(close)?;
    // `(1) + (2)` is not enclosed.
    balanced(inner).then_some(inner)
}

fn balanced(text: &str) -> bool {
    let mut depth = 0_usize;
    for (_, c) in unquoted(text) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => return false,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

/// Splits a text at a character outside of brackets and quotes.
fn split(text: &str, at: char) -> impl Iterator<Item = &str> {
    let cuts = outside(text).into_iter().filter(move |(_, c)| *c == at).map(|(index, _)| index);
    let ends = cuts.clone().chain([text.len()]);
    let starts = [0].into_iter().chain(cuts.map(|cut| cut + 1));
    let parts: Vec<&str> = starts.zip(ends).map(|(start, end)| &text[start..end]).collect();
    // A comma may follow the last item, and `[]` has none.
    let count = parts.len() - usize::from(parts.last().is_some_and(|last| last.trim().is_empty()));
    parts.into_iter().take(count)
}

/// Returns the characters outside of brackets and quotes, with their places.
fn outside(text: &str) -> Vec<(usize, char)> {
    let mut depth = 0_usize;
    let mut found = Vec::new();
    for (index, c) in unquoted(text) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => found.push((index, c)),
            _ => {}
        }
    }
    found
}

/// Returns the characters outside of quotes, with their places.
fn unquoted(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut quote, mut escaped) = (None, false);
    text.char_indices().filter(move |(_, c)| match (quote, *c) {
        (Some(_), _) if escaped => {
            escaped = false;
            false
        }
        (Some(_), '\\') => {
            escaped = true;
            false
        }
        (Some(mark), c) => {
            if c == mark {
                quote = None;
            }
            false
        }
        (None, c @ ('\'' | '"' | '`')) => {
            quote = Some(c);
            false
        }
        (None, _) => true,
    })
}

/// Rewrites each `r'person:1'` to `person:1`. `None` if one is not a record id.
fn record_ids_unquoted(text: &str, literal: &impl Fn(&str) -> Option<Value>) -> Option<String> {
    let (mut result, mut rest) = (String::new(), text);
    while let Some(start) = prefix_of_record_id(rest) {
        let quoted = &rest[start + 1..];
        let end = end_of_quoted(quoted)?;
        let Value::String(id) = literal(&quoted[..end])? else { return None };
        let Value::RecordId(id) = literal(&id)? else { return None };
        result += &rest[..start];
        result += &id.to_sql();
        rest = &quoted[end..];
    }
    Some(result + rest)
}

/// Returns where an `r` before a quote is, outside of quotes and words.
fn prefix_of_record_id(text: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    unquoted(text).map(|(index, _)| index).find(|index| {
        text[*index..].starts_with(['r'])
            && text[index + 1..].starts_with(['\'', '"'])
            && !text[..*index].ends_with(is_word)
    })
}

/// Returns the length of the quoted text at the beginning of a text.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    let (_, quote) = characters.next()?;
    let mut escaped = false;
    for (index, c) in characters {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Some(index + 1),
            _ => {}
        }
    }
    None
}
