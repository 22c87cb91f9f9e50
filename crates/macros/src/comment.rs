//! The comment of a function, from its doc comment.

use syn::{Attribute, LitStr};

use crate::options::string_value;

/// Returns the text of the doc comments among some attributes, with its line breaks and indentation.
pub(crate) fn from_doc(attributes: &[Attribute]) -> String {
    let text = attributes.iter().filter_map(doc).collect::<Vec<_>>().join("\n");
    let lines = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n").trim().to_string()
}

fn doc(attribute: &Attribute) -> Option<String> {
    let doc = attribute.path().is_ident("doc");
    doc.then(|| string_value(&attribute.meta).map(LitStr::value))?
}

#[cfg(test)]
mod tests {
    use syn::{ItemFn, parse_quote};

    #[test]
    fn doc_comments_keep_their_lines() {
        let function: ItemFn = parse_quote! {
            ///
            /// First line,
            ///   indented,
            ///second.
            #[inline]
            ///
            /// Another paragraph.
            #[doc = include_str!("not read")]
            fn f() {}
        };
        assert_eq!(
            super::from_doc(&function.attrs),
            "First line,\n  indented,\nsecond.\n\nAnother paragraph."
        );
    }
}
