//! What a value that cannot be coerced is told.

use std::fmt;

use surrealdb_types::Kind;

use super::path::PathSegment;
use super::{MAX_DEPTH, MAX_STEPS, render};

/// Length of a path in a message, in characters, and of a kind.
const MAX_PATH: usize = 120;
const MAX_KIND: usize = 120;

/// Why a value cannot be coerced to a kind, and where in it.
///
/// The text has the path first, then what was expected and given, what to do, and the whole kind:
/// ``items[3].unit_price: expected decimal, got string '12.50': write 12.50dec (in { … })``. It quotes a
/// few dozen characters of the value and of the kind, escaped, so that it can be logged.
#[derive(Clone)]
pub struct CoerceError(Box<Details>);

#[derive(Clone)]
struct Details {
    reason: CoerceReason,
    /// From the innermost to the outermost.
    path: Vec<PathSegment>,
    expected: String,
    got: String,
    note: String,
    /// The whole kind; empty where it is what was expected.
    whole: String,
}

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CoerceReason {
    /// It is of a kind that never becomes the one that was expected.
    WrongKind,
    /// It is of the kind of a literal, and another value.
    WrongLiteral,
    /// A text of JSON does not read as what was expected.
    InvalidText,
    /// A number would lose digits or its fraction.
    Inexact,
    /// A number is outside of the range of the kind.
    OutOfRange,
    /// An array or a set has too many elements, or not as many as the kind says.
    Length,
    /// An object lacks a field.
    MissingField,
    /// An object has a field that the kind does not have.
    UnknownField,
    /// An object is not GeoJSON.
    InvalidGeometry,
    /// The value and the kind are nested more than [`MAX_DEPTH`] levels deep.
    TooDeep,
    /// Comparing the value with the kind takes more than [`MAX_STEPS`] steps.
    TooComplex,
}

/// Why a comparison was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    TooDeep,
    TooComplex,
}

impl CoerceError {
    pub(crate) fn new(
        reason: CoerceReason,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Self(Box::new(Details {
            reason,
            path: Vec::new(),
            expected: expected.into(),
            got: got.into(),
            note: String::new(),
            whole: String::new(),
        }))
    }

    pub(crate) fn stopped(stop: Stop) -> Self {
        Self::new(
            match stop {
                Stop::TooDeep => CoerceReason::TooDeep,
                Stop::TooComplex => CoerceReason::TooComplex,
            },
            "",
            "",
        )
    }

    /// Adds why, or what to do.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.0.note = note.into();
        self
    }

    pub(super) fn with_reason(mut self, reason: CoerceReason) -> Self {
        self.0.reason = reason;
        self
    }

    pub(super) fn expecting(mut self, expected: String) -> Self {
        self.0.expected = expected;
        self
    }

    /// Returns the error of the value that has this one's value at a place in it.
    pub(crate) fn within(mut self, segment: PathSegment) -> Self {
        self.0.path.push(segment);
        self
    }

    /// Adds the whole kind, where only a part of it was expected.
    pub(super) fn finish(mut self, kind: &Kind) -> Self {
        if !self.0.path.is_empty() {
            self.0.whole = render::kind(kind, MAX_KIND);
        }
        self
    }

    /// Returns how many segments the path has.
    pub(super) fn depth(&self) -> usize {
        self.0.path.len()
    }

    pub(super) fn has_note(&self) -> bool {
        !self.0.note.is_empty()
    }

    /// Returns what is wrong.
    pub fn reason(&self) -> CoerceReason {
        self.0.reason
    }

    /// Returns the way from the whole value to the part that is wrong; empty for the whole.
    pub fn path(&self) -> impl DoubleEndedIterator<Item = &PathSegment> {
        self.0.path.iter().rev()
    }

    /// Returns what was expected at the end of the path: a kind, shortened, or a few words. Empty for
    /// [`UnknownField`](CoerceReason::UnknownField), [`TooDeep`](CoerceReason::TooDeep) and
    /// [`TooComplex`](CoerceReason::TooComplex).
    pub fn expected(&self) -> &str {
        &self.0.expected
    }

    /// Returns what is there instead, shortened: `string '12.50'`. Empty where
    /// [`expected`](Self::expected) is.
    pub fn got(&self) -> &str {
        &self.0.got
    }
}

impl fmt::Display for CoerceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { reason, expected, got, note, whole, .. } = &*self.0;
        if self.depth() > 0 {
            write!(f, "{}: ", render::path(self.path(), MAX_PATH))?;
        }
        match reason {
            CoerceReason::UnknownField => f.write_str("unknown field")?,
            CoerceReason::TooDeep => {
                write!(f, "it is nested more than {MAX_DEPTH} levels deep: flatten it")?;
            }
            CoerceReason::TooComplex => {
                write!(f, "it takes more than {MAX_STEPS} steps to compare it with its kind: ")?;
                f.write_str("pass less at once, or use a kind with smaller unions")?;
            }
            _ => write!(f, "expected {expected}, got {got}")?,
        }
        if !note.is_empty() {
            write!(f, ": {note}")?;
        }
        if !whole.is_empty() {
            write!(f, " (in {whole})")?;
        }
        Ok(())
    }
}

/// The text of `Display`, once, beside the reason.
impl fmt::Debug for CoerceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CoerceError").field(&self.0.reason).field(&self.to_string()).finish()
    }
}

impl std::error::Error for CoerceError {}
