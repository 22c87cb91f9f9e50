//! One call: arguments checked and converted, the function called, its result converted and checked.

use surrealism::surrealdb_types::{Kind, KindLiteral, Number, ToSql, Value};
use surrealism::types::codec;

use crate::program::{Function, Program};
use crate::script;

/// Calls a function of the program.
///
/// # Errors
///
/// When no function has this name, when the arguments do not match its signature, and when it fails.
pub(crate) fn invoke(
    program: &'static Program,
    name: Option<&str>,
    args: &[u8],
) -> Result<Vec<u8>, String> {
    let (index, function) = program.find(name)?;
    let values = codec::decode_values(args).map_err(|error| format!("{error:#}"))?;
    check(function, &values)?;
    let result = script::with(program, |script| script.call(index, function, values))?;
    let result = fit(result, &function.returns);
    if !matches(&result, &function.returns) {
        return Err(format!(
            "{} returned a value of another type than it declares: expected {}, got {}",
            shown(name),
            function.returns.to_sql(),
            describe(&result)
        ));
    }
    codec::encode_value(&result).map_err(|error| format!("{error:#}"))
}

/// Starts the program, and calls what the author marked to run first.
///
/// # Errors
///
/// When the program throws.
pub(crate) fn init(program: &'static Program) -> Result<(), String> {
    script::with(program, |script| program.init.iter().try_for_each(|path| script.call_path(path)))
}

fn shown(name: Option<&str>) -> &str {
    name.unwrap_or("the default function")
}

/// Refuses arguments that are not of the declared kinds. A host coerces them before; not every host does.
fn check(function: &Function, values: &[Value]) -> Result<(), String> {
    let count = function.args.len();
    if values.len() != count {
        let noun = if count == 1 { "argument" } else { "arguments" };
        let names: Vec<_> = function.args.iter().map(|arg| arg.name.as_str()).collect();
        return Err(format!(
            "expected {count} {noun}, got {}: the signature is `{}({})`",
            values.len(),
            function.name.as_deref().unwrap_or_default(),
            names.join(", ")
        ));
    }
    for (arg, value) in function.args.iter().zip(values) {
        if !matches(value, &arg.kind) {
            return Err(format!(
                "argument `{}`: Expected {}, got {}",
                arg.name,
                arg.kind.to_sql(),
                value.kind().to_sql()
            ));
        }
    }
    Ok(())
}

/// Returns whether a value is of a kind, as TypeScript sees it: an object may lack what is optional, and have
/// more than is declared.
fn matches(value: &Value, kind: &Kind) -> bool {
    match (kind, value) {
        (Kind::Either(kinds), value) => kinds.iter().any(|kind| matches(value, kind)),
        (Kind::Array(inner, None), Value::Array(items)) => {
            items.iter().all(|item| matches(item, inner))
        }
        (Kind::Set(inner, None), Value::Set(items)) => {
            items.iter().all(|item| matches(item, inner))
        }
        (Kind::Literal(KindLiteral::Array(kinds)), Value::Array(items)) => {
            kinds.len() == items.len()
                && kinds.iter().zip(items.iter()).all(|(kind, item)| matches(item, kind))
        }
        (Kind::Literal(KindLiteral::Object(kinds)), Value::Object(fields)) => {
            kinds.iter().all(|(name, kind)| matches(fields.get(name).unwrap_or(&Value::None), kind))
        }
        (kind, value) => value.is_kind(kind),
    }
}

/// Names the kind of a value, and the value if it is short.
fn describe(value: &Value) -> String {
    const MAX_SHOWN: usize = 60;

    let (kind, text) = (value.kind().to_sql(), value.to_sql());
    match text.len() <= MAX_SHOWN && kind != text.to_lowercase() {
        true => format!("{kind} {text}"),
        false => kind,
    }
}

/// Makes a number one of the declared kind, if that loses nothing. JavaScript has one type of number.
fn fit(value: Value, kind: &Kind) -> Value {
    match (kind, value) {
        (Kind::Float, Value::Number(Number::Int(int))) => Value::Number(Number::Float(int as f64)),
        (Kind::Int, Value::Number(Number::Float(float))) => match whole(float) {
            Some(int) => Value::Number(Number::Int(int)),
            None => Value::Number(Number::Float(float)),
        },
        (Kind::Array(inner, _), Value::Array(items)) => {
            Value::Array(items.into_iter().map(|item| fit(item, inner)).collect::<Vec<_>>().into())
        }
        (Kind::Set(inner, _), Value::Set(items)) => {
            Value::Set(items.into_iter().map(|item| fit(item, inner)).collect::<Vec<_>>().into())
        }
        (Kind::Literal(KindLiteral::Array(kinds)), Value::Array(items)) => {
            let mut kinds = kinds.iter();
            let items = items.into_iter().map(|item| match kinds.next() {
                Some(kind) => fit(item, kind),
                None => item,
            });
            Value::Array(items.collect::<Vec<_>>().into())
        }
        (Kind::Literal(KindLiteral::Object(kinds)), Value::Object(mut fields)) => {
            for (name, kind) in kinds {
                if let Some(field) = fields.get_mut(name) {
                    *field = fit(std::mem::take(field), kind);
                }
            }
            Value::Object(fields)
        }
        (Kind::Either(kinds), value) => {
            if matches(&value, kind) {
                return value;
            }
            let fitted = kinds.iter().map(|kind| fit(value.clone(), kind));
            let fitted = fitted.into_iter().find(|fitted| matches(fitted, kind));
            fitted.unwrap_or(value)
        }
        (_, value) => value,
    }
}

fn whole(float: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;

    let is_whole = float.fract() == 0.0 && (-LIMIT..LIMIT).contains(&float);
    is_whole.then_some(float as i64)
}
