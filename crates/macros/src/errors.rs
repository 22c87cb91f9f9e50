//! The mistakes of one marked item, reported together.

use proc_macro2::TokenStream;
use quote::ToTokens;

#[derive(Default)]
pub(crate) struct Mistakes(Option<syn::Error>);

impl Mistakes {
    /// Notes what is wrong with some tokens, and what to write instead.
    pub(crate) fn note(&mut self, at: impl ToTokens, message: impl std::fmt::Display) {
        self.add(syn::Error::new_spanned(at, message));
    }

    pub(crate) fn add(&mut self, mistake: syn::Error) {
        match &mut self.0 {
            Some(mistakes) => mistakes.combine(mistake),
            none => *none = Some(mistake),
        }
    }

    /// The errors for the compiler to show, if there are any.
    pub(crate) fn into_errors(self) -> Option<TokenStream> {
        self.0.map(syn::Error::into_compile_error)
    }
}
