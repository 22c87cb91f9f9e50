//! Finds where and why a value does not fit a kind.

use std::collections::BTreeMap;

use surrealdb_types::{Kind, KindLiteral, Number, Object, Value};

use super::arguments::admits_none;
use super::matcher::{Matcher, Source, kind_of};
use super::{CoerceError, CoerceReason, MAX_DEPTH, PathSegment, geojson, render, text};

/// Length of a kind that was expected, in characters; of the names of fields.
const MAX_EXPECTED: usize = 60;

impl Matcher {
    /// Returns the error of a value that does not fit.
    #[cold]
    pub(super) fn explain(&mut self, value: &Value, kind: &Kind) -> CoerceError {
        let error = match self.stop() {
            Some(stop) => CoerceError::stopped(stop),
            None => {
                let found = Self::new(self.source).check(value, kind, MAX_DEPTH);
                found.unwrap_or_else(|| self.mismatch(value, kind))
            }
        };
        error.finish(kind)
    }

    /// Returns what is wrong with a value first, or nothing if it fits.
    fn check(&mut self, value: &Value, kind: &Kind, depth: usize) -> Option<CoerceError> {
        let depth = match self.enter(depth) {
            Ok(depth) => depth,
            Err(stop) => return Some(CoerceError::stopped(stop)),
        };
        match (kind, value) {
            (Kind::Either(kinds), _) => self.check_either(value, kind, kinds, depth),
            (Kind::Array(item, max), Value::Array(items)) => {
                self.check_items(items.iter(), item, *max, depth)
            }
            (Kind::Set(item, max), Value::Set(items)) => {
                self.check_items(items.iter(), item, *max, depth)
            }
            (Kind::Set(item, max), Value::Array(items)) if self.source == Source::Json => {
                self.check_items(items.iter(), item, *max, depth)
            }
            (Kind::Literal(KindLiteral::Array(kinds)), Value::Array(items)) => {
                if items.len() != kinds.len() {
                    return Some(wrong_length(render::elements(kinds.len()), items.len()));
                }
                self.check_all(items.iter().zip(kinds), depth)
            }
            (Kind::Literal(KindLiteral::Object(kinds)), Value::Object(fields)) => {
                self.check_fields(fields, kinds, depth)
            }
            _ if self.scalar(value, kind).is_some() => None,
            (Kind::Geometry(_), Value::Object(object)) => Some(match geojson::read(object, self) {
                Ok(geometry) => self.mismatch(&Value::Geometry(geometry), kind),
                Err(error) => error,
            }),
            _ => Some(self.mismatch(value, kind)),
        }
    }

    /// Of a union's members, the one that is nearest to the value says what is wrong.
    fn check_either(
        &mut self,
        value: &Value,
        union: &Kind,
        kinds: &[Kind],
        depth: usize,
    ) -> Option<CoerceError> {
        let mut nearest: Option<CoerceError> = None;
        for kind in kinds {
            let error = self.check(value, kind, depth)?;
            if nearest.as_ref().is_none_or(|nearest| rank(&error) > rank(nearest)) {
                nearest = Some(error);
            }
        }
        let error = nearest.unwrap_or_else(|| self.mismatch(value, union));
        let is_whole = error.depth() == 0 && !error.expected().is_empty();
        Some(if is_whole { error.expecting(render::kind(union, MAX_EXPECTED)) } else { error })
    }

