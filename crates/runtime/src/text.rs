//! "Did you mean": the known names nearest to one that is not known.

use crate::limits::{MAX_COMPARED_NAME_BYTES, MAX_COMPARED_NAMES};

/// The candidates closest to `name`, best first, at most three, none that is far off. A name without
/// its namespace is close to the whole name.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Vec<&'a str> {
    const ALIKE: f64 = 0.6;
    const MOST: usize = 3;

    // The distance takes time by the product of the lengths, and both are strangers', as is how many
    // there are.
    let sensible = |name: &str| name.len() <= MAX_COMPARED_NAME_BYTES;
    if !sensible(name) {
        return Vec::new();
    }

    let alike = |candidate: &str| {
        let whole = strsim::normalized_damerau_levenshtein(name, candidate);
        candidate.rsplit_once("::").map_or(whole, |(_, last)| {
            whole.max(strsim::normalized_damerau_levenshtein(name, last))
        })
    };
    let mut scored: Vec<(f64, &str)> = candidates
        .into_iter()
        .filter(|candidate| sensible(candidate))
        .take(MAX_COMPARED_NAMES)
        .map(|candidate| (alike(candidate), candidate))
        .filter(|(score, _)| *score >= ALIKE)
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().take(MOST).map(|(_, candidate)| candidate).collect()
}

/// `` `a`, `b` `` for the end of a sentence; empty for no names.
pub(crate) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["max_memory_bytes", "max_pool_size", "allow_net", "math::add", "say"];
        assert_eq!(nearest("max_memry_bytes", known)[0], "max_memory_bytes");
        assert_eq!(nearest("alow_net", known), ["allow_net"]);
        assert_eq!(nearest("sya", known), ["say"]);
        assert_eq!(nearest("ad", known), ["math::add"]);
        assert!(nearest("zzz", known).is_empty());
        assert!(nearest(&"say".repeat(1 << 20), known).is_empty());
        let many = vec!["other"; MAX_COMPARED_NAMES];
        assert!(nearest("say", many.iter().copied().chain(["say"])).is_empty());
    }
}
