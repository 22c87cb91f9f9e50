//! The comment of a function, from its doc comment.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Attribute;

use crate::options::{Text, text_value};

/// Returns the comment of the doc comments among some attributes, with its line breaks and indentation, as an
/// expression. `None` without a comment.
pub(crate) fn from_doc(attributes: &[Attribute]) -> Option<TokenStream> {
    let docs = attributes.iter().filter(|attribute| attribute.path().is_ident("doc"));
    let texts: Vec<Text> = docs.filter_map(|doc| text_value(&doc.meta)).collect();
    let literals: Option<Vec<String>> = texts.iter().map(literal).collect();
    match literals {
        Some(lines) => {
            let comment = unindent(&lines.join("\n")).trim().to_string();
            (!comment.is_empty()).then(|| comment.into_token_stream())
        }
        None => Some(concatenated(&texts)),
    }
}

fn literal(text: &Text) -> Option<String> {
    match text {
        Text::Literal(text) => Some(text.value()),
        Text::Macro(_) => None,
    }
}

/// Returns an expression that has the compiler expand the macros among some texts.
fn concatenated(texts: &[Text]) -> TokenStream {
    let lines = texts.iter().map(|text| match text {
        Text::Literal(text) => unindent(&text.value()).into_token_stream(),
        Text::Macro(text) => text.to_token_stream(),
    });
    let lines = lines.flat_map(|line| [quote!("\n"), line]).skip(1);
    quote!(::core::concat!(#(#lines),*).trim_ascii())
}

/// Removes the space that follows `///`.
fn unindent(text: &str) -> String {
    let lines = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
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
            #[doc(hidden)]
            fn f() {}
        };
        assert_eq!(
            super::from_doc(&function.attrs).unwrap().to_string(),
            "First line,\n  indented,\nsecond.\n\nAnother paragraph."
                .into_token_stream()
                .to_string()
        );
    }

    #[test]
    fn macros_are_left_to_the_compiler() {
        let function: ItemFn = parse_quote! {
            /// First.
            #[doc = concat!("Second", ".")]
            fn f() {}
        };
        assert_eq!(
            super::from_doc(&function.attrs).unwrap().to_string(),
            ":: core :: concat ! (\"First.\" , \"\\n\" , concat ! (\"Second\" , \".\")) . trim_ascii ()"
        );
    }
}
