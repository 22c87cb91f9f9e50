//! Finds where and why a value does not fit a kind.

use std::collections::BTreeMap;

use surrealdb_types::{Kind, KindLiteral, Number, Object, Value};

use super::error::{CoerceError, CoerceReason};
use super::matcher::{Fit, Matcher, Source, kind_of};
use super::none::admits_none;
use super::path::PathSegment;
use super::{MAX_DEPTH, geojson, render, text};

/// Steps that reading a number of a position counts as.
const NUMBER_STEPS: u64 = 4;

/// Length of a kind that was expected, in characters.
const MAX_EXPECTED: usize = 60;

/// Steps that making an error counts as.
const ERROR_STEPS: u64 = 64;

impl Matcher {
    /// Returns the error of a value that does not fit.
    #[cold]
    pub(super) fn explain(&mut self, value: &Value, kind: &Kind) -> CoerceError {
        let error = match self.stop() {
            Some(stop) => CoerceError::stopped(stop),
            None => Self::new(self.source).find(value, kind, MAX_DEPTH),
        };
        error.finish(kind)
    }

    /// Finds what is wrong with a value that does not fit; as far as the steps last, in its parts.
    fn find(&mut self, value: &Value, kind: &Kind, depth: usize) -> CoerceError {
        let whole = |matcher: &Self| matcher.mismatch(value, kind);
        let Ok(depth) = self.enter(depth) else { return whole(self) };
        if self.charge(ERROR_STEPS).is_err() {
            return whole(self);
        }
        let in_parts = match (kind, value) {
            (Kind::Either(kinds), _) => self.find_in_union(value, kind, kinds, depth),
            (Kind::Array(item, max), Value::Array(items)) => {
                self.find_in_items(items.iter(), item, *max, depth)
            }
            (Kind::Set(item, max), Value::Set(items)) => {
                self.find_in_items(items.iter(), item, *max, depth)
            }
            (Kind::Set(item, max), Value::Array(items)) if self.source == Source::Json => {
                self.find_in_items(items.iter(), item, *max, depth)
            }
            (Kind::Literal(KindLiteral::Array(kinds)), Value::Array(items)) => {
                if items.len() == kinds.len() {
                    self.find_in(items.iter().zip(kinds), depth)
                } else {
                    Some(wrong_length(render::elements(kinds.len()), items.len()))
                }
            }
            (Kind::Literal(KindLiteral::Object(kinds)), Value::Object(fields)) => {
                self.find_in_fields(fields, kinds, depth)
            }
            (Kind::Geometry(_), Value::Object(object)) => {
                let read = geojson::read(object, &mut |number| self.coordinate(number));
                Some(match read {
                    Ok(geometry) => self.mismatch(&Value::Geometry(geometry), kind),
                    Err(error) => error,
                })
            }
            _ => None,
        };
        in_parts.unwrap_or_else(|| whole(self))
    }

    /// Of a union's members, the one that is nearest to the value says what is wrong.
    fn find_in_union(
        &mut self,
        value: &Value,
        union: &Kind,
        kinds: &[Kind],
        depth: usize,
    ) -> Option<CoerceError> {
        let mut nearest: Option<CoerceError> = None;
        for kind in kinds {
            let error = self.find(value, kind, depth);
            if nearest.as_ref().is_none_or(|nearest| rank(&error) > rank(nearest)) {
                nearest = Some(error);
            }
            if self.stop().is_some() {
                break;
            }
        }
        let error = nearest?;
        let is_whole = error.depth() == 0 && !error.expected().is_empty();
        Some(if is_whole { error.expecting(render::kind(union, MAX_EXPECTED)) } else { error })
    }

    fn find_in_items<'a>(
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
        self.find_in(items.map(|item| (item, kind)), depth)
    }

    fn find_in<'a>(
        &mut self,
        mut pairs: impl Iterator<Item = (&'a Value, &'a Kind)>,
        depth: usize,
    ) -> Option<CoerceError> {
        let mut index = 0;
        let (value, kind) = pairs.find(|(value, kind)| {
            index += 1;
            self.fit(value, kind, depth) == Fit::No
        })?;
        Some(self.find(value, kind, depth).within(PathSegment::Index(index - 1)))
    }

    fn find_in_fields(
        &mut self,
        fields: &Object,
        kinds: &BTreeMap<String, Kind>,
        depth: usize,
    ) -> Option<CoerceError> {
        let unknown = || fields.keys().filter(|field| !kinds.contains_key(*field));
        for (name, kind) in kinds {
            let error = match fields.get(name) {
                Some(value) if self.fit(value, kind, depth) == Fit::No => {
                    self.find(value, kind, depth)
                }
                None if !admits_none(kind) => {
                    missing_field(name, kind, unknown().map(String::as_str))
                }
                _ => continue,
            };
            return Some(error.within(PathSegment::Field(name.clone())));
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

    /// Reads a number of a GeoJSON position.
    pub(super) fn coordinate(&mut self, value: &Value) -> Result<Value, CoerceError> {
        self.charge(NUMBER_STEPS).map_err(CoerceError::stopped)?;
        self.scalar(value, &Kind::Float).ok_or_else(|| self.mismatch(value, &Kind::Float))
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
            Value::Bytes(_) if matches!(kind, Kind::Array(item, _) if is_number(item)) => error
                .note(
                    "pass an array of numbers, or declare the parameter as `Bytes`, not `Vec<u8>`",
                ),
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

fn is_number(kind: &Kind) -> bool {
    matches!(kind, Kind::Number | Kind::Int)
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
