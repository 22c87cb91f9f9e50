//! Expands a marked module, which is a namespace for the marked items inside.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemMacro, ItemMod};

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
            if items.iter().any(is_macro_call) {
                items.push(Item::Verbatim(namespace_of_macros(&name, &sdk)));
            }
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

/// Returns whether an item may become marked functions after this expansion. A definition does not.
fn is_macro_call(item: &Item) -> bool {
    matches!(item, Item::Macro(ItemMacro { ident: None, .. }))
}

/// Names the module for the functions that macros make in it, which are expanded later, by themselves.
fn namespace_of_macros(name: &Name, sdk: &Sdk) -> TokenStream {
    let (sdk, name) = (sdk.clone().path(), name.export_name());
    quote! {
        #sdk::inventory::submit! {
            #sdk::__private::Namespace {
                module: ::core::module_path!(),
                name: #name,
                is_of_macros: true,
            }
        }
    }
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
