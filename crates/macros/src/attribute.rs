//! `#[surrealism]` on the items of a marked module, which the module expands instead of the compiler.

use proc_macro2::{TokenStream, TokenTree};
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

/// Reports `#[cfg_attr(…, surrealism)]`, which the compiler would expand without the name of the module.
pub(crate) fn reject_conditional(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("cfg_attr")) {
        let Meta::List(list) = &attribute.meta else { continue };
        let is_ours = |token: TokenTree| matches!(token, TokenTree::Ident(i) if i == "surrealism");
        if list.tokens.clone().into_iter().any(is_ours) {
            errors.push(
                attribute,
                "the name of the module is not added here: write `#[cfg(…)]` and `#[surrealism]` instead",
            );
        }
    }
}

fn position(attributes: &[Attribute]) -> Option<usize> {
    let last = |attribute: &Attribute| attribute.path().segments.last().map(|s| s.ident.clone());
    attributes
        .iter()
        .position(|attribute| last(attribute).is_some_and(|ident| ident == "surrealism"))
}
