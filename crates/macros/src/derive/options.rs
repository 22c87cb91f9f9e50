//! The attribute of the whole type.

use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

use crate::errors::Errors;
use crate::options::string_value;
use crate::sdk::Sdk;

/// What the derive itself has to know of the attributes, and what it hands on.
pub(crate) struct ContainerOptions {
    /// Where the SDK is.
    pub(crate) sdk: Sdk,
    /// Whether missing fields are those of the type's `Default`.
    pub(crate) has_default: bool,
    /// The attributes for the other derive.
    pub(crate) attributes: Vec<Attribute>,
}

impl ContainerOptions {
    pub(crate) fn take(attributes: &mut Vec<Attribute>, errors: &mut Errors) -> Self {
        let mut options = Self { sdk: Sdk::default(), has_default: false, attributes: Vec::new() };
        for attribute in attributes.drain(..).filter(|a| a.path().is_ident("surreal")) {
            options.push(attribute, errors);
        }
        options
    }

    fn push(&mut self, mut attribute: Attribute, errors: &mut Errors) {
        let metas = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
        let metas = match metas {
            Ok(metas) => metas,
            Err(error) => return errors.push_error(error),
        };
        let handed_on: Punctuated<Meta, Token![,]> =
            metas.into_iter().filter(|meta| self.keep(meta, errors)).collect();
        if !handed_on.is_empty() {
            attribute.meta = syn::parse_quote!(surreal(#handed_on));
            self.attributes.push(attribute);
        }
    }

    /// Returns whether an option is for the other derive.
    fn keep(&mut self, meta: &Meta, errors: &mut Errors) -> bool {
        if meta.path().is_ident("crate") {
            errors.push(
                quote!(#meta),
                "`surrealism::SurrealValue` knows its crate: remove this option; only a crate that \
                 re-exports the SDK is named, by `sdk = \"acme::surrealism\"`",
            );
            return false;
        }
        if meta.path().is_ident("sdk") {
            match string_value(meta).and_then(|path| path.parse().ok()) {
                Some(path) => self.sdk = Sdk::new(path),
                None => errors.push(
                    meta,
                    "`sdk` needs the path of the SDK: write `sdk = \"acme::surrealism\"`",
                ),
            }
            return false;
        }
        self.has_default |= meta.path().is_ident("default");
        true
    }
}
