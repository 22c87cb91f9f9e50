//! Whether a kind has all values of another.

use surrealdb_types::{Kind, KindLiteral};

use super::admits_none;
use super::matcher::kind_of;

/// Pairs of kinds that are compared. Kinds come from archives, and unions multiply the pairs.
const MAX_PAIRS: u32 = 1 << 20;

/// Levels of kinds that are compared.
const MAX_LEVELS: u32 = 256;

/// Returns whether every value of the kind `narrow` can be passed where `wide` is wanted, as what it is: an
/// int for a `number`, an object without a field that may be NONE.
///
/// What cannot be told is `false`: kinds that are too large to compare, and a few that are equal in other
/// words.
///
/// ```
/// use surrealism_types::coerce::{covers, parse_kind};
///
/// let [wide, narrow] = ["option<number>", "int"].map(|kind| parse_kind(kind).unwrap());
/// assert!(covers(&wide, &narrow));
/// assert!(!covers(&narrow, &wide));
/// ```
pub fn covers(wide: &Kind, narrow: &Kind) -> bool {
    Comparison { left: MAX_PAIRS }.covers(wide, narrow, MAX_LEVELS)
}

struct Comparison {
    left: u32,
}

impl Comparison {
    fn covers(&mut self, wide: &Kind, narrow: &Kind, levels: u32) -> bool {
        let (Some(left), Some(levels)) = (self.left.checked_sub(1), levels.checked_sub(1)) else {
            return false;
        };
        self.left = left;
        match (wide, narrow) {
            (Kind::Any, _) => true,
            (_, Kind::Either(kinds)) => kinds.iter().all(|kind| self.covers(wide, kind, levels)),
            (Kind::Either(kinds), Kind::Bool) if !kinds.contains(&Kind::Bool) => {
                let both = [true, false].map(|value| Kind::Literal(KindLiteral::Bool(value)));
                both.iter().all(|value| self.covers(wide, value, levels))
            }
            (Kind::Either(kinds), _) => kinds.iter().any(|kind| self.covers(kind, narrow, levels)),
            (Kind::Number, Kind::Int | Kind::Float | Kind::Decimal) => true,
            (Kind::Array(item, max), Kind::Array(other, other_max))
            | (Kind::Set(item, max), Kind::Set(other, other_max)) => {
                let fits = max.is_none_or(|max| other_max.is_some_and(|other| other <= max));
                fits && self.covers(item, other, levels)
            }
            (Kind::Array(item, max), Kind::Literal(KindLiteral::Array(kinds))) => {
                let fits = max.is_none_or(|max| kinds.len() as u64 <= max);
                fits && kinds.iter().all(|kind| self.covers(item, kind, levels))
            }
            (Kind::Table(names), Kind::Table(others))
            | (Kind::Record(names), Kind::Record(others)) => has_all(names, others),
            (Kind::File(names), Kind::File(others)) => has_all(names, others),
            (Kind::Geometry(kinds), Kind::Geometry(others)) => has_all(kinds, others),
            (Kind::Literal(wide), Kind::Literal(narrow)) => self.literal(wide, narrow, levels),
            (wide, Kind::Literal(literal)) => has_literal(wide, literal),
            _ => wide == narrow,
        }
    }

    fn literal(&mut self, wide: &KindLiteral, narrow: &KindLiteral, levels: u32) -> bool {
        match (wide, narrow) {
            (KindLiteral::Array(kinds), KindLiteral::Array(others)) => {
                kinds.len() == others.len()
                    && kinds
                        .iter()
                        .zip(others)
                        .all(|(kind, other)| self.covers(kind, other, levels))
            }
            (KindLiteral::Object(fields), KindLiteral::Object(others)) => {
                others.keys().all(|name| fields.contains_key(name))
                    && fields.iter().all(|(name, kind)| match others.get(name) {
                        Some(other) => self.covers(kind, other, levels),
                        None => admits_none(kind),
                    })
            }
            _ => wide == narrow,
        }
    }
}

/// An empty list stands for every name.
fn has_all<T: PartialEq>(names: &[T], others: &[T]) -> bool {
    names.is_empty() || !others.is_empty() && others.iter().all(|other| names.contains(other))
}

fn has_literal(kind: &Kind, literal: &KindLiteral) -> bool {
    match (kind, kind_of(literal)) {
        (Kind::Number, Some(Kind::Int | Kind::Float | Kind::Decimal)) => true,
        (kind, Some(literal)) => *kind == literal,
        (kind, None) => *kind == Kind::Object && matches!(literal, KindLiteral::Object(_)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coerce::parse_kind;

    #[test]
    fn a_kind_covers_what_is_narrower() {
        for (wide, narrow, covered) in [
            ("any", "array<int>", true),
            ("int", "any", false),
            ("number", "int | 1.5f", true),
            ("int", "number", false),
            ("float", "int", false),
            ("option<int>", "int", true),
            ("int", "option<int>", false),
            ("string", "'a' | 'b'", true),
            ("'a' | 'b' | 'c'", "'b' | 'a'", true),
            ("'a'", "string", false),
            ("true | false", "bool", true),
            ("bool | int", "bool", true),
            ("true", "bool", false),
            ("array<number, 3>", "array<int, 2>", true),
            ("array<int, 2>", "array<int>", false),
            ("array<number>", "[int, float]", true),
            ("array<number, 1>", "[int, float]", false),
            ("[number, any]", "[int, string]", true),
            ("array<int>", "set<int>", false),
            ("{ a: int, b: option<int> }", "{ a: 1 }", true),
            ("{ a: int }", "{ a: int, b: int }", false),
            ("object", "{ a: int }", true),
            ("record", "record<person>", true),
            ("record<person | animal>", "record<animal>", true),
            ("record<person>", "record", false),
            ("geometry", "geometry<point>", true),
            ("file<a>", "file<b>", false),
        ] {
            let [wide_kind, narrow_kind] = [wide, narrow].map(|kind| parse_kind(kind).unwrap());
            assert_eq!(covers(&wide_kind, &narrow_kind), covered, "{wide} covers {narrow}");
        }
    }

    #[test]
    fn comparing_is_bounded() {
        let wide = |levels: usize, last: Kind| {
            (0..levels).fold(last, |kind, level| {
                let item = |max| Kind::Array(Box::new(kind.clone()), Some(max));
                Kind::Either((0..4).map(|n| item(n + level as u64)).collect())
            })
        };
        // Without the bound, these take 4^18 comparisons.
        assert!(!covers(&wide(9, Kind::Int), &wide(9, Kind::String)));
        let deep = (0..1000).fold(Kind::Int, |kind, _| Kind::Array(Box::new(kind), None));
        assert!(!covers(&deep, &deep));
    }
}
