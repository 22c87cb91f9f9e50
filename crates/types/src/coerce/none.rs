//! Kinds that take NONE.

use surrealdb_types::Kind;

use super::MAX_DEPTH;

/// Whether a kind takes NONE.
pub(crate) fn admits_none(kind: &Kind) -> bool {
    fn admits(kind: &Kind, depth: usize) -> bool {
        match kind {
            Kind::Any | Kind::None => true,
            Kind::Either(kinds) => depth > 0 && kinds.iter().any(|kind| admits(kind, depth - 1)),
            _ => false,
        }
    }
    admits(kind, MAX_DEPTH)
}
