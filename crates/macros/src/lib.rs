//! The attribute `#[surrealism]`, which exports Rust functions from a plugin, and the derive of their types.
//!
//! Use it through the crate `surrealism`: its output refers to that crate.

use proc_macro::TokenStream;

mod attribute;
mod comment;
mod derive;
mod errors;
mod export;
mod function;
mod item;
mod module;
mod name;
mod namespace;
mod options;
mod parameters;
mod sdk;
mod types;

/// Exports a function or a module of functions. `surrealism::surrealism` has the documentation.
#[proc_macro_attribute]
pub fn surrealism(options: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(options.into(), item.into()).into()
}

/// Implements `SurrealValue` for a type. `surrealism::SurrealValue` has the documentation.
#[proc_macro_derive(SurrealValue, attributes(surreal))]
pub fn surreal_value(input: TokenStream) -> TokenStream {
    derive::expand(input.into()).into()
}

/// Makes a source file a namespace. `surrealism::namespace` has the documentation.
#[proc_macro]
pub fn namespace(input: TokenStream) -> TokenStream {
    namespace::expand(input.into()).into()
}
