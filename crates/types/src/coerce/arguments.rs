//! The arguments of a call.

use surrealdb_types::{Kind, Value};

use super::error::CoerceError;
use super::matcher::{Matcher, Source};
use super::none::admits_none;
use super::render;
use crate::convert::NumberOutOfRange;

/// Length of a signature in a message, in characters, and of each kind in it.
const MAX_SIGNATURE: usize = 200;
const MAX_KIND: usize = 60;

/// Why arguments do not fit a signature.
///
/// The texts have everything that a caller needs: which argument, where in it, what was expected and
/// given. They are short and on one line.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// There are too many arguments, or too few.
    #[error("expected {} ({signature}), got {got}", argument_count(*.min, *.max))]
    Count {
        /// Arguments that are given.
        got: usize,
        /// Arguments that must be given: all but the trailing ones that may be NONE.
        min: usize,
        /// Arguments that may be given.
        max: usize,
        /// The parameters, shortened: `name: string, age: none | int`.
        signature: String,
    },

    /// Arguments given by name lack one.
    #[error("argument {} ({name}) is missing: the parameters are ({signature})", .index + 1)]
    Missing {
        /// The place of the parameter; the first is 0.
        index: usize,
        /// Its name.
        name: String,
        /// The parameters, shortened.
        signature: String,
    },

    /// An argument is given by a name that no parameter has.
    #[error("no parameter is named `{name}`: {}the parameters are ({signature})", did_you_mean(.near))]
    Unknown {
        /// The name, shortened.
        name: String,
        /// The names that are likely meant, the nearest first.
        near: Vec<String>,
        /// The parameters, shortened.
        signature: String,
    },

    /// JSON for arguments is neither an array nor an object.
    #[error(
        "expected an array of arguments, or an object by the names of the parameters ({signature}), got {got}"
    )]
    NotAList {
        /// What it is.
        got: String,
        /// The parameters, shortened.
        signature: String,
    },

    /// An argument is not what its parameter takes.
    #[error("argument {} ({name}): {error}", .index + 1)]
    Value {
        /// The place of the argument; the first is 0.
        index: usize,
        /// The name of its parameter, shortened.
        name: String,
        /// What is wrong with it.
        error: CoerceError,
    },

    /// A Rust integer among the arguments is out of range.
    #[error(transparent)]
    OutOfRange(#[from] NumberOutOfRange),
}

/// Coerces the arguments of a call to the kinds of its signature, as [`coerce`](super::coerce) does each.
///
/// Trailing arguments may be left out where their kind takes NONE (`option<…>`, `any`), and are NONE then.
/// Arguments that are of their kinds already are returned as they are.
///
/// # Errors
///
/// When there are too many or too few, or one cannot be coerced.
pub fn coerce_arguments(
    args: Vec<Value>,
    signature: &[(String, Kind)],
) -> Result<Vec<Value>, ArgumentError> {
    coerce_all(Matcher::new(Source::Values), args, signature)
}

/// Coerces arguments by position.
///
/// # Errors
///
/// As [`coerce_arguments`].
pub(crate) fn coerce_all(
    mut matcher: Matcher,
    mut args: Vec<Value>,
    signature: &[(String, Kind)],
) -> Result<Vec<Value>, ArgumentError> {
    if args.len() != signature.len() {
        let min = required(signature);
        if args.len() < min || args.len() > signature.len() {
            return Err(wrong_count(args.len(), min, signature));
        }
        args.resize(signature.len(), Value::None);
    }
    for (index, (arg, (name, kind))) in args.iter_mut().zip(signature).enumerate() {
        matcher.coerce_in_place(arg, kind).map_err(|error| ArgumentError::Value {
            index,
            name: render::name(name),
            error,
        })?;
    }
    Ok(args)
}

/// Counts the arguments that must be given.
fn required(signature: &[(String, Kind)]) -> usize {
    let last = signature.iter().rposition(|(_, kind)| !admits_none(kind));
    last.map_or(0, |last| last + 1)
}

#[cold]
fn wrong_count(got: usize, min: usize, signature: &[(String, Kind)]) -> ArgumentError {
    ArgumentError::Count { got, min, max: signature.len(), signature: signature_text(signature) }
}

/// Returns the parameters, shortened: `name: string, age: none | int`.
pub(crate) fn signature_text(signature: &[(String, Kind)]) -> String {
    let mut text = String::new();
    for (index, (name, kind)) in signature.iter().enumerate() {
        let separator = if index > 0 { ", " } else { "" };
        if text.chars().count() >= MAX_SIGNATURE {
            return text + separator + "…";
        }
        text += &format!("{separator}{}: {}", render::name(name), render::kind(kind, MAX_KIND));
    }
    text
}

/// Returns how many arguments a function takes: `1 argument`, `0 to 2 arguments`.
pub fn argument_count(min: usize, max: usize) -> String {
    match (min, max) {
        (0, 0) => "no arguments".to_string(),
        (1, 1) => "1 argument".to_string(),
        _ if min == max => format!("{max} arguments"),
        _ => format!("{min} to {max} arguments"),
    }
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() {
        return String::new();
    }
    format!("did you mean `{}`? ", near.join("`, `"))
}
