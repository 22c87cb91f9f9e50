//! What stands in the parentheses of the attribute.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Lit, LitStr, Meta, Path, Token};

use crate::errors::Mistakes;

/// An option that may be given: its name, and for one with a value an example of it.
type Known = (&'static str, Option<&'static str>);

/// The options of a function.
pub(crate) const FUNCTION: &[Known] = &[
    ("default", None),
    ("name", Some("math::add")),
    ("writeable", None),
    ("comment", Some("Adds two numbers.")),
    ("init", None),
];

/// The options of a module.
pub(crate) const MODULE: &[Known] = &[("name", Some("math"))];

/// The options that were given.
pub(crate) struct Options(Vec<Given>);

struct Given {
    name: &'static str,
    path: Path,
    text: Option<LitStr>,
}

impl Options {
    pub(crate) fn read(options: TokenStream, known: &[Known], mistakes: &mut Mistakes) -> Self {
        let mut given = Self(Vec::new());
        match Punctuated::<Meta, Token![,]>::parse_terminated.parse2(options) {
            Ok(metas) => metas.iter().for_each(|meta| given.take_in(meta, known, mistakes)),
            Err(error) => mistakes.add(Error::new(
                error.span(),
                format!("{error}: what may be written here is {}", list(known)),
            )),
        }
        given
    }

    fn take_in(&mut self, meta: &Meta, known: &[Known], mistakes: &mut Mistakes) {
        let path = meta.path();
        let Some((name, example)) = known.iter().find(|(name, _)| path.is_ident(name)) else {
            return mistakes.note(path, unknown(path, known));
        };
        if self.path(name).is_some() {
            return mistakes.note(path, format!("`{name}` is given twice: remove one"));
        }
        match value(meta, name, *example) {
            Ok(text) => self.0.push(Given { name, path: path.clone(), text }),
            Err(mistake) => mistakes.add(mistake),
        }
    }

    /// Where an option is given, if it is.
    pub(crate) fn path(&self, name: &str) -> Option<&Path> {
        self.0.iter().find(|given| given.name == name).map(|given| &given.path)
    }

    /// The value of an option, if it is given.
    pub(crate) fn text(&self, name: &str) -> Option<&LitStr> {
        self.0.iter().find(|given| given.name == name)?.text.as_ref()
    }

    /// Where options are given beside this one.
    pub(crate) fn beside(&self, name: &str) -> impl Iterator<Item = &Path> {
        self.0.iter().filter(move |given| given.name != name).map(|given| &given.path)
    }
}

/// The value of an option, where it has one.
fn value(meta: &Meta, name: &str, example: Option<&str>) -> syn::Result<Option<LitStr>> {
    let value = match meta {
        Meta::NameValue(pair) => pair.value.to_token_stream(),
        other => other.to_token_stream(),
    };
    match (example, meta) {
        (None, Meta::Path(_)) => Ok(None),
        (None, _) => {
            Err(Error::new_spanned(value, format!("`{name}` has no value: write just `{name}`")))
        }
        (Some(example), _) => match string(meta) {
            Some(text) => Ok(Some(text.clone())),
            None => Err(Error::new_spanned(
                value,
                format!("`{name}` needs a text: write `{name} = \"{example}\"`"),
            )),
        },
    }
}

/// The text in `name = "text"`.
pub(crate) fn string(meta: &Meta) -> Option<&LitStr> {
    let Meta::NameValue(pair) = meta else { return None };
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}

fn unknown(path: &Path, known: &[Known]) -> String {
    const ALIKE: f64 = 0.75;

    let written = path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
    let alike = |name: &str| strsim::jaro_winkler(&written, name);
    let nearest = known.iter().map(|(name, _)| name).max_by(|a, b| alike(a).total_cmp(&alike(b)));
    match nearest.filter(|name| alike(name) >= ALIKE) {
        Some(nearest) => format!("there is no option `{written}`: did you mean `{nearest}`?"),
        None => {
            format!("there is no option `{written}`: what may be written here is {}", list(known))
        }
    }
}

fn list(known: &[Known]) -> String {
    let written = |(name, example): &Known| match example {
        None => format!("`{name}`"),
        Some(_) => format!("`{name} = \"…\"`"),
    };
    known.iter().map(written).collect::<Vec<_>>().join(", ")
}
