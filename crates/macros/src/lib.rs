//! The attribute `#[surrealism]`, which exports Rust functions from a plugin.
//!
//! Use it through the crate `surrealism`: its output refers to that crate.

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

/// Exports a function or a module of functions. `surrealism::surrealism` has the documentation.
#[proc_macro_attribute]
pub fn surrealism(options: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(options.into(), item.into()).into()
}
