//! The parameters of an exported function.

use syn::ext::IdentExt;
use syn::{Attribute, FnArg, LitStr, Pat, PatType, Receiver, Signature, Type};

use crate::errors::Errors;
use crate::name::is_identifier;
use crate::options::string_value;
use crate::types;

const MAX_PARAMETERS: usize = 10;

pub(crate) struct Parameter {
    /// The name of the argument for callers.
    pub(crate) name: LitStr,
    pub(crate) ty: Type,
}

/// Returns the parameters of a function, and removes `#[name = "…"]` from them.
pub(crate) fn parse(signature: &mut Signature, errors: &mut Errors) -> Vec<Parameter> {
    if let Some(first_too_many) = signature.inputs.iter().nth(MAX_PARAMETERS) {
        errors.push(
            first_too_many,
            format!("more than {MAX_PARAMETERS} parameters: put some of them into a struct"),
        );
    }
    let mut parameters: Vec<Parameter> = Vec::new();
    for input in &mut signature.inputs {
        let parameter = match input {
            FnArg::Typed(parameter) => parse_parameter(parameter, errors),
            FnArg::Receiver(receiver) => reject_self(receiver, errors),
        };
        let Some(parameter) = parameter else { continue };
        let name = parameter.name.value();
        if parameters.iter().any(|earlier| earlier.name.value() == name) {
            errors.push(
                &parameter.name,
                format!("repeated argument name `{name}`: rename one of them"),
            );
        }
        parameters.push(parameter);
    }
    parameters
}

fn reject_self(receiver: &Receiver, errors: &mut Errors) -> Option<Parameter> {
    errors.push(receiver, "a caller cannot pass `self`: export a function that is not a method");
    None
}

fn parse_parameter(parameter: &mut PatType, errors: &mut Errors) -> Option<Parameter> {
    types::check_parameter(&parameter.ty, errors);
    reject_conditional(&parameter.attrs, errors);
    let name = take_name(&mut parameter.attrs, errors);
    let name = name.or_else(|| pattern_name(&parameter.pat, errors))?;
    Some(Parameter { name, ty: (*parameter.ty).clone() })
}

/// Reports attributes under which a parameter may be absent, or have another name.
fn reject_conditional(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes {
        if attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr") {
            errors.push(
                attribute,
                "a parameter is in the signature or it is not: put `#[cfg(…)]` on each of two functions",
            );
        }
    }
}

/// Returns the name in a parameter's pattern.
fn pattern_name(pattern: &Pat, errors: &mut Errors) -> Option<LitStr> {
    if let Pat::Ident(pattern) = pattern {
        return Some(LitStr::new(&pattern.ident.unraw().to_string(), pattern.ident.span()));
    }
    errors.push(
        pattern,
        "the argument has no name, as this pattern is not an identifier: put `#[name = \"…\"]` before it",
    );
    None
}

/// Removes `#[name = "…"]` from a parameter, and returns the name.
fn take_name(attributes: &mut Vec<Attribute>, errors: &mut Errors) -> Option<LitStr> {
    let mut name: Option<LitStr> = None;
    attributes.retain(|attribute| {
        let ours = attribute.path().is_ident("name");
        if ours {
            match string_value(&attribute.meta) {
                Some(_) if name.is_some() => {
                    errors.push(attribute, "repeated `#[name]`: remove one");
                }
                Some(text) if !is_identifier(&text.value()) => {
                    errors
                        .push(text, "the name is not an identifier: write one, such as `user_id`");
                }
                Some(text) => name = Some(text),
                None => errors.push(attribute, "`name` needs a string: write `#[name = \"…\"]`"),
            }
        }
        !ours
    });
    name
}
