//! From the bytes of a call to the arguments of a function.

use surrealdb_types::{Kind, SurrealValue, Value};
use surrealism_types::codec;

use crate::registry::Function;

/// What a parameter may be; every [`SurrealValue`] is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of an exported function",
    label = "not a `SurrealValue`",
    note = "derive it for a type of your own: `#[derive(SurrealValue)]`"
)]
pub trait Argument: Sized {
    /// What the host is told to pass.
    fn kind() -> Kind;

    /// Converts a value.
    ///
    /// # Errors
    ///
    /// When it is of another kind; the message names the argument.
    fn read(name: &str, value: Value) -> Result<Self, String>;
}

#[diagnostic::do_not_recommend]
impl<T: SurrealValue> Argument for T {
    fn kind() -> Kind {
        T::kind_of()
    }

    fn read(name: &str, value: Value) -> Result<Self, String> {
        T::from_value(value).map_err(|error| format!("argument `{name}`: {error}"))
    }
}

/// Decodes the arguments of a call.
///
/// # Errors
///
/// When they cannot be decoded, or are not as many as the function takes.
pub fn arguments<F: Function, const N: usize>(args: &[u8]) -> Result<[Value; N], String> {
    let values = codec::decode_values(args).map_err(|error| format!("{error:#}"))?;
    values.try_into().map_err(|values: Vec<Value>| wrong_count::<F>(N, values.len()))
}

#[cold]
fn wrong_count<F: Function>(expected: usize, got: usize) -> String {
    let parameters: Vec<String> =
        F::args().into_iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
    let arguments = if expected == 1 { "argument" } else { "arguments" };
    format!(
        "expected {expected} {arguments}, got {got}: the signature is `{}({})`",
        F::NAME.unwrap_or_default(),
        parameters.join(", ")
    )
}
