//! `#[surrealism]` where the attribute of an outer module, not the compiler, has to see it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Meta};

use crate::errors::Mistakes;

/// Takes the attribute from an item that may have it; answers its options.
pub(crate) fn take(attributes: &mut Vec<Attribute>) -> Option<TokenStream> {
    let attribute = attributes.remove(position(attributes)?);
    Some(match attribute.meta {
        Meta::Path(_) => TokenStream::new(),
        Meta::List(list) => list.tokens,
        Meta::NameValue(pair) => {
            let value = pair.value;
            quote!(= #value)
        }
    })
}

/// Takes what attributes are left after the first, and says that they are too many.
pub(crate) fn refuse(attributes: &mut Vec<Attribute>, mistakes: &mut Mistakes) {
    while let Some(position) = position(attributes) {
        let second = attributes.remove(position);
        mistakes.note(second, "a second `#[surrealism]`: put all options into one");
    }
}

fn position(attributes: &[Attribute]) -> Option<usize> {
    let last = |attribute: &Attribute| attribute.path().segments.last().map(|s| s.ident.clone());
    attributes
        .iter()
        .position(|attribute| last(attribute).is_some_and(|ident| ident == "surrealism"))
}
