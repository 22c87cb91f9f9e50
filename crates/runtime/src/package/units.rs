//! Sizes and times in `surrealism.toml`: numbers, or texts with a unit.
//!
//! They are written as numbers, which every host reads.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use bytesize::ByteSize;
use serde::{Deserializer, de};

/// A quantity that a number or a text stands for.
pub(super) trait Quantity: Sized {
    /// What to write, for errors.
    const EXPECTED: &'static str;

    fn from_number(number: u64) -> Option<Self>;

    fn from_text(text: &str) -> Option<Self>;
}

/// Bytes: `67108864`, `"64MiB"`.
impl Quantity for usize {
    const EXPECTED: &'static str = "a number of bytes, or a text with a unit, as \"64MiB\"";

    fn from_number(number: u64) -> Option<Self> {
        number.try_into().ok()
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::from_number(ByteSize::from_str(text).ok()?.as_u64())
    }
}

/// A time: milliseconds, `"1s"`, `"1m30s"`.
impl Quantity for std::time::Duration {
    const EXPECTED: &'static str =
        "a number of milliseconds, or a text with a unit, as \"1s\" or \"250ms\"";

    fn from_number(number: u64) -> Option<Self> {
        Some(Self::from_millis(number))
    }

    fn from_text(text: &str) -> Option<Self> {
        surrealdb_types::Duration::from_str(text).ok().map(Into::into)
    }
}

/// Reads a quantity that is there.
pub(super) fn deserialize<'de, Q: Quantity, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Q>, D::Error> {
    deserializer.deserialize_any(Visitor(PhantomData)).map(Some)
}

struct Visitor<Q>(PhantomData<Q>);

impl<Q: Quantity> de::Visitor<'_> for Visitor<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Q::EXPECTED)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Q, E> {
        let quantity = u64::try_from(number).ok().and_then(Q::from_number);
        quantity.ok_or_else(|| E::invalid_value(de::Unexpected::Signed(number), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Q, E> {
        Q::from_text(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::package::capabilities::SurrealismCapabilities;

    #[test]
    fn sizes_and_times_are_numbers_or_texts_with_a_unit() {
        for (text, bytes) in [
            ("0", 0),
            ("67108864", 64 << 20),
            ("'64MiB'", 64 << 20),
            ("'64 MiB'", 64 << 20),
            ("'64MB'", 64_000_000),
            ("'1.5KiB'", 1536),
            ("'2GiB'", 2 << 30),
            ("'12'", 12),
        ] {
            let limits = format!("max_memory_bytes = {text}\nmax_kv_value_bytes = {text}");
            let read: SurrealismCapabilities = toml::from_str(&limits).unwrap();
            assert_eq!(read.max_memory_bytes, Some(bytes), "{text}");
            assert_eq!(read.max_kv_value_bytes, Some(bytes), "{text}");
            // As every host reads it.
            let written = toml::to_string(&read).unwrap();
            assert!(written.contains(&format!("max_memory_bytes = {bytes}\n")), "{written}");
        }
        for (text, time) in [
            ("250", Duration::from_millis(250)),
            ("'1s'", Duration::from_secs(1)),
            ("'1m30s'", Duration::from_secs(90)),
            ("'250ms'", Duration::from_millis(250)),
        ] {
            let read: SurrealismCapabilities =
                toml::from_str(&format!("max_execution_time = {text}")).unwrap();
            assert_eq!(read.max_execution_time, Some(time), "{text}");
        }
        for (limit, expected) in [
            ("max_memory_bytes = -1", "a number of bytes, or a text with a unit, as \"64MiB\""),
            ("max_memory_bytes = 1.5", "a number of bytes"),
            ("max_memory_bytes = 'much'", "string \"much\", expected a number of bytes"),
            ("max_memory_bytes = '1s'", "a number of bytes"),
            ("max_memory_bytes = true", "a number of bytes"),
            ("max_execution_time = 'soon'", "as \"1s\" or \"250ms\""),
            ("max_execution_time = '64MiB'", "a number of milliseconds"),
            ("max_execution_time = -1", "a number of milliseconds"),
            ("max_pool_size = '4'", "line 1"),
        ] {
            let error = toml::from_str::<SurrealismCapabilities>(limit).unwrap_err().to_string();
            assert!(error.contains(expected), "{error} lacks {expected:?}");
        }
    }
}
