//! What the general codec cannot be given from an untrusted guest: a message that is not sound or decodes to
//! far more than its bytes; regular expressions, which it compiles as it decodes them, a dozen bytes into as
//! much as 10 MiB; and strings without a value, at which it panics.

use anyhow::{Context, Result, ensure};
use flatbuffers::{Follow, ForwardsUOffset, Vector};
use regex::RegexBuilder;
use surrealdb_protocol::fb::v1;

use crate::codec::limits::{
    MAX_APPARENT_SIZE_RATIO, MAX_REGEX_BYTES, MAX_REGEX_PATTERN_BYTES, MAX_REGEXES, MAX_VALUE_DEPTH,
};

/// Validates a message whose root is a table `T`, and returns how many regular expressions it has.
///
/// # Errors
///
/// When the message is malformed, too deep, or larger decoded than its bytes allow; when a string has no
/// value; and when regular expressions are too many, too long, too large compiled, or invalid.
pub(in crate::codec) fn verify<'a, T>(bytes: &'a [u8]) -> Result<usize>
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
    check_regexes(&findings.patterns)?;
    Ok(findings.patterns.len())
}

fn check_regexes(patterns: &[&str]) -> Result<()> {
    let (count, bytes) = (patterns.len(), patterns.iter().map(|text| text.len()).sum::<usize>());
    ensure!(
        count <= MAX_REGEXES,
        "the message holds {count} regular expressions, and {MAX_REGEXES} are allowed: pass them as strings"
    );
    ensure!(
        bytes <= MAX_REGEX_PATTERN_BYTES,
        "the message's regular expressions are {bytes} bytes long together, and \
         {MAX_REGEX_PATTERN_BYTES} are allowed: pass them as strings"
    );
    patterns.iter().try_for_each(|pattern| check_compiled_size(pattern, MAX_REGEX_BYTES / count))
}

fn check_compiled_size(pattern: &str, max_bytes: usize) -> Result<()> {
    // As `surrealdb_types` does before it compiles a pattern.
    let pattern = pattern.replace("\\/", "/");
    RegexBuilder::new(&pattern)
        .size_limit(max_bytes)
        .build()
        .with_context(|| format!("the regular expression {pattern:?} cannot be compiled"))?;
    Ok(())
}

/// What a sound message holds that has to be checked or refused.
#[derive(Debug, Default)]
pub(in crate::codec) struct Findings<'a> {
    patterns: Vec<&'a str>,
    string_without_value: bool,
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
        findings.patterns.extend(self.value_as_regex().and_then(|regex| regex.value()));
        self.value_as_array().visit(findings);
        self.value_as_set().visit(findings);
        self.value_as_object().visit(findings);
        self.value_as_range().visit(findings);
        self.value_as_record_id().visit(findings);
    }
}

/// Implements [`Visit`] for tables, given the fields of each that lead to values.
macro_rules! visit {
    ($($table:ident: $($field:ident),*;)*) => {$(
        impl<'a> Visit<'a> for v1::$table<'a> {
            fn visit(&self, _findings: &mut Findings<'a>) {
                $(self.$field().visit(_findings);)*
            }
        }
    )*};
}

visit! {
    Array: values;
    Set: values;
    Object: items;
    KeyValue: value;
    Range: start_as_inclusive, start_as_exclusive, end_as_inclusive, end_as_exclusive;
    RecordId: id;
    RecordIdKey: id_as_array, id_as_object, id_as_range;
    RecordIdKeyRange: start_as_inclusive, start_as_exclusive, end_as_inclusive, end_as_exclusive;
    ValueList: values;
    OptionalValueList: values;
    OptionalValue: value;
    StringKeyValueList: entries;
    StringKeyValue: value;
    StringRange: ;
    ArgumentList: ;
    Kind: ;
}
