//! The path of the SDK in the crate that is compiled.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;

/// The path of the SDK's crate.
#[derive(Clone)]
pub(crate) struct Sdk(TokenStream);

impl Sdk {
    /// Returns the path that an author wrote.
    pub(crate) fn new(path: Path) -> Self {
        Self(path.into_token_stream())
    }

    pub(crate) fn path(self) -> TokenStream {
        self.0
    }
}

/// Returns the absolute path. A crate that renames its dependency says `extern crate NAME as surrealism`, or
/// names the path in the attribute.
impl Default for Sdk {
    fn default() -> Self {
        Self(quote!(::surrealism))
    }
}
