//! Text that is safe to print on a terminal. The printer takes nothing else.

use std::fmt::{self, Display};

use anstyle::Style;
use serde::Serialize;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Text for a terminal. Every way to create it escapes the characters that could move the cursor, start an
/// escape sequence, reorder the text or hide in it, so that untrusted text cannot pose as ours.
///
/// It does not implement [`Display`], so that only the printer and [`text!`] read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(String);

/// Formats our own text around values: `text!("cannot open {}", path)`.
///
/// Each value is escaped as [`Text::inline`] does, unless it is a [`Text`]. The format string takes its
/// values by position only: a captured variable would not be escaped, and does not compile.
macro_rules! text {
    ($format:literal $(, $value:expr)* $(,)?) => {
        $crate::ui::text::Text::from_escaped(::std::format!(
            ::std::concat!($format) $(, $crate::ui::text::Escaped(&$value))*
        ))
    };
}
pub(crate) use text;

impl Text {
    /// Escapes every unsafe character, line feeds and tabs as well: for a part of a line.
    pub(crate) fn inline(value: impl Display) -> Self {
        Self(escape(&value.to_string(), is_unsafe))
    }

    /// Keeps line feeds and tabs, and escapes every other unsafe character: for whole lines.
    pub(crate) fn lines(value: impl Display) -> Self {
        Self(escape(&value.to_string(), |c| is_unsafe(c) && c != '\n' && c != '\t'))
    }

    /// Formats JSON. Unsafe characters occur in its strings only, and become escapes of JSON there.
    pub(crate) fn json(value: &impl Serialize, pretty: bool) -> serde_json::Result<Self> {
        let write = if pretty { serde_json::to_string_pretty } else { serde_json::to_string };
        let text = write(value)?;
        let mut escaped = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\n' => escaped.push(c),
                _ if is_unsafe(c) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        escaped.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                _ => escaped.push(c),
            }
        }
        Ok(Self(escaped))
    }

    /// Joins texts.
    pub(crate) fn join(texts: &[Self], separator: &'static str) -> Self {
        let texts: Vec<_> = texts.iter().map(|text| text.0.as_str()).collect();
        Self(texts.join(separator))
    }

    /// Indents all lines except the first, so that none of them looks like a line of ours.
    pub(crate) fn indent_rest(self, indent: &'static str) -> Self {
        Self(self.0.replace('\n', &format!("\n{indent}")))
    }

    /// Sets the style.
    pub(crate) fn styled(self, style: Style) -> Self {
        Self(format!("{style}{}{style:#}", self.0))
    }

    /// Takes text whose untrusted parts are escaped already. For [`text!`] and tables only.
    pub(crate) fn from_escaped(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Takes our own text.
impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self::lines(text)
    }
}

/// A value of [`text!`].
pub(crate) trait Fragment {
    fn escaped(&self) -> String;
}

impl<T: Display + ?Sized> Fragment for T {
    fn escaped(&self) -> String {
        Text::inline(self).0
    }
}

impl Fragment for Text {
    fn escaped(&self) -> String {
        self.0.clone()
    }
}

/// Writes a value of [`text!`] escaped.
pub(crate) struct Escaped<'a, T: ?Sized>(pub(crate) &'a T);

impl<T: Fragment + ?Sized> Display for Escaped<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.escaped())
    }
}

fn escape(text: &str, is_unsafe: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Whether a character controls a terminal, is invisible, changes the direction of text, or ends a line.
fn is_unsafe(c: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator};
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    matches!(c.general_category(), Control | Format | LineSeparator | ParagraphSeparator)
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;
    use serde_json::json;

    use super::*;

    /// A character of each unsafe category, and what it could do.
    const UNSAFE: [(char, &str); 12] = [
        ('\u{0}', r"\u{0}"),
        ('\r', r"\r"),
        ('\u{1b}', r"\u{1b}"),
        ('\u{7f}', r"\u{7f}"),
        ('\u{85}', r"\u{85}"),
        ('\u{9b}', r"\u{9b}"),
        ('\u{ad}', r"\u{ad}"),
        ('\u{200b}', r"\u{200b}"),
        ('\u{202e}', r"\u{202e}"),
        ('\u{2028}', r"\u{2028}"),
        ('\u{2066}', r"\u{2066}"),
        ('\u{e0041}', r"\u{e0041}"),
    ];

    #[test]
    fn unsafe_characters_are_escaped_however_text_is_made() {
        for (c, escaped) in UNSAFE {
            let (untrusted, expected) = (format!("a{c}b"), format!("a{escaped}b"));
            assert_eq!(Text::inline(&untrusted).as_str(), expected);
            assert_eq!(Text::lines(&untrusted).as_str(), expected);
            assert_eq!(text!("{}", untrusted).as_str(), expected);
            let json = Text::json(&json!({ &untrusted: &untrusted }), true).unwrap();
            assert!(!json.as_str().contains(c), "{json:?}");
            let parsed: serde_json::Value = serde_json::from_str(json.as_str()).unwrap();
            assert_eq!(parsed, json!({ &untrusted: &untrusted }));
        }
    }

    #[test]
    fn visible_characters_are_kept() {
        let visible = "Ünïcödé 日本 עברית हिन्दी 👍 – \\ \"";
        assert_eq!(Text::inline(visible).as_str(), visible);
    }

    #[test]
    fn only_whole_lines_keep_line_feeds_and_tabs() {
        assert_eq!(Text::inline("a\n\tb").as_str(), r"a\n\tb");
        assert_eq!(Text::lines("a\n\tb").as_str(), "a\n\tb");
        assert_eq!(text!("x\n{}", "a\nb").as_str(), "x\na\\nb");
        assert_eq!(Text::lines("a\nerror: b").indent_rest("    ").as_str(), "a\n    error: b");
    }

    #[test]
    fn our_styles_are_kept_and_those_of_values_are_not() {
        let style = AnsiColor::Red.on_default();
        let red = text!("{}", "\u{1b}[32mgreen").styled(style);
        assert_eq!(text!("{:>3}|{}", "x", red).as_str(), "  x|\u{1b}[31m\\u{1b}[32mgreen\u{1b}[0m");
    }
}
