//! The path of the SDK in the crate that is compiled.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Ident;

/// Returns the absolute path of the SDK's crate, under the name that `Cargo.toml` gives it.
pub(crate) fn path() -> TokenStream {
    let name = match crate_name("surrealism") {
        Ok(FoundCrate::Name(name)) => name,
        // The SDK's own tests, or a build without Cargo.
        Ok(FoundCrate::Itself) | Err(_) => "surrealism".to_string(),
    };
    let name = Ident::new(&name, Span::call_site());
    quote!(::#name)
}
