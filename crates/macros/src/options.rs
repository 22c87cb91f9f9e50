//! The options in the parentheses of the attribute.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Lit, LitStr, Meta, Path, Token};

use crate::errors::Errors;

/// An option that is allowed: its name, and an example of its value if it has one.
type OptionSpec = (&'static str, Option<&'static str>);

/// The options that a function may have.
pub(crate) const FUNCTION: &[OptionSpec] = &[
    ("default", None),
    ("name", Some("math::add")),
    ("writeable", None),
    ("comment", Some("Adds two numbers.")),
    ("init", None),
];

/// The options that a module may have.
pub(crate) const MODULE: &[OptionSpec] = &[("name", Some("math"))];

/// The options of one attribute.
pub(crate) struct Options(Vec<ParsedOption>);

struct ParsedOption {
    name: &'static str,
    path: Path,
    text: Option<LitStr>,
}

impl Options {
    pub(crate) fn parse(options: TokenStream, specs: &[OptionSpec], errors: &mut Errors) -> Self {
        let mut parsed = Self(Vec::new());
        match Punctuated::<Meta, Token![,]>::parse_terminated.parse2(options) {
            Ok(metas) => metas.iter().for_each(|meta| parsed.push(meta, specs, errors)),
            Err(error) => errors.push_error(Error::new(
                error.span(),
                format!("{error}; allowed here: {}", list(specs)),
            )),
        }
        parsed
    }

    fn push(&mut self, meta: &Meta, specs: &[OptionSpec], errors: &mut Errors) {
        let path = meta.path();
        let Some((name, example)) = specs.iter().find(|(name, _)| path.is_ident(name)) else {
            return errors.push(path, unknown(path, specs));
        };
        if self.path(name).is_some() {
            return errors.push(path, format!("repeated option `{name}`: remove one"));
        }
        match value(meta, name, *example) {
            Ok(text) => self.0.push(ParsedOption { name, path: path.clone(), text }),
            Err(error) => errors.push_error(error),
        }
    }

    /// Returns where an option is, if it is present.
    pub(crate) fn path(&self, name: &str) -> Option<&Path> {
        self.0.iter().find(|option| option.name == name).map(|option| &option.path)
    }

    /// Returns the value of an option, if it is present.
    pub(crate) fn text(&self, name: &str) -> Option<&LitStr> {
        self.0.iter().find(|option| option.name == name)?.text.as_ref()
    }

    /// Returns where the other options are.
    pub(crate) fn others(&self, name: &str) -> impl Iterator<Item = &Path> {
        self.0.iter().filter(move |option| option.name != name).map(|option| &option.path)
    }
}

/// Returns the value of an option, or `None` for an option without one.
fn value(meta: &Meta, name: &str, example: Option<&str>) -> syn::Result<Option<LitStr>> {
    let value = match meta {
        Meta::NameValue(pair) => pair.value.to_token_stream(),
        other => other.to_token_stream(),
    };
    match (example, meta) {
        (None, Meta::Path(_)) => Ok(None),
        (None, _) => Err(Error::new_spanned(
            value,
            format!("`{name}` does not take a value: write `{name}`"),
        )),
        (Some(example), _) => match string_value(meta) {
            Some(text) => Ok(Some(text.clone())),
            None => Err(Error::new_spanned(
                value,
                format!("`{name}` needs a string: write `{name} = \"{example}\"`"),
            )),
        },
    }
}

/// Returns the string in `name = "string"`.
pub(crate) fn string_value(meta: &Meta) -> Option<&LitStr> {
    let Meta::NameValue(pair) = meta else { return None };
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}

/// Returns the error for an unknown option.
fn unknown(path: &Path, specs: &[OptionSpec]) -> String {
    /// How similar a name has to be to be suggested, from 0 to 1.
    const MIN_SIMILARITY: f64 = 0.75;

    let written = path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
    let similarity = |name: &str| strsim::jaro_winkler(&written, name);
    let nearest =
        specs.iter().map(|(name, _)| name).max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    match nearest.filter(|name| similarity(name) >= MIN_SIMILARITY) {
        Some(nearest) => format!("unknown option `{written}`: did you mean `{nearest}`?"),
        None => {
            format!("unknown option `{written}`; allowed here: {}", list(specs))
        }
    }
}

fn list(specs: &[OptionSpec]) -> String {
    let written = |(name, example): &OptionSpec| match example {
        None => format!("`{name}`"),
        Some(_) => format!("`{name} = \"…\"`"),
    };
    specs.iter().map(written).collect::<Vec<_>>().join(", ")
}
