//! Texts as parts of a URL.

use deunicode::deunicode;
use surrealism::anyhow::Result;
use surrealism::surrealism;

use crate::check_length;

/// Returns a text as part of a URL: Latin letters and digits in lower case, joined by hyphens.
#[surrealism]
fn slug(text: String) -> Result<String> {
    check_length(&text)?;
    let latin = deunicode(&text).to_ascii_lowercase();
    let words = latin.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    Ok(words.collect::<Vec<_>>().join("-"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_slug_is_letters_and_digits_joined_by_hyphens() {
        for (text, expected) in [
            ("", ""),
            ("  …!? ", ""),
            ("Hello, World!", "hello-world"),
            ("--already-a--slug--", "already-a-slug"),
            ("Grüße aus Köln: Ünïcode & more", "grusse-aus-koln-unicode-more"),
            ("Ærøskøbing № 1", "aeroskobing-no-1"),
            ("Война и мир", "voina-i-mir"),
            ("北京", "bei-jing"),
            ("🦄 & ☕", "unicorn-coffee"),
            ("../../etc/passwd", "etc-passwd"),
            ("<script>", "script"),
        ] {
            assert_eq!(super::slug(text.into()).unwrap(), expected, "{text:?}");
        }
    }
}
