//! What the general codec cannot be given from an untrusted guest: a message that is not sound or decodes to
//! far more than its bytes; regular expressions, which it compiles as it decodes them; and strings without a
//! value, at which it panics.

use anyhow::{Result, ensure};
use flatbuffers::{Follow, ForwardsUOffset, Vector};
use surrealdb_protocol::fb::v1;
use surrealdb_types::Kind;

use super::Budget;
use super::regex::weigh;
use crate::codec::error::CodecError;
use crate::codec::limits::{
    MAX_APPARENT_SIZE_RATIO, MAX_REGEX_PATTERN_BYTES, MAX_REGEXES, MAX_VALUE_DEPTH, REGEX_BYTES,
    REGEX_BYTES_PER_WEIGHT,
};
use crate::codec::memory::{ALLOCATION_BYTES, FIELD_BYTES, NODE_BYTES, VALUE_BYTES};

/// A list that grows as it is decoded doubles its memory, and while it is moved, it takes both.
const GROWING: usize = 3;

/// Fields of a node of a B-tree that grows, at least.
const MIN_NODE_FIELDS: usize = 5;

const STRING_BYTES: usize = size_of::<String>();
const KIND_BYTES: usize = size_of::<Kind>();
const POINT_BYTES: usize = 2 * size_of::<f64>();

/// Validates a message whose root is a table `T`, and takes what it holds from `budget`. Every count is
/// checked before a regular expression is parsed.
///
/// # Errors
///
/// When the message is malformed, too deep, or larger decoded than its bytes or the budget allow; when a
/// string has no value; and when regular expressions are too many, too long, too large, or invalid.
pub(in crate::codec) fn verify<'a, T>(bytes: &'a [u8], budget: &mut Budget) -> Result<()>
where
    T: Follow<'a> + flatbuffers::Verifiable + 'a,
    T::Inner: Visit<'a>,
{
    /// Nested tables: two for each level of a value, and the list around it.
    const MAX_TABLE_DEPTH: usize = 2 * MAX_VALUE_DEPTH + 2;
    /// The smallest table is the offset of its vtable, in bytes.
    const MIN_TABLE_BYTES: usize = 4;

    let options = flatbuffers::VerifierOptions {
        max_depth: MAX_TABLE_DEPTH,
        max_tables: bytes.len() / MIN_TABLE_BYTES,
        max_apparent_size: bytes.len().saturating_mul(MAX_APPARENT_SIZE_RATIO),
        ..flatbuffers::VerifierOptions::default()
    };
    let mut findings = Findings::default();
    flatbuffers::root_with_opts::<T>(&options, bytes)?.visit(&mut findings);
    ensure!(!findings.string_without_value, "a string of the message has no value");
    take_memory(budget, findings.memory)?;
    take_regexes(budget, &findings)
}

fn take_memory(budget: &mut Budget, bytes: usize) -> Result<()> {
    budget.memory = budget.memory.checked_sub(bytes).ok_or(CodecError::Memory)?;
    Ok(())
}

fn take_regexes(budget: &mut Budget, found: &Findings<'_>) -> Result<()> {
    let (count, bytes) = (found.regexes, found.regex_bytes);
    if count == 0 {
        return Ok(());
    }
    ensure!(
        count <= budget.regexes,
        "the values hold {} regular expressions, and {MAX_REGEXES} are allowed at once: read fewer at a \
         time, or pass them as strings",
        count + MAX_REGEXES - budget.regexes
    );
    ensure!(
        bytes <= MAX_REGEX_PATTERN_BYTES,
        "the message's regular expressions are {bytes} bytes long together, and \
         {MAX_REGEX_PATTERN_BYTES} are allowed: pass them as strings"
    );
    let weight = weigh(&found.patterns, budget.regex_weight)?;
    take_memory(budget, count * REGEX_BYTES + weight * REGEX_BYTES_PER_WEIGHT)?;
    budget.regexes -= count;
    budget.regex_weight -= weight;
    Ok(())
}

/// What a sound message holds that has to be checked or refused.
#[derive(Debug, Default)]
pub(in crate::codec) struct Findings<'a> {
    /// The first [`MAX_REGEXES`] regular expressions.
    patterns: Vec<&'a str>,
    regexes: usize,
    regex_bytes: usize,
    string_without_value: bool,
    /// Memory that the values take when they are decoded.
    pub(super) memory: usize,
}

impl<'a> Findings<'a> {
    pub(super) fn charge(&mut self, bytes: usize) {
        self.memory = self.memory.saturating_add(bytes);
    }

    fn find_regex(&mut self, pattern: &'a str) {
        self.regexes += 1;
        self.regex_bytes += pattern.len();
        if self.regexes <= MAX_REGEXES {
            self.patterns.push(pattern);
        }
    }
}

/// A part of a message that may have values in it.
pub(in crate::codec) trait Visit<'a> {
    fn visit(&self, findings: &mut Findings<'a>);
}

impl<'a, P: Visit<'a>> Visit<'a> for Option<P> {
    fn visit(&self, findings: &mut Findings<'a>) {
        self.iter().for_each(|part| part.visit(findings));
    }
}

impl<'a, P: Visit<'a> + Follow<'a, Inner = P>> Visit<'a> for Vector<'a, ForwardsUOffset<P>> {
    fn visit(&self, findings: &mut Findings<'a>) {
        self.iter().for_each(|part| part.visit(findings));
    }
}

