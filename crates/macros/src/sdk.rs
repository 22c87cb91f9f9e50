//! The path of the SDK in the crate that is compiled.

use proc_macro2::TokenStream;
use quote::quote;

/// Returns the absolute path of the SDK's crate. A crate that renames its dependency says
/// `extern crate NAME as surrealism`.
pub(crate) fn path() -> TokenStream {
    quote!(::surrealism)
}
