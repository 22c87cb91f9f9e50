//! The words of a text.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::LazyLock;
use std::{fs, io};

use surrealism::anyhow::{Result, anyhow, ensure};
use surrealism::{SurrealValue, attached, surrealism};
use unicode_segmentation::UnicodeSegmentation;

use crate::check_length;
use crate::language::code_of;

/// One result of [`words`].
#[derive(Debug, SurrealValue)]
struct Word {
    word: String,
    count: i64,
}

/// Returns the most frequent words of a text in lower case, without the stop words of its language,
/// such as `the` and `and`. Numbers are not words.
#[surrealism]
fn words(text: String, most: i64) -> Result<Vec<Word>> {
    check_length(&text)?;
    ensure!(most >= 0, "the number of words must not be negative: {most}");
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let stop_words = StopWords::for_text(&text)?;
    let text = text.to_lowercase().replace('’', "'");

    let mut words: Vec<_> = count(&text, stop_words).into_iter().collect();
    words.sort_unstable_by_key(|&(word, count)| (Reverse(count), word));
    words.truncate(most);
    Ok(words.into_iter().map(|(word, count)| Word { word: word.to_string(), count }).collect())
}

/// Counts the words of a text.
fn count(text: &str, stop_words: StopWords) -> HashMap<&str, i64> {
    let mut counts = HashMap::new();
    for word in text.unicode_words().filter(|word| word.contains(char::is_alphabetic)) {
        *counts.entry(stop_words.without_elided(word)).or_default() += 1;
    }
    counts.retain(|word, _| !stop_words.contains(word));
    counts
}

/// The stop words of a language; `None` for one without a list.
#[derive(Clone, Copy)]
struct StopWords(Option<&'static HashSet<String>>);

impl StopWords {
    /// Returns the stop words of the text's language.
    ///
    /// # Errors
    ///
    /// When the lists cannot be read.
    fn for_text(text: &str) -> Result<Self> {
        /// Read once per instance.
        static LISTS: LazyLock<io::Result<Lists>> = LazyLock::new(|| read(&attached("/")?));

        let lists = LISTS.as_ref().map_err(|e| anyhow!("cannot read the stop words: {e}"))?;
        Ok(Self(code_of(text).and_then(|code| lists.get(code))))
    }

    fn contains(self, word: &str) -> bool {
        self.0.is_some_and(|list| list.contains(word))
    }

    /// Returns a word without the stop word elided before it: `eau` of `l'eau`.
    fn without_elided(self, word: &str) -> &str {
        let parts = word.find('\'').map(|end| word.split_at(end + 1));
        parts.filter(|(elided, _)| self.contains(elided)).map_or(word, |(_, rest)| rest)
    }
}

/// Stop words by the code of their language.
type Lists = HashMap<String, HashSet<String>>;

/// Reads the lists of a directory: a file for each language, with a word on each line.
fn read(directory: &Path) -> io::Result<Lists> {
    let mut lists = Lists::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension() == Some("txt".as_ref())
            && let Some(code) = path.file_stem().and_then(OsStr::to_str)
        {
            let list = fs::read_to_string(&path)?.lines().map(str::to_string).collect();
            lists.insert(code.to_string(), list);
        }
    }
    Ok(lists)
}

#[cfg(test)]
mod tests {
    use surrealism::testing::Host;

    use super::*;

    fn frequent(text: &str, most: i64) -> String {
        let _host = Host::new();
        let words = words(text.into(), most).unwrap();
        let frequent: Vec<_> = words.iter().map(|w| format!("{} {}", w.word, w.count)).collect();
        frequent.join(", ")
    }

    #[test]
    fn the_most_frequent_come_first_and_equals_by_the_alphabet() {
        for (text, most, expected) in [
            ("", 5, ""),
            ("42 3.14 !", 5, ""),
            ("b a c b", 0, ""),
            (
                "The cat and the dog: the cat sleeps, and the dog isn’t at home with the Cat.",
                3,
                "cat 3, dog 2, home 1",
            ),
            (
                "Der Hund und die Katze: der Hund schläft, und die Katze ist nicht bei dem Hund.",
                5,
                "hund 3, katze 2, schläft 1",
            ),
            (
                "L’eau de la rivière est froide, et il n'y a que l'eau qu'il aime aujourd'hui.",
                2,
                "eau 2, aime 1",
            ),
            ("Είναι καλή μέρα και η μέρα είναι μεγάλη", 1, "είναι 2"),
        ] {
            assert_eq!(frequent(text, most), expected, "{text}");
        }
    }

    #[test]
    fn there_are_no_fewer_words_than_none() {
        let error = words("a".into(), -1).unwrap_err().to_string();
        assert_eq!(error, "the number of words must not be negative: -1");
        assert_eq!(frequent("Fuchs", i64::MAX), "fuchs 1");
    }

    #[test]
    fn the_lists_are_words_as_texts_have_them() {
        let _host = Host::new();
        let lists = read(&attached("/").unwrap()).unwrap();
        assert!(lists.len() >= 8, "{:?}", lists.keys());
        for (language, list) in lists {
            assert!(list.len() > 50, "{language}");
            for word in list {
                // An elided stop word ends in an apostrophe.
                let bare = word.strip_suffix('\'').unwrap_or(&word);
                assert!(bare.unicode_words().eq([bare]), "{language}: {word:?}");
                assert_eq!(word.to_lowercase(), word, "{language}");
            }
        }
    }

    #[test]
    fn a_missing_directory_is_an_error() {
        assert!(read("/nowhere".as_ref()).is_err());
    }

    #[test]
    fn no_path_leads_out_of_the_attached_files() {
        assert!(attached("en.txt").unwrap_err().to_string().contains("has no host"));
        let _host = Host::new();
        for path in ["en.txt", "/en.txt", "./en.txt", "//en.txt"] {
            assert!(attached(path).unwrap().ends_with("stopwords/en.txt"), "{path}");
        }
        for path in ["..", "../Cargo.toml", "/../Cargo.toml", "a/../../Cargo.toml"] {
            assert!(
                attached(path).unwrap_err().to_string().contains("is not a path inside"),
                "{path}"
            );
        }
    }
}
