//! Which of some known names is meant by one that is not known: "did you mean".

/// Names that are compared with an unknown one. They may be those of an untrusted archive.
const MAX_COMPARED_NAMES: usize = 500;

/// Length of the names that are compared, in bytes: the time is the product of two lengths.
const MAX_COMPARED_BYTES: usize = 64;

/// Similarity from which a name is suggested, of at most 1.
const MIN_SIMILARITY: f64 = 0.6;

/// Similarity of a name that has the words of the unknown one and more.
const MORE_WORDS: f64 = 0.9;

const MAX_RESULTS: usize = 3;

/// Returns at most three of the known names, the likeliest first.
///
/// A name is compared in whole and without its namespace, whatever its style: `unit_price` is `unitPrice`.
/// One that has all of the words is likelier than one whose letters are alike.
///
/// ```
/// use surrealism_types::names::near_names;
///
/// let known = ["allow_functions", "allow_arbitrary_queries", "math::add"];
/// assert_eq!(near_names("allow_queries", known)[0], "allow_arbitrary_queries");
/// assert_eq!(near_names("ad", known), ["math::add"]);
/// ```
pub fn near_names<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let is_short = |name: &str| name.len() <= MAX_COMPARED_BYTES;
    if !is_short(unknown) {
        return Vec::new();
    }
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .filter(|name| is_short(name))
        .take(MAX_COMPARED_NAMES)
        .map(|name| (similarity(unknown, name), name))
        .filter(|(score, _)| *score >= MIN_SIMILARITY)
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().take(MAX_RESULTS).map(|(_, name)| name).collect()
}

fn similarity(unknown: &str, known: &str) -> f64 {
    let unknown_letters = letters(unknown);
    let of =
        |known: &str| strsim::normalized_damerau_levenshtein(&unknown_letters, &letters(known));
    let last = known.rsplit_once("::").map_or(0.0, |(_, last)| of(last));
    let more_words = if has_words_of(known, unknown) { MORE_WORDS } else { 0.0 };
    of(known).max(last).max(more_words)
}

/// Removes the style from a name.
fn letters(name: &str) -> String {
    name.replace(['_', '-'], "").to_lowercase()
}

fn has_words_of(known: &str, unknown: &str) -> bool {
    let words = |name: &str| -> Vec<String> {
        name.split(['_', '-', ':']).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
    };
    let (known, unknown) = (words(known), words(unknown));
    unknown.len() > 1 && unknown.iter().all(|word| known.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = [
            "max_memory_bytes",
            "max_pool_size",
            "allow_net",
            "allow_functions",
            "allow_arbitrary_queries",
            "math::add",
            "say",
            "unit_price",
        ];
        for (unknown, expected) in [
            ("max_memry_bytes", "max_memory_bytes"),
            ("alow_net", "allow_net"),
            ("allow_queries", "allow_arbitrary_queries"),
            ("sya", "say"),
            ("ad", "math::add"),
            ("unitPrice", "unit_price"),
        ] {
            assert_eq!(near_names(unknown, known).first(), Some(&expected), "{unknown}");
        }
        assert!(near_names("zzz", known).is_empty());
        assert!(near_names(&"say".repeat(1 << 20), known).is_empty());
        let many = vec!["other"; MAX_COMPARED_NAMES];
        assert!(near_names("say", many.iter().copied().chain(["say"])).is_empty());
    }
}
