//! `#[derive(SurrealValue)]`: the derive of `surrealdb_types`, which names its crate by itself.
//!
//! A derive cannot call another. So the type is repeated in a block where the crate and everything else that
//! the other derive expects are in scope, that derive is put on the copy, and the type is converted through
//! the copy, field by field. All attributes are those of the other derive.

mod copy;
mod options;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{DeriveInput, GenericParam, Generics, TypeParamBound, parse_quote};

use self::copy::Copied;
use self::options::ContainerOptions;
use crate::errors::Errors;

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let options = ContainerOptions::take(&mut input.attrs, &mut errors);
    let sdk = options.sdk.clone().path();
    let output = match Copied::new(&input, &mut errors) {
        Some(copied) => implementations(&copied, &options, &sdk),
        None => TokenStream::new(),
    };
    let errors = errors.into_tokens();
    quote!(#output #errors)
}

fn implementations(copied: &Copied, options: &ContainerOptions, sdk: &TokenStream) -> TokenStream {
    let Copied { item, original, value_alias, variants, .. } = copied;
    let types = quote!(#sdk::surrealdb_types);
    let types_text = types.to_string().replace(' ', "");
    let attributes = &options.attributes;

    let mut item = item.clone();
    let value_bound: TypeParamBound = parse_quote!(#types::SurrealValue);
    bound(&mut item.generics, &value_bound);
    let (impl_generics, type_generics, where_clause) = item.generics.split_for_impl();
    let ident = &item.ident;
    let copy = quote!(#ident #type_generics);
    let original_type = quote!(SurrealismOriginal #type_generics);

    let alias = format_ident!("SurrealismOriginal");
    let into_copy = variants.iter().map(|variant| variant.convert(&alias, ident));
    let into_original = variants.iter().map(|variant| variant.convert(ident, &alias));
    let default = options.has_default.then(|| {
        quote! {
            impl #impl_generics ::core::default::Default for #copy #where_clause {
                fn default() -> Self {
                    Self::surrealism_from(<#original_type as ::core::default::Default>::default())
                }
            }
        }
    });
    let numbers = numbers(copied, &item.generics, &original_type, sdk);

    quote! {
        #[allow(warnings, clippy::all, clippy::pedantic, clippy::restriction)]
        const _: () = {
            use #original as SurrealismOriginal;
            #value_alias
            const _: () = {
                // The other derive's output names them, and for some options its crate.
                use #types::{self, SurrealValue, Value};

                #[derive(#types::SurrealValue)]
                #[surreal(crate = #types_text)]
                #(#attributes)*
                #item

                impl #impl_generics #copy #where_clause {
                    fn surrealism_from(original: #original_type) -> Self {
                        match original { #(#into_copy),* }
                    }

                    fn surrealism_into(self) -> #original_type {
                        match self { #(#into_original),* }
                    }
                }

                #default

                #[automatically_derived]
                impl #impl_generics #types::SurrealValue for #original_type #where_clause {
                    fn kind_of() -> #types::Kind {
                        #sdk::__private::kind_of::<Self>(<#copy as #types::SurrealValue>::kind_of)
                    }

                    fn is_value(value: &#types::Value) -> bool {
                        <#copy as #types::SurrealValue>::is_value(value)
                    }

                    fn into_value(self) -> #types::Value {
                        #types::SurrealValue::into_value(<#copy>::surrealism_from(self))
                    }

                    fn from_value(
                        value: #types::Value,
                    ) -> ::core::result::Result<Self, #types::Error> {
                        let copy = <#copy as #types::SurrealValue>::from_value(value)?;
                        ::core::result::Result::Ok(copy.surrealism_into())
                    }
                }

                #numbers
            };
        };
    }
}

/// Returns the implementation that finds integers that are out of range.
fn numbers(
    copied: &Copied,
    generics: &Generics,
    original: &TokenStream,
    sdk: &TokenStream,
) -> TokenStream {
    let private = quote!(#sdk::__private);
    let mut generics = generics.clone();
    bound(&mut generics, &parse_quote!(#private::CheckNumbers));
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let arms = copied.variants.iter().map(|variant| {
        let pattern = variant.build(&format_ident!("SurrealismOriginal"));
        let checks = variant.fields.iter().map(|field| {
            let (binding, ty, name) = (&field.binding, &field.ty, &field.name);
            quote! {
                (&&#private::NumbersDispatch::<#ty>::NEW)
                    .check(#binding)
                    .map_err(|error| error.within(#name))?;
            }
        });
        quote!(#pattern => { #(#checks)* })
    });
    quote! {
        #[automatically_derived]
        impl #impl_generics #private::CheckNumbers for #original #where_clause {
            fn check_numbers(&self) -> ::core::result::Result<(), #private::OutOfRange> {
                use #private::{CheckedNumbers as _, UncheckedNumbers as _};

                match self { #(#arms),* }
                ::core::result::Result::Ok(())
            }
        }
    }
}

/// Adds a bound to every type parameter.
fn bound(generics: &mut Generics, bound: &TypeParamBound) {
    for parameter in &mut generics.params {
        if let GenericParam::Type(parameter) = parameter {
            parameter.bounds.push(bound.clone());
        }
    }
}
