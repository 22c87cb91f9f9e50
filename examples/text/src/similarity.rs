//! The similarity of texts.

use surrealism::anyhow::{Result, ensure};
use surrealism::surrealism;

/// The most pairs of characters that one call compares. The time of each measure grows with the
/// product of the lengths.
const MAX_PAIRS: usize = 50_000_000;

/// Returns the number of characters to insert, delete or replace to turn one text into the other.
#[surrealism(name = "similarity::levenshtein")]
fn levenshtein(a: String, b: String) -> Result<i64> {
    check_pairs(length(&a), length(&b))?;
    Ok(strsim::levenshtein(&a, &b) as i64)
}

/// Returns the Jaro-Winkler similarity of two names, from 0.0 to 1.0; a common prefix counts more.
#[surrealism(name = "similarity::jaro_winkler")]
fn jaro_winkler(a: String, b: String) -> Result<f64> {
    check_pairs(length(&a), length(&b))?;
    Ok(strsim::jaro_winkler(&a, &b))
}

/// Returns the candidate most similar to a word by Jaro-Winkler, the first of equals; NONE where no
/// candidate has anything in common with it.
#[surrealism(name = "similarity::closest")]
fn closest(word: String, candidates: Vec<String>) -> Result<Option<String>> {
    let total = candidates.iter().map(|candidate| length(candidate)).sum();
    check_pairs(length(&word), total)?;
    let alike = |candidate: String| (strsim::jaro_winkler(&word, &candidate), candidate);
    // Reversed, since `max_by` returns the last of equals.
    let best = candidates.into_iter().rev().map(alike).max_by(|(a, _), (b, _)| a.total_cmp(b));
    Ok(best.filter(|(alike, _)| *alike > 0.0).map(|(_, candidate)| candidate))
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn check_pairs(a: usize, b: usize) -> Result<()> {
    ensure!(
        a.saturating_mul(b) <= MAX_PAIRS,
        "the texts are too long to compare: {a} characters with {b}; the product may be at most \
         {MAX_PAIRS}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_in_characters() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("Straße", "Strasse", 2),
            ("naïve", "naive", 1),
            ("日本語", "日本", 1),
            ("🦄", "🐴", 1),
        ] {
            for (a, b) in [(a, b), (b, a)] {
                assert_eq!(levenshtein(a.into(), b.into()).unwrap(), expected, "{a:?} to {b:?}");
            }
        }
    }

    #[test]
    fn likeness_is_between_nothing_and_all() {
        for (a, b, expected) in [
            ("", "", 1.0),
            ("", "abc", 0.0),
            ("abc", "xyz", 0.0),
            ("Ada", "Ada", 1.0),
            ("MARTHA", "MARHTA", 0.961),
            ("Müller", "Mueller", 0.804),
            ("Ωμέγα", "Ωμεγα", 0.893),
        ] {
            let found = jaro_winkler(a.into(), b.into()).unwrap();
            assert!((found - expected).abs() < 0.001, "{a:?} and {b:?}: {found}");
        }
    }

    #[test]
    fn the_closest_is_the_first_of_the_most_alike() {
        for (word, candidates, expected) in [
            ("selct", &["SELECT", "delete", "select"][..], Some("select")),
            ("grün", &["rot", "gruen", "grun"], Some("grun")),
            ("a", &["ab", "ac"], Some("ab")),
            ("abc", &["xyz", ""], None),
            ("abc", &[], None),
        ] {
            let candidates: Vec<String> = candidates.iter().map(ToString::to_string).collect();
            let found = closest(word.into(), candidates).unwrap();
            assert_eq!(found.as_deref(), expected, "{word}");
        }
    }

    #[test]
    fn what_would_take_too_long_is_refused() {
        let long = "é".repeat(10_000);
        for error in [
            levenshtein(long.clone(), long.clone()).unwrap_err(),
            jaro_winkler(long.clone(), long.clone()).unwrap_err(),
            closest(long.clone(), vec![long.clone(), "short".into()]).unwrap_err(),
        ] {
            let error = error.to_string();
            assert!(error.contains("10000 characters with 1000"), "{error}");
        }
        assert!(levenshtein(long, "short".into()).is_ok());
    }
}
