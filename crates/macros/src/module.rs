//! A marked module: a namespace for the marked items in it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemMod};

use crate::errors::Mistakes;
use crate::name::Name;
use crate::options::{self, Options};
use crate::{attribute, function};

pub(crate) fn expand(options: TokenStream, mut module: ItemMod, outer: &Name) -> TokenStream {
    let mut mistakes = Mistakes::default();
    attribute::refuse(&mut module.attrs, &mut mistakes);
    let options = Options::read(options, options::MODULE, &mut mistakes);
    let name = match options.text("name") {
        Some(given) => outer.within_as(given, &module.ident, &mut mistakes),
        None => outer.within(&module.ident),
    };
    match &mut module.content {
        Some((_, items)) => items.iter_mut().for_each(|item| expand_inner(item, &name)),
        None => mistakes.note(
            module.semi,
            "an attribute does not see into another file: write `{ … }` here, or mark the \
             functions in the file by themselves, each with its full `name = \"…\"`",
        ),
    }
    let errors = mistakes.into_errors();
    quote!(#module #errors)
}

fn expand_inner(item: &mut Item, namespace: &Name) {
    let expanded = match item {
        Item::Fn(function) => attribute::take(&mut function.attrs)
            .map(|options| function::expand(options, function.clone(), namespace)),
        Item::Mod(module) => attribute::take(&mut module.attrs)
            .map(|options| expand(options, module.clone(), namespace)),
        // The compiler expands a mark on anything else, which is then refused.
        _ => None,
    };
    if let Some(expanded) = expanded {
        *item = Item::Verbatim(expanded);
    }
}
