//! Checks before the general codec runs, which recurses once a level and trusts what it decodes.

mod depth;
#[cfg(feature = "validate")]
mod message;
#[cfg(feature = "validate")]
mod regex;

pub(super) use self::depth::check_depth;

/// What the values of a [`Decoder`](super::Decoder) may still hold.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) memory: usize,
    #[cfg(feature = "validate")]
    pub(super) regexes: usize,
    #[cfg(feature = "validate")]
    pub(super) regex_weight: usize,
}

impl Budget {
    pub(super) fn new(memory: usize) -> Self {
        Self {
            memory,
            #[cfg(feature = "validate")]
            regexes: super::limits::MAX_REGEXES,
            #[cfg(feature = "validate")]
            regex_weight: super::limits::MAX_REGEX_WEIGHT,
        }
    }
}

/// Defines a function for each root table. It validates a message, and takes what the message holds from a
/// budget.
#[cfg(feature = "validate")]
macro_rules! verified {
    ($($name:ident: $table:ident;)*) => {$(
        pub(super) fn $name(bytes: &[u8], budget: &mut Budget) -> anyhow::Result<()> {
            message::verify::<surrealdb_protocol::fb::v1::$table>(bytes, budget)
        }
    )*};
}

/// A guest trusts its host, and its code has to stay small.
#[cfg(not(feature = "validate"))]
macro_rules! verified {
    ($($name:ident: $table:ident;)*) => {$(
        pub(super) fn $name(_: &[u8], _: &mut Budget) -> anyhow::Result<()> {
            Ok(())
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
