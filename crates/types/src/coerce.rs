//! Coerces values to the kinds of a signature, as SurrealDB coerces arguments before it calls a function.
//!
//! [`coerce`] takes one value, [`coerce_arguments`] the arguments of a call. A value that is of its kind
//! already is returned as it is: that costs a comparison and allocates nothing.
//!
//! ```
//! use surrealdb_types::{Kind, SurrealValue, ToSql, Value};
//! use surrealism_types::coerce::coerce;
//!
//! let prices = Kind::Array(Box::new(Kind::Float), None);
//! let value = Value::from_t(vec![1_i64.into_value(), 0.5_f64.into_value()]);
//! assert_eq!(coerce(value, &prices)?.to_sql(), "[1f, 0.5f]");
//!
//! let error = coerce(Value::from_t(vec![true]), &prices).unwrap_err();
//! assert!(error.to_string().starts_with("[0]: expected float, got bool true"));
//! # Ok::<(), surrealism_types::coerce::CoerceError>(())
//! ```
//!
//! # What is coerced to what
//!
//! | kind | takes, beside its own values |
//! |---|---|
//! | `int` | floats and decimals without a fraction, in the range of 64 bits; `-0f` becomes `0` |
//! | `float` | ints that a float holds exactly; decimals whose digits it holds: `0.1dec` becomes `0.1f` |
//! | `decimal` | ints; floats whose digits a decimal holds: `0.1f` becomes `0.1dec` |
//! | `number` | nothing: it is any of the three |
//! | `array<K>`, `array<K, N>` | arrays (of at most `N` elements) whose elements can be coerced to `K` |
//! | `set<K>`, `set<K, N>` | sets whose elements can be coerced; elements that become equal are merged |
//! | `[K, L]` | arrays of as many elements, each coerced to its kind |
//! | `{ a: K, b: L }` | objects with these fields; one whose kind takes NONE may be left out, and is NONE |
//! | `geometry`, `geometry<point>` | GeoJSON objects: the seven types, collections inside collections |
//! | `1`, `1.5f`, `2dec` (literals) | other numbers of the same value |
//! | <code>K &#124; L</code>, `option<K>` | what is of none of them: coerced to the first that takes it |
//! | all others | nothing |
//!
//! A conversion never loses anything. An int beyond 2^53 that is between two floats is refused and not
//! rounded. Arrays do not become sets, as in SurrealDB 3. A text does not become a record
//! id, a datetime or a number: the error has the literal to write. NaN, infinities and `-0f` stay as
//! they are where a float or a number is wanted.
//!
//! In GeoJSON, the object has its type and its coordinates (`geometries` for a collection) and nothing
//! else, and each position has two numbers, longitude and latitude. As in SurrealDB, an open ring is
//! closed, and the number of positions is not checked.
//!
//! # Bounds
//!
//! Kinds come from archives and values from callers, so neither is trusted: a value and a kind are
//! compared to [`MAX_DEPTH`] levels and in [`MAX_STEPS`] steps, and errors quote a few dozen characters
//! of either.

mod arguments;
mod covers;
mod error;
mod explain;
mod geojson;
mod kind_text;
mod matcher;
mod none;
mod number;
mod path;
mod render;
mod text;

use surrealdb_types::{Kind, Value};

pub use self::arguments::{ArgumentError, argument_count, coerce_arguments};
pub use self::covers::covers;
pub use self::error::{CoerceError, CoerceReason};
pub use self::kind_text::{KindError, MAX_KIND_BYTES, parse_kind};
pub use self::path::PathSegment;

pub(crate) use self::arguments::{coerce_all, signature_text};
pub(crate) use self::error::Stop;
pub(crate) use self::matcher::{Matcher, Source};
pub(crate) use self::none::admits_none;
pub(crate) use self::render::{described, name as shortened_name, nearest};

/// Levels of a kind that are compared with a value. Kinds in archives have at most 129.
pub const MAX_DEPTH: usize = 256;

/// Pairs of a value and a kind that are compared for one call, which takes a fraction of a second. Without
/// unions there is one for each part of a value; so many parts are more than a guest's memory holds.
pub const MAX_STEPS: u64 = 1 << 24;

/// Coerces a value to a kind; see [the table](self#what-is-coerced-to-what).
///
/// # Errors
///
/// When the value is neither of the kind nor can become it without a loss, or the comparison exceeds
/// [`MAX_DEPTH`] or [`MAX_STEPS`]. The error says where in the value, what was expected and what to
/// write instead.
pub fn coerce(value: Value, kind: &Kind) -> Result<Value, CoerceError> {
    Matcher::new(Source::Values).coerce(value, kind)
}
