//! Text for error messages: suggestions for misspelt names, and truncation of untrusted text.

use crate::limits::{MAX_COMPARED_NAME_BYTES, MAX_COMPARED_NAMES, MAX_ERROR_BYTES};

/// Truncates untrusted text to what an error message may repeat.
pub(crate) fn truncate(text: &str) -> &str {
    truncate_to(text, MAX_ERROR_BYTES)
}

/// Truncates text to `max_bytes`, at a character boundary.
pub(crate) fn truncate_to(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

/// Returns at most three candidates that resemble `name`, best first: what its writer may have meant. A
/// candidate is compared with and without its namespace.
///
/// ```
/// use surrealism_runtime::near_names;
///
/// assert_eq!(near_names("slgu", ["slug", "render"]), ["slug"]);
/// ```
pub fn near_names<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    const MIN_SIMILARITY: f64 = 0.6;
    const MAX_RESULTS: usize = 3;

    // The distance takes time proportional to the product of both lengths, and both are untrusted, as is
    // the number of candidates.
    let is_short = |name: &str| name.len() <= MAX_COMPARED_NAME_BYTES;
    if !is_short(name) {
        return Vec::new();
    }

    let similarity = |candidate: &str| {
        let whole = strsim::normalized_damerau_levenshtein(name, candidate);
        candidate.rsplit_once("::").map_or(whole, |(_, last)| {
            whole.max(strsim::normalized_damerau_levenshtein(name, last))
        })
    };
    let mut scored: Vec<(f64, &str)> = candidates
        .into_iter()
        .filter(|candidate| is_short(candidate))
        .take(MAX_COMPARED_NAMES)
        .map(|candidate| (similarity(candidate), candidate))
        .filter(|(score, _)| *score >= MIN_SIMILARITY)
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().take(MAX_RESULTS).map(|(_, candidate)| candidate).collect()
}

/// Formats names as `` `a`, `b` ``.
pub(crate) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["max_memory_bytes", "max_pool_size", "allow_net", "math::add", "say"];
        assert_eq!(near_names("max_memry_bytes", known)[0], "max_memory_bytes");
        assert_eq!(near_names("alow_net", known), ["allow_net"]);
        assert_eq!(near_names("sya", known), ["say"]);
        assert_eq!(near_names("ad", known), ["math::add"]);
        assert!(near_names("zzz", known).is_empty());
        assert!(near_names(&"say".repeat(1 << 20), known).is_empty());
        let many = vec!["other"; MAX_COMPARED_NAMES];
        assert!(near_names("say", many.iter().copied().chain(["say"])).is_empty());
    }
}
