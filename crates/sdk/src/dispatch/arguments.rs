//! From the bytes of a call to the arguments of a function.

use std::marker::PhantomData;

use surrealdb_types::{Kind, SurrealValue, Value};
use surrealism_types::codec::{self, Argument, ArgumentsError, Native, NativeList};
use surrealism_types::convert;

use crate::registry::{Encoded, Function};

pub use surrealism_types::codec::Arguments;

/// A type that a parameter may have, which is every [`SurrealValue`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of an exported function",
    label = "this type does not implement `SurrealValue`",
    note = "derive it for your own type: `#[derive(SurrealValue)]`"
)]
pub trait FromArgument: Sized {
    /// Returns the kind that callers have to pass.
    fn kind() -> Kind;

    /// Converts a value to the type.
    ///
    /// # Errors
    ///
    /// When the value is of another kind.
    fn from_argument(value: Value) -> Result<Self, String>;
}

#[diagnostic::do_not_recommend]
impl<T: SurrealValue> FromArgument for T {
    fn kind() -> Kind {
        T::kind_of()
    }

    fn from_argument(value: Value) -> Result<Self, String> {
        convert::from_value(value).map_err(|error| name_the_number(error.to_string()))
    }
}

/// Says which number a field is, as its kind does not.
fn name_the_number(error: String) -> String {
    if error.ends_with("Expected number, got number") {
        return error + ": an integer type takes an int, and `f32` a float";
    }
    error
}

/// Selects how an argument of type `T` is decoded.
pub struct ArgumentDispatch<T>(PhantomData<T>);

impl<T> ArgumentDispatch<T> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// Decodes an argument of a native type.
pub trait ArgumentNative<T> {
    /// Decodes the argument; the function that converts a value is not used.
    ///
    /// # Errors
    ///
    /// When the argument is of another kind. The message has its name.
    fn decode(
        &self,
        name: &str,
        argument: Argument<'_>,
        _: impl FnOnce(Value) -> Result<T, String>,
    ) -> Result<T, String>;
}

impl<T: Native> ArgumentNative<T> for &ArgumentDispatch<T> {
    fn decode(
        &self,
        name: &str,
        argument: Argument<'_>,
        _: impl FnOnce(Value) -> Result<T, String>,
    ) -> Result<T, String> {
        argument.native().map_err(|error| format!("argument `{name}`: {error}"))
    }
}

/// Decodes an argument of any other type.
pub trait ArgumentValue<T> {
    /// Decodes the argument to a value, which `convert` converts.
    ///
    /// # Errors
    ///
    /// When the argument is of another kind. The message has its name.
    fn decode(
        &self,
        name: &str,
        argument: Argument<'_>,
        convert: impl FnOnce(Value) -> Result<T, String>,
    ) -> Result<T, String>;
}

impl<T> ArgumentValue<T> for ArgumentDispatch<T> {
    fn decode(
        &self,
        name: &str,
        argument: Argument<'_>,
        convert: impl FnOnce(Value) -> Result<T, String>,
    ) -> Result<T, String> {
        let value = argument.value().map_err(|error| format!("{error:#}"))?;
        convert(value).map_err(|error| format!("argument `{name}`: {error}"))
    }
}

/// Selects how a signature is encoded. `T` lists the types of the parameters: `(i64, (String, ()))`.
pub struct SignatureDispatch<T>(PhantomData<T>);

impl<T> SignatureDispatch<T> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// Encodes a signature in which all types are native.
pub trait SignatureNative {
    /// Encodes the signature; the function that returns the kinds is not used.
    ///
    /// # Errors
    ///
    /// When the names are too long.
    fn encode(&self, names: &[&str], _: impl FnOnce() -> Vec<Kind>) -> Encoded;
}

impl<T: NativeList> SignatureNative for &SignatureDispatch<T> {
    fn encode(&self, names: &[&str], _: impl FnOnce() -> Vec<Kind>) -> Encoded {
        codec::encode_native_arguments::<T>(names).map_err(|error| error.to_string())
    }
}

/// Encodes any other signature.
pub trait SignatureValue {
    /// Encodes the signature, whose kinds `kinds` returns.
    ///
    /// # Errors
    ///
    /// When a kind cannot be encoded.
    fn encode(&self, names: &[&str], kinds: impl FnOnce() -> Vec<Kind>) -> Encoded;
}

impl<T> SignatureValue for SignatureDispatch<T> {
    fn encode(&self, names: &[&str], kinds: impl FnOnce() -> Vec<Kind>) -> Encoded {
        let arguments: Vec<_> = names.iter().copied().zip(kinds()).collect();
        codec::encode_arguments(&arguments).map_err(|error| format!("{error:#}"))
    }
}

/// Returns the arguments of a call to `F`, which takes `N`.
///
/// # Errors
///
/// When the arguments cannot be decoded, and when there are more or fewer than `N`.
pub fn expect<'a, F: Function, const N: usize>(
    arguments: &'a Arguments<'_>,
) -> Result<[Argument<'a>; N], String> {
    arguments.expect().map_err(|error| match error {
        ArgumentsError::Decode(error) => error.to_string(),
        ArgumentsError::WrongCount { got } => wrong_count(F::NAME, F::ARGS, got),
    })
}

// Without the kinds of the arguments: every plugin would link the code that prints kinds.
#[cold]
fn wrong_count(function: Option<&str>, names: &[&str], got: usize) -> String {
    let arguments = if names.len() == 1 { "argument" } else { "arguments" };
    format!(
        "expected {} {arguments}, got {got}: the signature is `{}({})`",
        names.len(),
        function.unwrap_or_default(),
        names.join(", ")
    )
}
