//! Expands a marked function.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{GenericParam, ItemFn, ReturnType, Signature, Type};

use crate::errors::Errors;
use crate::export::{self, Export};
use crate::name::Name;
use crate::options::{self, Options, Text};
use crate::sdk::Sdk;
use crate::{attribute, comment, parameters, types};

pub(crate) fn expand(
    options: TokenStream,
    mut function: ItemFn,
    namespace: &Name,
    sdk: &Sdk,
) -> TokenStream {
    let mut errors = Errors::default();
    attribute::reject_repeated(&mut function.attrs, &mut errors);
    let options = Options::parse(options, options::FUNCTION, &mut errors);
    let sdk = options.sdk(sdk, &mut errors).path();
    check_signature(&function.sig, &mut errors);
    let parameters = parameters::parse(&mut function.sig, &mut errors);

    let output = if options.path("init").is_some() {
        check_init(&options, &function.sig, &mut errors);
        export::init(&function, &sdk)
    } else {
        let (name, span) = name(&options, &function, namespace, &mut errors);
        let comment = match options.text("comment") {
            Some(Text::Literal(text)) if text.value().is_empty() => None,
            Some(Text::Literal(text)) => Some(text.to_token_stream()),
            Some(Text::Macro(text)) => Some(text.to_token_stream()),
            None => comment::from_doc(&function.attrs),
        };
        let writeable = options.path("writeable").is_some();
        let is_in_namespace = namespace.export_name().is_some();
        let function = &function;
        Export { name, is_in_namespace, span, writeable, comment, parameters, function, sdk }
            .into_tokens()
    };
    let output = errors.into_tokens().unwrap_or(output);
    quote!(#function #output)
}

fn check_signature(signature: &Signature, errors: &mut Errors) {
    for parameter in &signature.generics.params {
        let message = match parameter {
            GenericParam::Lifetime(_) => {
                "arguments are owned and need no lifetime: remove this parameter"
            }
            _ => {
                "the host has to know every type: replace the generic parameter with a concrete type"
            }
        };
        errors.push(parameter, message);
    }
    if let Some(unsafety) = &signature.unsafety {
        errors.push(
            unsafety,
            "the host cannot uphold the contract of an `unsafe` function: export a safe one that calls it",
        );
    }
    match &signature.output {
        ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)) => errors.push(
            ty,
            "a function that never returns has no result: write the type that callers expect, such as `()`",
        ),
        ReturnType::Type(_, ty) => types::check_return(ty, errors),
        ReturnType::Default => (),
    }
}

fn check_init(options: &Options, signature: &Signature, errors: &mut Errors) {
    for other in options.others("init") {
        errors.push(
            other,
            "`init` cannot have other options, as the function is not exported: remove this option",
        );
    }
    if let Some(parameter) = signature.inputs.first() {
        errors.push(
            parameter,
            "an `init` function is called without arguments: remove the parameters",
        );
    }
}

/// Returns the name of an export, and where it is in the source.
fn name(
    options: &Options,
    function: &ItemFn,
    namespace: &Name,
    errors: &mut Errors,
) -> (Name, Span) {
    let own = &function.sig.ident;
    match (options.path("default"), options.literal("name")) {
        (Some(default), name) => {
            if let Some(name) = name {
                errors.push(
                    name,
                    "a `default` function does not have a name: remove `default` or `name`",
                );
            }
            (namespace.clone(), default.span())
        }
        (None, Some(name)) => (namespace.join_str(name, own, errors), name.span()),
        (None, None) => (namespace.join(own), own.span()),
    }
}