impl<'a> Visit<'a> for v1::Value<'a> {
    fn visit(&self, findings: &mut Findings<'a>) {
        findings.string_without_value |=
            self.value_as_string().is_some_and(|text| text.value().is_none());
        if let Some(pattern) = self.value_as_regex().and_then(|regex| regex.value()) {
            findings.find_regex(pattern);
        }
        findings.charge(GROWING * VALUE_BYTES);
        self.value_as_string().visit(findings);
        self.value_as_table().visit(findings);
        self.value_as_bytes().visit(findings);
        self.value_as_file().visit(findings);
        self.value_as_geometry().visit(findings);
        self.value_as_array().visit(findings);
        self.value_as_set().visit(findings);
        self.value_as_object().visit(findings);
        self.value_as_range().visit(findings);
        self.value_as_record_id().visit(findings);
    }
}

impl<'a> Visit<'a> for v1::Kind<'a> {
    fn visit(&self, findings: &mut Findings<'a>) {
        let before = findings.memory;
        findings.charge(GROWING * KIND_BYTES);
        self.kind_as_table().visit(findings);
        self.kind_as_record().visit(findings);
        self.kind_as_file().visit(findings);
        self.kind_as_geometry().visit(findings);
        self.kind_as_set().visit(findings);
        self.kind_as_array().visit(findings);
        self.kind_as_function().visit(findings);
        self.kind_as_literal().visit(findings);
        let (either, option) = (self.kind_as_either(), self.kind_as_option());
        either.visit(findings);
        option.visit(findings);
        // Decoding a union copies and hashes its kinds, to find equal ones.
        if either.is_some() || option.is_some() {
            findings.charge((findings.memory - before).saturating_mul(2));
        }
    }
}

impl<'a> Visit<'a> for &'a str {
    fn visit(&self, findings: &mut Findings<'a>) {
        findings.charge(GROWING * STRING_BYTES + ALLOCATION_BYTES + self.len());
    }
}

impl<'a> Visit<'a> for Vector<'a, u8> {
    fn visit(&self, findings: &mut Findings<'a>) {
        findings.charge(ALLOCATION_BYTES + self.len());
    }
}

impl<'a> Visit<'a> for Vector<'a, v1::GeometryKindType> {
    fn visit(&self, findings: &mut Findings<'a>) {
        findings.charge(ALLOCATION_BYTES + GROWING * self.len());
    }
}

/// Implements [`Visit`] for tables, given the memory of each, and its fields that lead to values.
macro_rules! visit {
    ($($table:ident($bytes:expr): $($field:ident),*;)*) => {$(
        impl<'a> Visit<'a> for v1::$table<'a> {
            fn visit(&self, findings: &mut Findings<'a>) {
                findings.charge($bytes);
                $(self.$field().visit(findings);)*
            }
        }
    )*};
}

visit! {
    StringValue(0): value;
    Bytes(0): value;
    File(0): bucket, key;
    Array(ALLOCATION_BYTES): values;
    Set(NODE_BYTES): values;
    Object(NODE_BYTES): items;
    KeyValue(NODE_BYTES / MIN_NODE_FIELDS): key, value;
    Range(2 * VALUE_BYTES): start_as_inclusive, start_as_exclusive, end_as_inclusive, end_as_exclusive;
    RecordId(0): table, id;
    RecordIdKey(VALUE_BYTES): id_as_string, id_as_array, id_as_object, id_as_range;
    RecordIdKeyRange(2 * VALUE_BYTES): start_as_inclusive, start_as_exclusive, end_as_inclusive,
        end_as_exclusive;
    Geometry(GROWING * VALUE_BYTES): geometry_as_point, geometry_as_line_string, geometry_as_polygon,
        geometry_as_multi_point, geometry_as_multi_line_string, geometry_as_multi_polygon,
        geometry_as_collection;
    Point(GROWING * POINT_BYTES): ;
    LineString(GROWING * STRING_BYTES): points;
    // Closing a ring copies it.
    Polygon(GROWING * 2 * STRING_BYTES): exterior, exterior, interiors, interiors;
    MultiPoint(0): points;
    MultiLineString(0): lines;
    MultiPolygon(0): polygons;
    GeometryCollection(0): geometries;
    ValueList(ALLOCATION_BYTES): values;
    OptionalValueList(ALLOCATION_BYTES): values;
    OptionalValue(GROWING * VALUE_BYTES): value;
    StringKeyValueList(ALLOCATION_BYTES): entries;
    StringKeyValue(GROWING * FIELD_BYTES): key, value;
    StringRange(0): start_value, end_value;
    ArgumentList(ALLOCATION_BYTES): arguments;
    Argument(GROWING * (STRING_BYTES + KIND_BYTES)): key, value;
    TableKind(0): tables;
    RecordKind(0): tables;
    FileKind(0): buckets;
    GeometryKind(0): types;
    SetKind(0): inner;
    ArrayKind(0): inner;
    OptionKind(KIND_BYTES): inner;
    EitherKind(0): kinds;
    FunctionKind(0): args, return_type;
    LiteralKind(0): literal_as_string, literal_as_array, literal_as_object;
    LiteralArray(0): kinds;
    LiteralObject(NODE_BYTES): fields;
    ObjectField(NODE_BYTES / MIN_NODE_FIELDS): key, kind;
}
