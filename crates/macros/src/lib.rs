//! The `#[surrealism]` attribute. Use it through the crate `surrealism`, where it belongs.

use proc_macro::TokenStream;

mod attribute;
mod comment;
mod errors;
mod export;
mod function;
mod item;
mod module;
mod name;
mod options;
mod parameters;
mod sdk;
mod types;

/// See `surrealism::surrealism`, where its documentation is, with examples that are tested there.
#[proc_macro_attribute]
pub fn surrealism(options: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(options.into(), item.into()).into()
}
