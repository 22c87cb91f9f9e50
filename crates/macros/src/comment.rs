//! What a function says of itself.

use syn::{Attribute, LitStr};

use crate::options::string;

/// The text of the doc comments among some attributes, as written.
pub(crate) fn of(attributes: &[Attribute]) -> String {
    let text = attributes.iter().filter_map(doc).collect::<Vec<_>>().join("\n");
    let lines = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n").trim().to_string()
}

fn doc(attribute: &Attribute) -> Option<String> {
    let doc = attribute.path().is_ident("doc");
    doc.then(|| string(&attribute.meta).map(LitStr::value))?
}

#[cfg(test)]
mod tests {
    use syn::{ItemFn, parse_quote};

    #[test]
    fn a_doc_comment_is_taken_as_written() {
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
            super::of(&function.attrs),
            "First line,\n  indented,\nsecond.\n\nAnother paragraph."
        );
    }
}
