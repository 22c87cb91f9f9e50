//! The schema `surrealdb.protocol.v1` of crate `surrealdb-protocol`, as far as the fast path knows it.

/// A field of a table, by its index in the schema.
pub(crate) type FieldId = usize;

/// The tags of the union `ValueType`.
pub(crate) mod tag {
    /// Without a member: how `surrealdb_types` writes NONE.
    pub(crate) const UNSET: u8 = 0;
    pub(crate) const NULL: u8 = 1;
    pub(crate) const BOOL: u8 = 2;
    pub(crate) const INT: u8 = 3;
    pub(crate) const FLOAT: u8 = 4;
    pub(crate) const DECIMAL: u8 = 5;
    pub(crate) const STRING: u8 = 6;
    pub(crate) const BYTES: u8 = 7;
    pub(crate) const DURATION: u8 = 8;
    pub(crate) const DATETIME: u8 = 9;
    pub(crate) const OBJECT: u8 = 18;
    pub(crate) const ARRAY: u8 = 19;
    /// With an empty member: how other writers may write NONE.
    pub(crate) const NONE: u8 = 21;

    /// Returns what `surrealdb_types` calls a value of this kind in errors.
    pub(crate) fn name(tag: u8) -> &'static str {
        match tag {
            UNSET | NONE => "none",
            NULL => "null",
            BOOL => "bool",
            INT | FLOAT | DECIMAL => "number",
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
            _ => "an unknown kind of value",
        }
    }
}

/// The tags of the union `KindType`, for the kinds of native types.
pub(crate) mod kind {
    pub(crate) const BOOL: u8 = 3;
    pub(crate) const FLOAT: u8 = 8;
    pub(crate) const INT: u8 = 9;
    pub(crate) const NUMBER: u8 = 10;
    pub(crate) const STRING: u8 = 12;
    pub(crate) const EITHER: u8 = 19;
    pub(crate) const ARRAY: u8 = 21;
}

// `Value` and `Kind`: a union.
pub(crate) const TAG: FieldId = 0;
pub(crate) const MEMBER: FieldId = 1;

/// The only field of most tables, such as `IntValue.value`, `Array.values` and `EitherKind.kinds`, and the
/// first of `ArrayKind`, whose length native types do not have.
pub(crate) const FIELD0: FieldId = 0;

// `Duration` and `Datetime`.
pub(crate) const SECONDS: FieldId = 0;
pub(crate) const NANOS: FieldId = 1;

// `KeyValue`, `StringKeyValue` and `Argument`.
pub(crate) const KEY: FieldId = 0;
pub(crate) const VALUE: FieldId = 1;

// `OptionalValue`, whose other field is `VALUE`.
pub(crate) const PRESENT: FieldId = 0;
