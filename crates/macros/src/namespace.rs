//! `namespace!(limits)`, which makes a source file a namespace.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, Path, Token};

use crate::sdk::Sdk;

/// `math::trig`, and where the SDK is, if that is said: `math::trig, crate = acme::surrealism`.
struct Namespace {
    segments: Punctuated<Ident, Token![::]>,
    sdk: Option<Path>,
}

impl Parse for Namespace {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let segments = Punctuated::parse_separated_nonempty_with(input, Ident::parse_any)?;
        let mut sdk = None;
        if input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            sdk = Some(input.parse()?);
        }
        Ok(Self { segments, sdk })
    }
}

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let parsed = match Namespace::parse.parse2(input) {
        Ok(parsed) => parsed,
        Err(error) => {
            let message = format!("{error}: write identifiers joined by `::`, as in `math::trig`");
            return Error::new(error.span(), message).into_compile_error();
        }
    };
    let segments: Vec<_> = parsed.segments.iter().map(|s| s.unraw().to_string()).collect();
    let name = segments.join("::");
    let sdk = parsed.sdk.map_or_else(Sdk::default, Sdk::new).path();
    quote! {
        // The compiler accepts it once in a module.
        #[allow(dead_code)]
        struct SurrealismNamespace;

        #sdk::inventory::submit! {
            #sdk::__private::Namespace {
                module: ::core::module_path!(),
                name: #name,
                is_of_macros: false,
            }
        }
    }
}
