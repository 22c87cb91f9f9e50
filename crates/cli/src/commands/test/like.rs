//! Patterns for results of which a part cannot be known, such as an id or a time.

/// Whether a text is like a pattern, in which `*` stands for any text, and `\\*` for a star.
pub(super) fn is_like(text: &str, pattern: &str) -> bool {
    let pieces = pieces(pattern);
    let [first, rest @ ..] = &pieces[..] else { return text.is_empty() };
    let Some(mut text) = text.strip_prefix(first.as_str()) else { return false };
    let [middle @ .., last] = rest else { return text.is_empty() };
    for piece in middle {
        match text.split_once(piece.as_str()) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    text.ends_with(last.as_str())
}

/// Splits a pattern at its stars.
fn pieces(pattern: &str) -> Vec<String> {
    let (mut pieces, mut piece, mut chars) =
        (Vec::new(), String::new(), pattern.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '*' => pieces.push(std::mem::take(&mut piece)),
            '\\' if chars.peek() == Some(&'*') => piece.extend(chars.next()),
            c => piece.push(c),
        }
    }
    pieces.push(piece);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("", "*", true),
            ("a", "", false),
            ("a", "a", true),
            ("abc", "a*c", true),
            ("ac", "a*c", true),
            ("a", "a*a", false),
            ("aba", "a*a", true),
            ("abcb", "*b*b", true),
            ("abc", "*b*b", false),
            ("abc", "a*", true),
            ("abc", "b*", false),
            ("abc", "*b", false),
            ("a*c", "a\\*c", true),
            ("abc", "a\\*c", false),
            ("a\\c", "a\\c", true),
            ("{ at: d'2026-01-01T00:00:00Z', id: page:x1 }", "{ at: d'*', id: page:* }", true),
            ("{ at: d'2026-01-01T00:00:00Z', id: post:x1 }", "{ at: d'*', id: page:* }", false),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "*a*a*a*a*a*a*a*a*a*a*c", false),
        ] {
            assert_eq!(is_like(text, pattern), expected, "{text:?} {pattern:?}");
        }
    }
}
