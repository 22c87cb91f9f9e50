//! A marked function: what is wrong with it, or what exports it.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::{GenericParam, ItemFn, ReturnType, Signature};

use crate::errors::Mistakes;
use crate::export::{self, Export};
use crate::name::Name;
use crate::options::{self, Options};
use crate::{attribute, comment, parameters, types};

pub(crate) fn expand(options: TokenStream, mut function: ItemFn, namespace: &Name) -> TokenStream {
    let mut mistakes = Mistakes::default();
    attribute::refuse(&mut function.attrs, &mut mistakes);
    let options = Options::read(options, options::FUNCTION, &mut mistakes);
    check_signature(&function.sig, &mut mistakes);
    let parameters = parameters::take(&mut function.sig, &mut mistakes);

    let output = if options.path("init").is_some() {
        check_init(&options, &function.sig, &mut mistakes);
        export::init(&function)
    } else {
        let (name, span) = name(&options, &function, namespace, &mut mistakes);
        let comment = match options.text("comment") {
            Some(comment) => comment.value(),
            None => comment::of(&function.attrs),
        };
        let writeable = options.path("writeable").is_some();
        Export { name, span, writeable, comment, parameters, function: &function }.into_tokens()
    };
    let output = mistakes.into_errors().unwrap_or(output);
    quote!(#function #output)
}

fn check_signature(signature: &Signature, mistakes: &mut Mistakes) {
    for parameter in &signature.generics.params {
        let message = match parameter {
            GenericParam::Lifetime(_) => "arguments are owned, no lifetime is needed: remove it",
            _ => "the host has to know every type: name it in place of a generic parameter",
        };
        mistakes.note(parameter, message);
    }
    if let Some(unsafety) = &signature.unsafety {
        mistakes.note(
            unsafety,
            "the host cannot know what an `unsafe` function asks for: export a safe one",
        );
    }
    if let ReturnType::Type(_, ty) = &signature.output {
        types::check_return(ty, mistakes);
    }
}

fn check_init(options: &Options, signature: &Signature, mistakes: &mut Mistakes) {
    for other in options.beside("init") {
        mistakes.note(other, "`init` goes with no other option: the function is not exported");
    }
    if let Some(parameter) = signature.inputs.first() {
        mistakes.note(parameter, "an `init` function has no parameters: nobody passes arguments");
    }
}

/// The name of an export, and where it comes from.
fn name(
    options: &Options,
    function: &ItemFn,
    namespace: &Name,
    mistakes: &mut Mistakes,
) -> (Name, Span) {
    let own = &function.sig.ident;
    match (options.path("default"), options.text("name")) {
        (Some(default), given) => {
            if let Some(given) = given {
                mistakes.note(given, "a `default` function has no name: remove one of the two");
            }
            (namespace.clone(), default.span())
        }
        (None, Some(given)) => (namespace.within_as(given, own, mistakes), given.span()),
        (None, None) => (namespace.within(own), own.span()),
    }
}
