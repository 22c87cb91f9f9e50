//! What a sound message may still hold that `surrealdb_types` cannot take from a stranger: regular
//! expressions, which it compiles where it decodes them, a dozen bytes into as much as 10 MiB; and
//! strings without text, at which it panics.

use anyhow::{Context, Result, ensure};
use flatbuffers::{Follow, ForwardsUOffset, Vector};
use regex::RegexBuilder;
use surrealdb_protocol::fb::v1;

use super::depth::{MAX_REGEX_BYTES, MAX_REGEX_PATTERN_BYTES, MAX_REGEXES};

/// Refuses a message that holds what must not be decoded; answers how many regular expressions it has.
/// The message has been verified.
///
/// # Errors
///
/// When a string has no text, or the regular expressions are too many, too long together, or one is
/// too large or is none.
pub(super) fn check<'a>(message: impl Part<'a>) -> Result<usize> {
    let mut suspects = Suspects::default();
    message.search(&mut suspects);
    ensure!(!suspects.hollow_string, "a string in it has no text");
    check_regexes(&suspects.patterns)?;
    Ok(suspects.patterns.len())
}

fn check_regexes(patterns: &[&str]) -> Result<()> {
    let (count, bytes) = (patterns.len(), patterns.iter().map(|text| text.len()).sum::<usize>());
    ensure!(
        count <= MAX_REGEXES,
        "it holds {count} regular expressions, and {MAX_REGEXES} are allowed: pass them as strings"
    );
    ensure!(
        bytes <= MAX_REGEX_PATTERN_BYTES,
        "its regular expressions are {bytes} bytes long together, and {MAX_REGEX_PATTERN_BYTES} \
         are allowed: pass them as strings"
    );
    patterns.iter().try_for_each(|pattern| check_size(pattern, MAX_REGEX_BYTES / count))
}

fn check_size(pattern: &str, most: usize) -> Result<()> {
    // What `surrealdb_types` compiles.
    let pattern = pattern.replace("\\/", "/");
    RegexBuilder::new(&pattern)
        .size_limit(most)
        .build()
        .with_context(|| format!("the regular expression {pattern:?} cannot be compiled"))?;
    Ok(())
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Suspects<'a> {
    patterns: Vec<&'a str>,
    hollow_string: bool,
}

/// A part of a message, in which values may be.
pub(super) trait Part<'a> {
    fn search(&self, found: &mut Suspects<'a>);
}

impl<'a, P: Part<'a>> Part<'a> for Option<P> {
    fn search(&self, found: &mut Suspects<'a>) {
        self.iter().for_each(|part| part.search(found));
    }
}

impl<'a, P: Part<'a> + Follow<'a, Inner = P>> Part<'a> for Vector<'a, ForwardsUOffset<P>> {
    fn search(&self, found: &mut Suspects<'a>) {
        self.iter().for_each(|part| part.search(found));
    }
}

impl<'a> Part<'a> for v1::Value<'a> {
    fn search(&self, found: &mut Suspects<'a>) {
        found.hollow_string |= self.value_as_string().is_some_and(|text| text.value().is_none());
        found.patterns.extend(self.value_as_regex().and_then(|regex| regex.value()));
        self.value_as_array().search(found);
        self.value_as_set().search(found);
        self.value_as_object().search(found);
        self.value_as_range().search(found);
        self.value_as_record_id().search(found);
    }
}

/// The tables around values, and the fields of each that lead to them.
macro_rules! parts {
    ($($table:ident: $($field:ident),*;)*) => {$(
        impl<'a> Part<'a> for v1::$table<'a> {
            fn search(&self, _found: &mut Suspects<'a>) {
                $(self.$field().search(_found);)*
            }
        }
    )*};
}

parts! {
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
    // Which have none.
    StringRange: ;
    ArgumentList: ;
    Kind: ;
}