    fn check_items<'a>(
        &mut self,
        items: impl ExactSizeIterator<Item = &'a Value>,
        kind: &Kind,
        max: Option<u64>,
        depth: usize,
    ) -> Option<CoerceError> {
        if let Some(max) = max.filter(|max| items.len() as u64 > *max) {
            let expected = format!("at most {}", render::elements(max as usize));
            return Some(wrong_length(expected, items.len()));
        }
        self.check_all(items.map(|item| (item, kind)), depth)
    }

    fn check_all<'a>(
        &mut self,
        pairs: impl Iterator<Item = (&'a Value, &'a Kind)>,
        depth: usize,
    ) -> Option<CoerceError> {
        pairs.enumerate().find_map(|(index, (value, kind))| {
            Some(self.check(value, kind, depth)?.within(PathSegment::Index(index)))
        })
    }

    fn check_fields(
        &mut self,
        fields: &Object,
        kinds: &BTreeMap<String, Kind>,
        depth: usize,
    ) -> Option<CoerceError> {
        let unknown = || fields.keys().filter(|field| !kinds.contains_key(*field));
        for (name, kind) in kinds {
            let at = |error: CoerceError| error.within(PathSegment::Field(name.clone()));
            match fields.get(name) {
                Some(value) => {
                    if let Some(error) = self.check(value, kind, depth) {
                        return Some(at(error));
                    }
                }
                None if admits_none(kind) => (),
                None => return Some(at(missing_field(name, kind, unknown().map(String::as_str)))),
            }
        }
        let unknown = unknown().next()?;
        let left = kinds.keys().filter(|name| !fields.contains_key(*name)).map(String::as_str);
        let note = match render::nearest(unknown, left) {
            near if near.is_empty() => format!("the fields are {}", names(kinds)),
            near => format!("did you mean `{}`?", near.join("`, `")),
        };
        let error = CoerceError::new(CoerceReason::UnknownField, "", "").note(note);
        Some(error.within(PathSegment::Field(unknown.clone())))
    }

    /// Returns the error of a value that is of another kind, as a whole.
    pub(super) fn mismatch(&self, value: &Value, kind: &Kind) -> CoerceError {
        let expected = render::kind(kind, MAX_EXPECTED);
        let reason = match kind {
            Kind::Literal(literal) if is_of_literal(value, literal) => CoerceReason::WrongLiteral,
            _ => CoerceReason::WrongKind,
        };
        let error = CoerceError::new(reason, expected, render::described(value));
        match value {
            Value::Number(number) => number_error(error, *number, kind),
            Value::String(text) if self.source == Source::Values => {
                let hint = text::literal_hint(text, kind);
                hint.map_or(error.clone(), |hint| error.note(hint))
            }
            _ if self.source == Source::Json => match text::from_json(value, kind) {
                Err(reason) if !reason.is_empty() => {
                    error.with_reason(CoerceReason::InvalidText).note(render::reason(&reason))
                }
                _ => error,
            },
            Value::Array(_) if matches!(kind, Kind::Set(..)) => {
                error.note("write a set as {1, 2}, {1,} or {,}")
            }
            _ => error,
        }
    }
}

/// Returns how much an error says of the value that was meant: how far in it the mistake is, and what it
/// is. A member of a union with another literal or other fields is likely not the one that was meant.
fn rank(error: &CoerceError) -> (usize, u8, bool) {
    let what = match error.reason() {
        CoerceReason::WrongLiteral | CoerceReason::MissingField | CoerceReason::UnknownField => 0,
        CoerceReason::WrongKind => 1,
        _ => 2,
    };
    (error.depth(), what, error.has_note())
}

/// Whether a value differs from a scalar literal in no more than what it is.
fn is_of_literal(value: &Value, literal: &KindLiteral) -> bool {
    kind_of(literal).is_some_and(|kind| value.is_kind(&kind))
}

fn wrong_length(expected: String, length: usize) -> CoerceError {
    CoerceError::new(CoerceReason::Length, expected, render::elements(length))
}

fn missing_field<'a>(
    name: &str,
    kind: &Kind,
    unknown: impl Iterator<Item = &'a str>,
) -> CoerceError {
    let near = render::nearest(name, unknown);
    let note = match near.first() {
        Some(near) => format!("the field is missing, and there is `{near}`"),
        None => "the field is missing".to_string(),
    };
    let expected = render::kind(kind, MAX_EXPECTED);
    CoerceError::new(CoerceReason::MissingField, expected, "nothing").note(note)
}

fn names(kinds: &BTreeMap<String, Kind>) -> String {
    const MOST: usize = 8;
    let mut names: Vec<_> = kinds.keys().take(MOST).map(|name| render::name(name)).collect();
    if kinds.len() > MOST {
        names.push("…".to_string());
    }
    if names.is_empty() { "none".to_string() } else { names.join(", ") }
}

fn number_error(error: CoerceError, number: Number, kind: &Kind) -> CoerceError {
    let (reason, note) = match (kind, number) {
        (Kind::Int, Number::Float(float)) if !float.is_finite() => {
            (CoerceReason::OutOfRange, "it is not a finite number")
        }
        (Kind::Int, Number::Float(float)) if float.fract() != 0.0 => {
            (CoerceReason::Inexact, "it has a fraction")
        }
        (Kind::Int, Number::Decimal(decimal)) if !decimal.fract().is_zero() => {
            (CoerceReason::Inexact, "it has a fraction")
        }
        (Kind::Int, _) => {
            (CoerceReason::OutOfRange, "it is out of range for a 64-bit signed integer")
        }
        (Kind::Float, _) => (CoerceReason::Inexact, "a float does not hold all of its digits"),
        (Kind::Decimal, Number::Float(float)) if !float.is_finite() => {
            (CoerceReason::OutOfRange, "it is not a finite number")
        }
        (Kind::Decimal, Number::Float(float)) if float.abs() >= 1.0 => {
            (CoerceReason::OutOfRange, "it is out of range for a decimal")
        }
        (Kind::Decimal, _) => (CoerceReason::Inexact, "a decimal does not hold all of its digits"),
        _ => return error,
    };
    error.with_reason(reason).note(note)
}
