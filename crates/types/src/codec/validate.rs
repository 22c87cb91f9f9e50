//! Checks before the general codec runs, which recurses once a level and trusts what it decodes.

mod depth;
#[cfg(feature = "host")]
mod message;

pub(super) use self::depth::check_depth;

/// Defines a function for each root table. It validates a message and returns how many regular
/// expressions the message has.
#[cfg(feature = "host")]
macro_rules! verified {
    ($($name:ident: $table:ident;)*) => {$(
        pub(super) fn $name(bytes: &[u8]) -> anyhow::Result<usize> {
            message::verify::<surrealdb_protocol::fb::v1::$table>(bytes)
        }
    )*};
}

/// A guest trusts its host, and its code has to stay small.
#[cfg(not(feature = "host"))]
macro_rules! verified {
    ($($name:ident: $table:ident;)*) => {$(
        pub(super) fn $name(_: &[u8]) -> anyhow::Result<usize> {
            Ok(0)
        }
    )*};
}

verified! {
    value: Value;
    values: ValueList;
    optional_values: OptionalValueList;
    entries: StringKeyValueList;
    range: StringRange;
    arguments: ArgumentList;
    kind: Kind;
}
