//! Compares a value with a kind, and converts it.

use std::collections::BTreeMap;
use std::mem;

use surrealdb_types::{Kind, KindLiteral, Number, Object, Set, Value};

use super::error::{CoerceError, Stop};
use super::none::admits_none;
use super::{MAX_DEPTH, MAX_STEPS, geojson, number, text};

/// Where a value comes from, which decides what it may be read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// SurrealQL or Rust, where each value has its kind.
    Values,
    /// JSON, where a text may stand for a datetime, an array for a set, and null for NONE.
    Json,
}

/// How well a value fits a kind. A container fits as its worst part does, a union as its best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    No,
    Converts,
    Exact,
}

impl Fit {
    fn converts_if(fits: bool) -> Self {
        if fits { Self::Converts } else { Self::No }
    }
}

/// Compares values with kinds, within the bounds of one call.
#[derive(Debug)]
pub(crate) struct Matcher {
    pub(super) source: Source,
    steps: u64,
    stop: Option<Stop>,
}

impl Matcher {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, steps: MAX_STEPS, stop: None }
    }

    /// Coerces a value.
    ///
    /// # Errors
    ///
    /// As [`coerce`](super::coerce).
    pub(crate) fn coerce(&mut self, mut value: Value, kind: &Kind) -> Result<Value, CoerceError> {
        self.coerce_in_place(&mut value, kind)?;
        Ok(value)
    }

    /// Coerces a value where it lies. After an error it is anything.
    ///
    /// # Errors
    ///
    /// As [`coerce`](super::coerce).
    pub(super) fn coerce_in_place(
        &mut self,
        value: &mut Value,
        kind: &Kind,
    ) -> Result<(), CoerceError> {
        match self.fit(value, kind, MAX_DEPTH) {
            Fit::Exact => Ok(()),
            Fit::Converts => {
                let converted = self.convert(value, kind, MAX_DEPTH);
                converted.map_err(|stop| CoerceError::stopped(stop).finish(kind))
            }
            Fit::No => Err(self.explain(value, kind)),
        }
    }

    /// Says how well a value fits a kind, without changing it.
    pub(super) fn fit(&mut self, value: &Value, kind: &Kind, depth: usize) -> Fit {
        let Ok(depth) = self.enter(depth) else { return Fit::No };
        match is_plainly(value, kind) {
            Some(true) => return Fit::Exact,
            Some(false) => return Fit::converts_if(self.converted(value, kind).is_some()),
            None => (),
        }
        match (kind, value) {
            (Kind::Either(kinds), _) => self.fit_either(value, kinds, depth),
            (Kind::Array(item, max), Value::Array(items)) => {
                self.fit_items(items.iter(), item, *max, depth)
            }
            (Kind::Set(item, max), Value::Set(items)) => {
                self.fit_items(items.iter(), item, *max, depth)
            }
            (Kind::Set(item, max), Value::Array(items)) if self.source == Source::Json => {
                self.fit_items(items.iter(), item, *max, depth).min(Fit::Converts)
            }
            (Kind::Literal(KindLiteral::Array(kinds)), Value::Array(items)) => {
                self.fit_tuple(items, kinds, depth)
            }
            (Kind::Literal(KindLiteral::Object(kinds)), Value::Object(fields)) => {
                self.fit_fields(fields, kinds, depth)
            }
            _ if self.is_exactly(value, kind) => Fit::Exact,
            _ => Fit::converts_if(self.converted(value, kind).is_some()),
        }
    }

    fn fit_either(&mut self, value: &Value, kinds: &[Kind], depth: usize) -> Fit {
        let mut best = Fit::No;
        for kind in kinds {
            best = best.max(self.fit(value, kind, depth));
            if best == Fit::Exact {
                break;
            }
        }
        best
    }

    fn fit_items<'a>(
        &mut self,
        items: impl ExactSizeIterator<Item = &'a Value> + Clone,
        kind: &Kind,
        max: Option<u64>,
        depth: usize,
    ) -> Fit {
        if max.is_some_and(|max| items.len() as u64 > max) {
            return Fit::No;
        }
        // Most lists are of one kind that one look tells.
        if items.clone().all(|item| is_plainly(item, kind) == Some(true)) {
            return if self.charge(items.len() as u64).is_ok() { Fit::Exact } else { Fit::No };
        }
        self.fit_all(items.map(|item| (item, kind)), depth)
    }

    fn fit_tuple(&mut self, items: &[Value], kinds: &[Kind], depth: usize) -> Fit {
        if items.len() != kinds.len() {
            return Fit::No;
        }
        self.fit_all(items.iter().zip(kinds), depth)
    }

    fn fit_all<'a>(
        &mut self,
        pairs: impl Iterator<Item = (&'a Value, &'a Kind)>,
        depth: usize,
    ) -> Fit {
        let mut worst = Fit::Exact;
        for (value, kind) in pairs {
            worst = worst.min(self.fit(value, kind, depth));
            if worst == Fit::No {
                break;
            }
        }
        worst
    }

    /// Both maps are in the order of their keys, so that one walk over both finds every difference.
    fn fit_fields(&mut self, fields: &Object, kinds: &BTreeMap<String, Kind>, depth: usize) -> Fit {
        let mut fields = fields.iter().peekable();
        let mut worst = Fit::Exact;
        for (name, kind) in kinds {
            let fit = match fields.next_if(|(field, _)| *field == name) {
                Some((_, value)) => self.fit(value, kind, depth),
                None => Fit::converts_if(self.add_field(name).is_ok() && admits_none(kind)),
            };
            worst = worst.min(fit);
            if worst == Fit::No {
                return worst;
            }
        }
        if fields.next().is_some() { Fit::No } else { worst }
    }

    /// Takes the steps for a field that is added, so that a small value cannot become a large one.
    fn add_field(&mut self, name: &str) -> Result<(), Stop> {
        const FIELD_STEPS: u64 = 16;
        self.charge(FIELD_STEPS + name.len() as u64)
    }

    /// Whether a value is of a kind that has no kinds inside.
    fn is_exactly(&mut self, value: &Value, kind: &Kind) -> bool {
        if let Some(is_exactly) = is_plainly(value, kind) {
            return is_exactly;
        }
        // The kinds that are lists take a step for each entry.
        let entries = match kind {
            Kind::Table(tables) | Kind::Record(tables) => tables.len(),
            Kind::File(buckets) => buckets.len(),
            _ => 0,
        };
        if self.charge(entries as u64).is_err() {
            return false;
        }
        match (kind, value) {
            // `is_kind` makes a copy of the bucket.
            (Kind::File(buckets), Value::File(file)) => {
                buckets.is_empty() || buckets.contains(&file.bucket)
            }
            // Left are those with kinds inside, and a value of another shape.
            (Kind::Either(_) | Kind::Array(..) | Kind::Set(..), _) => false,
            (Kind::Literal(KindLiteral::Array(_) | KindLiteral::Object(_)), _) => false,
            _ => value.is_kind(kind),
        }
    }

    /// Returns what a value becomes that is not of a kind without kinds inside, if anything.
    fn converted(&mut self, value: &Value, kind: &Kind) -> Option<Value> {
        match (kind, value) {
            (Kind::Int, Value::Number(number)) => {
                number::to_int(*number).map(|int| Value::Number(Number::Int(int)))
            }
            (Kind::Float, Value::Number(number)) => {
                let float = match self.source {
                    Source::Values => number::to_float(*number),
                    Source::Json => number::json_to_float(*number),
                };
                float.map(|float| Value::Number(Number::Float(float)))
            }
            (Kind::Decimal, Value::Number(number)) => {
                number::to_decimal(*number).map(|decimal| Value::Number(Number::Decimal(decimal)))
            }
            (Kind::Geometry(kinds), Value::Object(object)) => {
                let geometry = geojson::read(object, &mut |number| self.coordinate(number)).ok()?;
                let is_wanted = kinds.is_empty() || kinds.contains(&geometry.kind());
                is_wanted.then_some(Value::Geometry(geometry))
            }
            (Kind::Literal(literal), _) => {
                let value = self.converted(value, &kind_of(literal)?)?;
                literal.matches(&value).then_some(value)
            }
            _ if self.source == Source::Json => {
                self.charge(text::cost(value, kind)).ok()?;
                text::from_json(value, kind).ok().filter(|value| value.is_kind(kind))
            }
            _ => None,
        }
    }

    /// Converts a value that [`fit`](Self::fit)s.
    ///
    /// # Errors
    ///
    /// When that takes more steps than are left.
    fn convert(&mut self, value: &mut Value, kind: &Kind, depth: usize) -> Result<(), Stop> {
        let depth = self.enter(depth)?;
        match (kind, value) {
            (Kind::Either(kinds), value) => match self.choose(value, kinds, depth)? {
                Some(kind) => self.convert(value, kind, depth),
                None => Ok(()),
            },
            (Kind::Array(item, _), Value::Array(items)) => {
                items.iter_mut().try_for_each(|value| self.convert(value, item, depth))
            }
            (Kind::Set(item, _), set @ (Value::Set(_) | Value::Array(_))) => {
                let mut items = match mem::take(set) {
                    Value::Array(items) => items.into_vec(),
                    Value::Set(items) => items.into(),
                    _ => Vec::new(),
                };
                items.iter_mut().try_for_each(|value| self.convert(value, item, depth))?;
                *set = Value::Set(Set::from(items));
                Ok(())
            }
            (Kind::Literal(KindLiteral::Array(kinds)), Value::Array(items)) => {
                let mut pairs = items.iter_mut().zip(kinds);
                pairs.try_for_each(|(value, kind)| self.convert(value, kind, depth))
            }
            (Kind::Literal(KindLiteral::Object(kinds)), Value::Object(fields)) => {
                for (name, kind) in kinds {
                    match fields.get_mut(name) {
                        Some(value) => self.convert(value, kind, depth)?,
                        None => _ = fields.insert(name.clone(), Value::None),
                    }
                }
                Ok(())
            }
            (_, scalar) => {
                if !self.is_exactly(scalar, kind) {
                    *scalar = self.converted(scalar, kind).ok_or(Stop::TooComplex)?;
                }
                Ok(())
            }
        }
    }

    /// Returns the first kind that a value can be converted to, or none if it is of one already.
    fn choose<'a>(
        &mut self,
        value: &Value,
        kinds: &'a [Kind],
        depth: usize,
    ) -> Result<Option<&'a Kind>, Stop> {
        let mut first = None;
        for kind in kinds {
            match self.fit(value, kind, depth) {
                Fit::Exact => return Ok(None),
                Fit::Converts if first.is_none() => first = Some(kind),
                _ => (),
            }
        }
        first.map(Some).ok_or(Stop::TooComplex)
    }

    /// Goes one level down, and takes a step.
    #[inline]
    pub(super) fn enter(&mut self, depth: usize) -> Result<usize, Stop> {
        let Some(depth) = depth.checked_sub(1) else {
            self.stop.get_or_insert(Stop::TooDeep);
            return Err(Stop::TooDeep);
        };
        self.charge(1)?;
        Ok(depth)
    }

    /// Takes steps.
    #[inline]
    pub(super) fn charge(&mut self, steps: u64) -> Result<(), Stop> {
        let left = self.steps.checked_sub(steps);
        self.steps = left.unwrap_or(0);
        if left.is_none() {
            self.stop.get_or_insert(Stop::TooComplex);
        }
        left.map(|_| ()).ok_or(Stop::TooComplex)
    }

    /// Says why the comparison was given up, if it was.
    pub(super) fn stop(&self) -> Option<Stop> {
        self.stop
    }

    /// Returns a value as one of a kind that has no kinds inside.
    pub(super) fn scalar(&mut self, value: &Value, kind: &Kind) -> Option<Value> {
        if self.is_exactly(value, kind) { Some(value.clone()) } else { self.converted(value, kind) }
    }
}

