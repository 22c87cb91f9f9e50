//! The parameters of an exported function.

use syn::ext::IdentExt;
use syn::{Attribute, FnArg, LitStr, Pat, PatType, Receiver, Signature, Type};

use crate::errors::Mistakes;
use crate::name::is_identifier;
use crate::options::string;
use crate::types;

const MOST: usize = 10;

pub(crate) struct Parameter {
    /// What the argument is called on the wire.
    pub(crate) name: LitStr,
    pub(crate) ty: Type,
}

/// Reads the parameters of a function, and takes the attributes from them that are for us.
pub(crate) fn take(signature: &mut Signature, mistakes: &mut Mistakes) -> Vec<Parameter> {
    if let Some(first_too_many) = signature.inputs.iter().nth(MOST) {
        mistakes.note(
            first_too_many,
            format!("a function takes at most {MOST} arguments: put some of them into a struct"),
        );
    }
    let mut parameters: Vec<Parameter> = Vec::new();
    for input in &mut signature.inputs {
        let parameter = match input {
            FnArg::Typed(parameter) => read(parameter, mistakes),
            FnArg::Receiver(receiver) => refuse_self(receiver, mistakes),
        };
        let Some(parameter) = parameter else { continue };
        let name = parameter.name.value();
        if parameters.iter().any(|earlier| earlier.name.value() == name) {
            mistakes.note(
                &parameter.name,
                format!("another argument is called `{name}`: give one of them another name"),
            );
        }
        parameters.push(parameter);
    }
    parameters
}

fn refuse_self(receiver: &Receiver, mistakes: &mut Mistakes) -> Option<Parameter> {
    mistakes.note(
        receiver,
        "nobody can pass `self`: export a function that is not a method and takes a value",
    );
    None
}

fn read(parameter: &mut PatType, mistakes: &mut Mistakes) -> Option<Parameter> {
    types::check_parameter(&parameter.ty, mistakes);
    let given = take_name(&mut parameter.attrs, mistakes);
    let name = given.or_else(|| own_name(&parameter.pat, mistakes))?;
    Some(Parameter { name, ty: (*parameter.ty).clone() })
}

/// The name that a parameter has by itself.
fn own_name(pattern: &Pat, mistakes: &mut Mistakes) -> Option<LitStr> {
    if let Pat::Ident(pattern) = pattern {
        return Some(LitStr::new(&pattern.ident.unraw().to_string(), pattern.ident.span()));
    }
    mistakes.note(
        pattern,
        "this pattern has no name for the argument: put `#[name = \"…\"]` before it",
    );
    None
}

/// The name that a parameter is given by `#[name = "…"]`.
fn take_name(attributes: &mut Vec<Attribute>, mistakes: &mut Mistakes) -> Option<LitStr> {
    let mut given: Option<LitStr> = None;
    attributes.retain(|attribute| {
        let ours = attribute.path().is_ident("name");
        if ours {
            match string(&attribute.meta) {
                Some(_) if given.is_some() => {
                    mistakes.note(attribute, "the argument is named twice: remove one");
                }
                Some(name) if !is_identifier(&name.value()) => {
                    mistakes.note(name, "an argument's name is an identifier, such as `user_id`");
                }
                Some(name) => given = Some(name.clone()),
                None => mistakes.note(attribute, "write `#[name = \"…\"]`"),
            }
        }
        !ours
    });
    given
}
