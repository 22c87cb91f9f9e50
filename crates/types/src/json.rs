//! Reads and writes values as JSON, by the kinds of a signature.
//!
//! JSON has fewer kinds than SurrealQL, so a text stands for a datetime where the kind asks for one, and
//! an array for a set. [`from_json`] reads a value by its kind, [`arguments_from_json`] the arguments of a
//! call. [`to_json`] writes the plain form, which is for people and for other programs;
//! [`to_json_lossless`] one that says the kind wherever JSON itself does not. Both forms are read alike.
//!
//! ```
//! use serde_json::json;
//! use surrealdb_types::{Kind, ToSql};
//! use surrealism_types::json::{arguments_from_json, to_json};
//!
//! let signature = [("due".to_string(), Kind::Datetime), ("price".to_string(), Kind::Decimal)];
//! let json = json!({ "due": "2026-01-31T12:00:00Z", "price": "12.50" });
//! let args = arguments_from_json(&json, &signature)?;
//! assert_eq!(args[0].to_sql(), "d'2026-01-31T12:00:00Z'");
//! assert_eq!(args[1].to_sql(), "12.50dec");
//! assert_eq!(to_json(&args[1]), json!("12.50"));
//! # Ok::<(), surrealism_types::coerce::ArgumentError>(())
//! ```
//!
//! # The forms
//!
//! | kind | plain form | is read from, beside its plain form |
//! |---|---|---|
//! | `none` | `null` | |
//! | `null` | `null` | |
//! | `bool` | `true` | |
//! | `int` | `12` | a number without a fraction: `12.0` |
//! | `float` | `1.5`; `"NaN"`, `"Infinity"`, `"-Infinity"` | any number that a float holds |
//! | `decimal` | `"12.50"` | any number that a decimal holds |
//! | `number` | that of the kind that the number has | |
//! | `string` | `"text"` | |
//! | `datetime` | `"2026-01-31T12:00:00Z"` (RFC 3339) | another offset than `Z`, or the date alone |
//! | `duration` | `"1h30m"` | |
//! | `uuid` | `"018f6f6e-1111-7000-8000-000000000000"` | |
//! | `bytes` | `"AP8="` (base64 with padding, RFC 4648) | an array of numbers from 0 to 255 |
//! | `table` | `"person"` | |
//! | `record` | `"person:1"`, ``"person:`1`"`` for a text, `"person:u'018f…'"` for a uuid | |
//! | `record` with another key | `{ "table": "weather", "key": ["London", 7] }` | |
//! | `file` | `{ "bucket": "photos", "key": "/cat.png" }` | |
//! | `regex` | `"a+"`: the pattern, without slashes | |
//! | `range` | `{ "start": { "included": 1 }, "end": { "excluded": 5 } }`; an open end is left out | |
//! | `geometry` | GeoJSON | |
//! | `array`, `[K, L]` | an array | |
//! | `set` | an array, in the set's order | an array in any order; equal elements are merged |
//! | `object`, `{ a: K }` | an object | a field whose kind takes NONE may be left out |
//! | `any` | | what JSON itself says: `null` is NULL, a number without a fraction or exponent an int |
//!
//! `null` is NULL where the kind takes NULL, and NONE where it takes only NONE: `option<int>`. For a union,
//! what JSON itself says is taken if it is of one of the kinds; otherwise the first kind that can be
//! read: `"x"` is a string for `datetime | string`.
//!
//! The plain form reads back to an equal value by every kind that says what is in it. It does not where
//! the kind leaves that open: `any`, `object`, `array` and `set` of these, and unions of kinds that share
//! a form, as `string | datetime`. What is inside a `range`, and inside the key of a record, is
//! of any kind, and has the lossless form always.
//!
//! # The lossless form
//!
//! Every value that JSON does not tell by itself is an object with one member, the kind with a `$` before
//! it: `{ "$datetime": "2026-01-31T12:00:00Z" }`. Inside is the plain form. The tags are `$none` (of
//! `null`), `$int`, `$float`, `$decimal`, `$datetime`, `$duration`, `$uuid`, `$bytes`, `$table`, `$record`,
//! `$file`, `$regex`, `$range`, `$geometry`, `$set` and `$object`. `$int` holds ints beyond 2^53 as text,
//! `$float` floats without a fraction, since other programs write `1.0` as `1`. It reads back to an equal
//! value by every kind that the value is of, `any` among them.
//!
//! Tags are read wherever a value is, whatever its kind. An object that has one member with the name of a
//! tag is written as `{ "$object": { … } }` in both forms, and has to be given so.
//!
//! # Numbers
//!
//! No digit is lost after the document is parsed. Before, `serde_json` reads a number with a fraction or an
//! exponent as a 64-bit float, so give decimals of more than 15 digits as texts. This crate turns on its
//! feature `float_roundtrip`, with which it reads the nearest float; without it may be one bit off. The
//! feature `arbitrary_precision` is neither needed nor harmful: such numbers are read as floats here.
//!
//! # Exceptions
//!
//! A geometry whose rings have NaN in them does not read back, and no value below
//! [`MAX_DEPTH`](crate::coerce::MAX_DEPTH) levels is written: it is `null`. Values that come from a guest
//! have 128 levels at most.

mod read;
mod write;

pub use self::read::{arguments_from_json, from_json};
pub use self::write::{to_json, to_json_lossless};

use surrealdb_types::Kind;

/// The tag of an object that would read as a tagged value.
const OBJECT_TAG: &str = "$object";

/// Returns the kind that a tag says.
fn tagged_kind(tag: &str) -> Option<Kind> {
    Some(match tag {
        "$none" => Kind::None,
        "$int" => Kind::Int,
        "$float" => Kind::Float,
        "$decimal" => Kind::Decimal,
        "$datetime" => Kind::Datetime,
        "$duration" => Kind::Duration,
        "$uuid" => Kind::Uuid,
        "$bytes" => Kind::Bytes,
        "$table" => Kind::Table(Vec::new()),
        "$record" => Kind::Record(Vec::new()),
        "$file" => Kind::File(Vec::new()),
        "$regex" => Kind::Regex,
        "$range" => Kind::Range,
        "$geometry" => Kind::Geometry(Vec::new()),
        "$set" => Kind::Set(Box::new(Kind::Any), None),
        OBJECT_TAG => Kind::Object,
        _ => return None,
    })
}
