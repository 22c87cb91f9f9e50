//! Where the parts of a message lie: the schema `surrealdb.protocol.v1` of crate
//! `surrealdb-protocol`, as far as the hot path knows it.

/// A field of a table, by its place in the schema.
pub(crate) type Slot = usize;

/// The tags of the union `ValueType`.
pub(crate) mod tag {
    /// No member, which is how `surrealdb_types` writes NONE.
    pub(crate) const UNSET: u8 = 0;
    pub(crate) const NULL: u8 = 1;
    pub(crate) const BOOL: u8 = 2;
    pub(crate) const INT: u8 = 3;
    pub(crate) const FLOAT: u8 = 4;
    pub(crate) const STRING: u8 = 6;
    pub(crate) const BYTES: u8 = 7;
    pub(crate) const DURATION: u8 = 8;
    pub(crate) const DATETIME: u8 = 9;
    pub(crate) const OBJECT: u8 = 18;
    pub(crate) const ARRAY: u8 = 19;
    /// NONE as other writers may say it.
    pub(crate) const NONE: u8 = 21;

    /// What `surrealdb_types` calls the kind of a value.
    pub(crate) fn name(tag: u8) -> &'static str {
        match tag {
            UNSET | NONE => "none",
            NULL => "null",
            BOOL => "bool",
            INT | FLOAT | 5 => "number",
            STRING => "string",
            BYTES => "bytes",
            DURATION => "duration",
            DATETIME => "datetime",
            10 => "uuid",
            11 => "geometry",
            12 => "table",
            13 | 14 => "record",
            15 => "file",
            16 => "range",
            17 => "regex",
            OBJECT => "object",
            ARRAY => "array<any>",
            20 => "set<any>",
            _ => "a kind of value that this version does not know",
        }
    }
}

/// The tags of the union `KindType`, of kinds that native types have.
pub(crate) mod kind {
    pub(crate) const BOOL: u8 = 3;
    pub(crate) const FLOAT: u8 = 8;
    pub(crate) const INT: u8 = 9;
    pub(crate) const NUMBER: u8 = 10;
    pub(crate) const STRING: u8 = 12;
    pub(crate) const EITHER: u8 = 19;
    pub(crate) const ARRAY: u8 = 21;
}

/// `Value` and `Kind`: the tag of a union, and its member.
pub(crate) const TAG: Slot = 0;
pub(crate) const MEMBER: Slot = 1;

/// The one field of most tables: `IntValue.value`, `Array.values`, `EitherKind.kinds` and others. Of
/// `ArrayKind` there would be another, the length.
pub(crate) const ONLY: Slot = 0;

/// `Duration` and `Datetime`.
pub(crate) const SECONDS: Slot = 0;
pub(crate) const NANOS: Slot = 1;

/// `KeyValue`, `StringKeyValue` and `Argument`.
pub(crate) const KEY: Slot = 0;
pub(crate) const VALUE: Slot = 1;

/// `OptionalValue`, whose other field is [`VALUE`].
pub(crate) const PRESENT: Slot = 0;
