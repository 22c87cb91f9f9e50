//! Expands a marked module, which is a namespace for the marked items inside.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemMod};

use crate::errors::Errors;
use crate::name::Name;
use crate::options::{self, Options};
use crate::sdk::Sdk;
use crate::{attribute, function};

pub(crate) fn expand(
    options: TokenStream,
    mut module: ItemMod,
    outer: &Name,
    sdk: &Sdk,
) -> TokenStream {
    let mut errors = Errors::default();
    attribute::reject_repeated(&mut module.attrs, &mut errors);
    let options = Options::parse(options, options::MODULE, &mut errors);
    let sdk = options.sdk(sdk, &mut errors);
    let name = match options.literal("name") {
        Some(name) => outer.join_str(name, &module.ident, &mut errors),
        None => outer.join(&module.ident),
    };
    match &mut module.content {
        Some((_, items)) => {
            items.iter_mut().for_each(|item| expand_inner(item, &name, &sdk, &mut errors));
        }
        None => errors.push(
            module.semi,
            "an attribute does not see the content of another file: remove this one, and put \
             `surrealism::namespace!(…);` at the top of the file",
        ),
    }
    let errors = errors.into_tokens();
    quote!(#module #errors)
}

fn expand_inner(item: &mut Item, namespace: &Name, sdk: &Sdk, errors: &mut Errors) {
    let expanded = match item {
        Item::Fn(function) => {
            attribute::reject_conditional(&function.attrs, errors);
            attribute::take(&mut function.attrs)
                .map(|options| function::expand(options, function.clone(), namespace, sdk))
        }
        Item::Mod(module) => {
            attribute::reject_conditional(&module.attrs, errors);
            attribute::take(&mut module.attrs)
                .map(|options| expand(options, module.clone(), namespace, sdk))
        }
        // The compiler expands the attribute on any other item, which is an error.
        _ => None,
    };
    if let Some(expanded) = expanded {
        *item = Item::Verbatim(expanded);
    }
}
