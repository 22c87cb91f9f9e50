//! The bytes that cross between host and guest.
//!
//! No other module encodes or decodes them. Each function is named after what it carries, and its
//! documentation names the function of `surrealdb_types` that has the same format. That format is fixed:
//! third-party hosts and guests read and write it.
//!
//! ```
//! use surrealdb_types::{SurrealValue, Value};
//! use surrealism_types::codec;
//!
//! let value = "Ada".to_string().into_value();
//! let bytes = codec::encode_value(&value)?;
//! assert_eq!(bytes, surrealdb_types::encode(&value)?);
//! assert_eq!(codec::decode_value(&bytes)?, value);
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! # Two implementations
//!
//! The *fast path* is our own. It knows none, null, booleans, ints, floats, strings, bytes, durations,
//! datetimes, arrays and objects. A message with any other kind of value goes to the *general codec*,
//! which is that of `surrealdb_types`. Both write the same bytes.
//!
//! Guests skip [`Value`](surrealdb_types::Value) altogether for [`Native`] types: see [`Arguments`] and
//! [`encode_native`].
//!
//! # Limits
//!
//! Every function returns an error for malformed input, and for a value that is nested more than 128
//! levels deep. With feature `validate`, decoding also refuses
//!
//! - a message whose decoded parts add up to more than 4 times its encoded size, and
//! - values that take more than [`MAX_DECODED_BYTES`] of memory, counted before it is allocated, and
//! - more than 16 regular expressions at once, more than 4 KiB of them in a message, or any that take long to
//!   compile: what their classes and repetitions amount to is estimated before, as is what `(?i)` adds.

mod arguments;
mod batch;
pub mod columns;
mod error;
mod flatbuffers;
mod inline_call;
mod kind;
mod limits;
mod memory;
mod messages;
mod native;
mod validate;
mod value;
mod zero;

pub use self::arguments::{Argument, Arguments, ArgumentsError, DecodeError};
pub use self::batch::{RowResult, encode_rows, push_result, results, row_args};
pub use self::error::CodecError;
pub use self::inline_call::{InlineCall, InlineHalf};
pub use self::kind::{NativeList, encode_native_arguments, encode_native_kind};
pub use self::limits::MAX_DECODED_BYTES;
pub use self::messages::{
    Decoder, decode_arguments, decode_entries, decode_kind, decode_optional_values, decode_range,
    decode_value, decode_values, decode_variables, encode_arguments, encode_entries, encode_kind,
    encode_optional_values, encode_range, encode_value, encode_values,
};
pub use self::native::{Native, NativeKind, TypeMismatch, decode_native, encode_native};
