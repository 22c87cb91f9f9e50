//! Expands the attribute on any item.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Error, Item};

use crate::name::Name;
use crate::sdk::Sdk;
use crate::{function, module};

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Fn(function)) => {
            function::expand(options, function, &Name::default(), &Sdk::default())
        }
        Ok(Item::Mod(module)) => module::expand(options, module, &Name::default(), &Sdk::default()),
        _ => {
            let error = Error::new(
                Span::call_site(),
                "`#[surrealism]` exports functions and inline modules, and this item is neither: put the \
                 attribute on a function",
            )
            .into_compile_error();
            quote!(#item #error)
        }
    }
}
