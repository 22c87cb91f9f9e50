//! Whether Rust types fit the signature of a function.

use surrealdb_types::{Kind, KindLiteral, SurrealValue};

use super::args::{FunctionArgs, kind, type_name};
use crate::error::{Error, ErrorKind};
use crate::package::exports::FunctionExport;
use crate::text::truncate;

/// Compares the types of arguments and result with a signature.
///
/// # Errors
///
/// When an argument could be of a kind that the function does not take, or the result of one that the type
/// does not hold.
pub(super) fn check<A: FunctionArgs, R: SurrealValue + 'static>(
    export: &FunctionExport,
) -> Result<(), Error> {
    let args = A::kinds_and_names();
    if args.len() != export.args.len() {
        let (takes, has) = (export.args.len(), args.len());
        let reason = format!("the function takes {takes}, and the types have {has}");
        return Err(mismatch::<A, R>(export, &format!("arguments: {reason}")));
    }
    for (index, ((name, wanted), (kind, ty))) in export.args.iter().zip(&args).enumerate() {
        if !accepts(wanted, kind, Check::Argument) {
            let position = index + 1;
            let reason = format!("argument {position} ({name}) is {wanted}, and `{ty}` is {kind}");
            return Err(mismatch::<A, R>(export, &reason));
        }
    }
    let (held, returned, ty) = (kind::<R>(), &export.returns, type_name::<R>());
    if !accepts(&held, returned, Check::Result) {
        let reason = format!("the result is {returned}, and `{ty}` is {held}");
        return Err(mismatch::<A, R>(export, &reason));
    }
    Ok(())
}

/// Returns the types of a function as Rust writes them.
pub(super) fn types<A: FunctionArgs, R>() -> String {
    let args: Vec<String> = A::kinds_and_names().into_iter().map(|(_, name)| name).collect();
    format!("({}) -> {}", args.join(", "), type_name::<R>())
}

#[cold]
fn mismatch<A: FunctionArgs, R>(export: &FunctionExport, reason: &str) -> Error {
    let (signature, types) = (export.to_string(), types::<A, R>());
    let (signature, reason) = (truncate(&signature).to_string(), truncate(reason));
    let text = format!(
        "`{signature}` cannot be called as `{types}`: {reason}; change the types, or use `call`, which \
         converts values"
    );
    Error::call(ErrorKind::Types { signature, types }, text)
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    /// Every value of the type has to be one that the function takes.
    Argument,
    /// The signature may be less exact than what the function returns: `number` for an `i32`.
    Result,
}

/// Returns whether every value of the kind `given` is one of the kind `wanted`.
///
/// It takes at most as many steps as the product of the sizes of both, of which one is the host's own.
fn accepts(wanted: &Kind, given: &Kind, check: Check) -> bool {
    let all_in = |given: &Kind, wanted: &Kind| accepts(wanted, given, check);
    match (wanted, given) {
        (Kind::Any, _) => true,
        (Kind::Either(_) | Kind::Int | Kind::Float | Kind::Decimal, Kind::Number)
            if check == Check::Result =>
        {
            holds_numbers(wanted)
        }
        (_, Kind::Any) => check == Check::Result,
        (wanted, Kind::Either(given)) => given.iter().all(|given| all_in(given, wanted)),
        (Kind::Either(wanted), given) => wanted.iter().any(|wanted| all_in(given, wanted)),
        (Kind::Number, Kind::Int | Kind::Float | Kind::Decimal) => true,
        (Kind::Array(wanted, most), Kind::Array(given, length))
        | (Kind::Set(wanted, most), Kind::Set(given, length)) => {
            let fits = most.is_none_or(|most| length.is_some_and(|length| length <= most));
            (fits || check == Check::Result) && all_in(given, wanted)
        }
        (Kind::Array(wanted, most), Kind::Literal(KindLiteral::Array(given))) => {
            most.is_none_or(|most| given.len() as u64 <= most)
                && given.iter().all(|given| all_in(given, wanted))
        }
        (Kind::Literal(KindLiteral::Array(wanted)), Kind::Literal(KindLiteral::Array(given))) => {
            wanted.len() == given.len() && given.iter().zip(wanted).all(|(g, w)| all_in(g, w))
        }
        (Kind::Literal(KindLiteral::Object(wanted)), Kind::Literal(KindLiteral::Object(given))) => {
            wanted.len() == given.len()
                && given.iter().all(|(name, given)| {
                    wanted.get(name).is_some_and(|wanted| all_in(given, wanted))
                })
        }
        (Kind::Literal(KindLiteral::Object(_)), Kind::Object) => check == Check::Result,
        (wanted, Kind::Literal(literal)) => {
            wanted == given || base_kind(literal).is_some_and(|base| all_in(&base, wanted))
        }
        (Kind::Record(wanted), Kind::Record(given)) | (Kind::Table(wanted), Kind::Table(given)) => {
            is_subset(wanted, given)
        }
        (Kind::Geometry(wanted), Kind::Geometry(given)) => is_subset(wanted, given),
        (Kind::File(wanted), Kind::File(given)) => is_subset(wanted, given),
        (wanted, given) => wanted == given,
    }
}

