//! The options in the parentheses of the attribute.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, ExprMacro, Lit, LitStr, Meta, Path, Token};

use crate::errors::Errors;
use crate::sdk::Sdk;

/// An option that is allowed: its name, and an example of its value if it has one.
type OptionSpec = (&'static str, Option<&'static str>);

/// The options that a function may have.
pub(crate) const FUNCTION: &[OptionSpec] = &[
    ("default", None),
    ("name", Some("math::add")),
    ("writeable", None),
    ("comment", Some("Adds two numbers.")),
    ("init", None),
    CRATE,
];

/// The options that a module may have.
pub(crate) const MODULE: &[OptionSpec] = &[("name", Some("math")), CRATE];

/// Where the SDK is, for the macros and users of a crate that re-exports it.
const CRATE: OptionSpec = ("crate", Some("acme::surrealism"));

/// The options of one attribute.
pub(crate) struct Options(Vec<ParsedOption>);

struct ParsedOption {
    name: &'static str,
    path: Path,
    text: Option<Text>,
}

/// The text of an option or a doc comment.
#[derive(Clone)]
pub(crate) enum Text {
    Literal(LitStr),
    /// A macro that the compiler expands to a literal, such as `concat!`.
    Macro(ExprMacro),
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
    pub(crate) fn text(&self, name: &str) -> Option<&Text> {
        self.0.iter().find(|option| option.name == name)?.text.as_ref()
    }

    /// Returns the value of an option whose value the attribute has to know.
    pub(crate) fn literal(&self, name: &str) -> Option<&LitStr> {
        match self.text(name)? {
            Text::Literal(text) => Some(text),
            Text::Macro(_) => None,
        }
    }

    /// Returns the path of the SDK: that of the option, or the enclosing module's.
    pub(crate) fn sdk(&self, outer: &Sdk, errors: &mut Errors) -> Sdk {
        let Some(path) = self.literal("crate") else { return outer.clone() };
        path.parse().map(Sdk::new).unwrap_or_else(|_| {
            errors.push(path, "this is not a path: write one, such as `acme::surrealism`");
            outer.clone()
        })
    }

    /// Returns where the other options are.
    pub(crate) fn others(&self, name: &str) -> impl Iterator<Item = &Path> {
        self.0.iter().filter(move |option| option.name != name).map(|option| &option.path)
    }
}

/// Returns the value of an option, or `None` for an option without one.
fn value(meta: &Meta, name: &str, example: Option<&str>) -> syn::Result<Option<Text>> {
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
        (Some(example), _) => match text_value(meta) {
            Some(Text::Macro(text)) if name != "comment" => Err(Error::new_spanned(
                text,
                format!(
                    "`{name}` cannot be a macro, which is expanded later: write `{name} = \"{example}\"`"
                ),
            )),
            Some(text) => Ok(Some(text)),
            None => Err(Error::new_spanned(
                value,
                format!("`{name}` needs a string: write `{name} = \"{example}\"`"),
            )),
        },
    }
}

/// Returns the text in `name = "text"` or `name = concat!(…)`.
pub(crate) fn text_value(meta: &Meta) -> Option<Text> {
    let Meta::NameValue(pair) = meta else { return None };
    match ungroup(&pair.value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(Text::Literal(text.clone())),
        Expr::Macro(text) => Some(Text::Macro(text.clone())),
        _ => None,
    }
}

/// Returns the string in `name = "string"`.
pub(crate) fn string_value(meta: &Meta) -> Option<LitStr> {
    match text_value(meta)? {
        Text::Literal(text) => Some(text),
        Text::Macro(_) => None,
    }
}

/// Removes the invisible groups around what a macro was given, such as a `$name:literal`.
fn ungroup(mut value: &Expr) -> &Expr {
    while let Expr::Group(group) = value {
        value = &group.expr;
    }
    value
}

/// Returns the error for an unknown option. The list is short, so that the likeliest is not searched for.
fn unknown(path: &Path, specs: &[OptionSpec]) -> String {
    let written = path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
    format!("unknown option `{written}`; allowed here: {}", list(specs))
}

fn list(specs: &[OptionSpec]) -> String {
    let written = |(name, example): &OptionSpec| match example {
        None => format!("`{name}`"),
        Some(_) => format!("`{name} = \"…\"`"),
    };
    specs.iter().map(written).collect::<Vec<_>>().join(", ")
}
