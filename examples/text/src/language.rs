//! The language of a text.

use surrealism::anyhow::Result;
use surrealism::{SurrealValue, surrealism};
use whatlang::{Info, Lang};

use crate::check_length;

/// The result of [`language`].
#[derive(Debug, PartialEq, SurrealValue)]
struct Language {
    code: String,
    name: String,
    confidence: f64,
    reliable: bool,
}

/// Detects the language of a text: its ISO 639 code, its English name and the confidence, from 0.0 to
/// 1.0; NONE where it cannot be detected. Longer texts have a higher confidence.
#[surrealism]
fn language(text: String) -> Result<Option<Language>> {
    check_length(&text)?;
    Ok(whatlang::detect(&text).map(Language::from))
}

impl From<Info> for Language {
    fn from(info: Info) -> Self {
        Self {
            code: code(info.lang()).to_string(),
            name: info.lang().eng_name().to_string(),
            confidence: info.confidence(),
            reliable: info.is_reliable(),
        }
    }
}

/// Returns the code of a text's language, if it can be detected.
pub(crate) fn code_of(text: &str) -> Option<&'static str> {
    whatlang::detect_lang(text).map(code)
}

/// Returns the two-letter code of ISO 639 for a language, or else the three-letter code.
fn code(lang: Lang) -> &'static str {
    let known = isolang::Language::from_639_3(lang.code());
    known.and_then(|language| language.to_639_1()).unwrap_or(lang.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_tells_its_language() {
        for (text, code, name) in [
            ("The quick brown fox jumps over the lazy dog, and nobody minds.", "en", "English"),
            ("Der schnelle braune Fuchs springt über den faulen Hund.", "de", "German"),
            ("Portez ce vieux whisky au juge blond qui fume.", "fr", "French"),
            ("Съешь же ещё этих мягких французских булок, да выпей чаю.", "ru", "Russian"),
            ("私はガラスを食べられます。それは私を傷つけません。", "ja", "Japanese"),
            ("我能吞下玻璃而不伤身体。", "cmn", "Mandarin"),
        ] {
            let language = language(text.into()).unwrap().unwrap();
            assert_eq!((&*language.code, &*language.name), (code, name), "{text}");
            assert!((0.0..=1.0).contains(&language.confidence), "{text}");
        }
    }

    #[test]
    fn the_longer_the_text_the_surer_its_language() {
        let readme = include_str!("../README.md").to_string();
        assert!(language(readme).unwrap().unwrap().reliable);
        assert!(!language("die".into()).unwrap().unwrap().reliable);
    }

    #[test]
    fn a_text_without_words_has_no_language() {
        for text in ["", " ", "42", "🦄", "?!"] {
            assert_eq!(language(text.into()).unwrap(), None, "{text:?}");
            assert_eq!(code_of(text), None, "{text:?}");
        }
    }
}