/// Whether a value is of a kind, if one look at both tells, as it does for most kinds.
#[inline]
fn is_plainly(value: &Value, kind: &Kind) -> Option<bool> {
    Some(match kind {
        Kind::Any => true,
        Kind::None => matches!(value, Value::None),
        Kind::Null => matches!(value, Value::Null),
        Kind::Bool => matches!(value, Value::Bool(_)),
        Kind::Bytes => matches!(value, Value::Bytes(_)),
        Kind::Datetime => matches!(value, Value::Datetime(_)),
        Kind::Duration => matches!(value, Value::Duration(_)),
        Kind::Int => matches!(value, Value::Number(Number::Int(_))),
        Kind::Float => matches!(value, Value::Number(Number::Float(_))),
        Kind::Decimal => matches!(value, Value::Number(Number::Decimal(_))),
        Kind::Number => matches!(value, Value::Number(_)),
        Kind::Object => matches!(value, Value::Object(_)),
        Kind::String => matches!(value, Value::String(_)),
        Kind::Uuid => matches!(value, Value::Uuid(_)),
        Kind::Regex => matches!(value, Value::Regex(_)),
        Kind::Range => matches!(value, Value::Range(_)),
        _ => return None,
    })
}

/// Returns the kind of a literal that is neither an array nor an object.
pub(super) fn kind_of(literal: &KindLiteral) -> Option<Kind> {
    Some(match literal {
        KindLiteral::String(_) => Kind::String,
        KindLiteral::Integer(_) => Kind::Int,
        KindLiteral::Float(_) => Kind::Float,
        KindLiteral::Decimal(_) => Kind::Decimal,
        KindLiteral::Duration(_) => Kind::Duration,
        KindLiteral::Bool(_) => Kind::Bool,
        KindLiteral::Array(_) | KindLiteral::Object(_) => return None,
    })
}
