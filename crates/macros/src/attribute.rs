//! `#[surrealism]` on the items of a marked module, which the module expands instead of the compiler.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Meta};

use crate::errors::Errors;

/// Removes the attribute from an item, and returns its options. `None` if the item is not marked.
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

/// Removes the attributes that are left after the first one, each of which is an error.
pub(crate) fn reject_repeated(attributes: &mut Vec<Attribute>, errors: &mut Errors) {
    while let Some(position) = position(attributes) {
        let repeated = attributes.remove(position);
        errors.push(repeated, "repeated `#[surrealism]`: put all options into one attribute");
    }
}

fn position(attributes: &[Attribute]) -> Option<usize> {
    let last = |attribute: &Attribute| attribute.path().segments.last().map(|s| s.ident.clone());
    attributes
        .iter()
        .position(|attribute| last(attribute).is_some_and(|ident| ident == "surrealism"))
}