/// Returns whether a kind has numbers.
fn holds_numbers(kind: &Kind) -> bool {
    match kind {
        Kind::Either(kinds) => kinds.iter().any(holds_numbers),
        kind => matches!(kind, Kind::Int | Kind::Float | Kind::Decimal | Kind::Number),
    }
}

/// Returns the kind that a literal is one value of.
fn base_kind(literal: &KindLiteral) -> Option<Kind> {
    Some(match literal {
        KindLiteral::String(_) => Kind::String,
        KindLiteral::Integer(_) => Kind::Int,
        KindLiteral::Float(_) => Kind::Float,
        KindLiteral::Decimal(_) => Kind::Decimal,
        KindLiteral::Duration(_) => Kind::Duration,
        KindLiteral::Bool(_) => Kind::Bool,
        KindLiteral::Object(_) => Kind::Object,
        KindLiteral::Array(_) => return None,
    })
}

/// Returns whether a list names only what another one does; an empty one names everything.
fn is_subset<T: PartialEq>(wanted: &[T], given: &[T]) -> bool {
    wanted.is_empty() || (!given.is_empty() && given.iter().all(|item| wanted.contains(item)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_fits_if_all_of_its_values_do() {
        let option = |kind| Kind::option(kind);
        let array = |kind, most| Kind::Array(Box::new(kind), most);
        let literal = |text: &str| Kind::Literal(KindLiteral::String(text.to_string()));
        let object = |kind| Kind::Literal(KindLiteral::Object([("a".to_string(), kind)].into()));
        let size = Kind::Either(vec![literal("small"), literal("large")]);
        // What is wanted, what is given, and whether it fits as an argument and as a result.
        let cases = [
            (Kind::Int, Kind::Int, true, true),
            (Kind::Int, Kind::Float, false, false),
            (Kind::Float, Kind::Int, false, false),
            (Kind::Number, Kind::Int, true, true),
            (Kind::Int, Kind::Number, false, true),
            (Kind::String, Kind::Number, false, false),
            (Kind::Any, Kind::Bool, true, true),
            (Kind::Bool, Kind::Any, false, true),
            (option(Kind::Int), Kind::Int, true, true),
            (option(Kind::Int), Kind::None, true, true),
            (Kind::Int, option(Kind::Int), false, false),
            (option(Kind::Int), option(Kind::Number), false, true),
            (option(Kind::Bool), option(Kind::Int), false, false),
            (array(Kind::Int, None), array(Kind::Int, Some(3)), true, true),
            (array(Kind::Int, Some(2)), array(Kind::Int, None), false, true),
            (array(Kind::Int, None), array(Kind::Bool, None), false, false),
            (Kind::Set(Box::new(Kind::Int), None), array(Kind::Int, None), false, false),
            (Kind::String, literal("small"), true, true),
            (size.clone(), literal("small"), true, true),
            (size.clone(), literal("huge"), false, false),
            (size.clone(), size.clone(), true, true),
            (size.clone(), Kind::String, false, false),
            (Kind::Object, object(Kind::Int), true, true),
            (object(Kind::Int), Kind::Object, false, true),
            (object(Kind::Number), object(Kind::Int), true, true),
            (object(Kind::Int), object(Kind::Bool), false, false),
            (Kind::Record(vec![]), Kind::Record(vec!["a".into()]), true, true),
            (Kind::Record(vec!["a".into()]), Kind::Record(vec![]), false, false),
            (Kind::Record(vec!["a".into()]), Kind::Record(vec!["b".into()]), false, false),
        ];
        for (wanted, given, argument, result) in cases {
            let fits = [Check::Argument, Check::Result].map(|c| accepts(&wanted, &given, c));
            assert_eq!(fits, [argument, result], "{wanted} given {given}");
        }
    }
}
