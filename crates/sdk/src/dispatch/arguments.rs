//! From the bytes of a call to the arguments of a function.
//!
//! A parameter of a type that the codec knows is read straight from the bytes; any other goes
//! through a [`Value`]. Which way a type goes, the compiler finds out where the attribute's output
//! calls `Parameter::read`: of two traits with that method it takes the one that needs fewer
//! references taken.

use std::marker::PhantomData;

use surrealdb_types::{Kind, SurrealValue, Value};
use surrealism_types::codec::{self, Native, NativeList};

use crate::registry::{Encoded, Function};

pub use surrealism_types::codec::Arguments;

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
    /// When it is of another kind.
    fn read(value: Value) -> Result<Self, String>;
}

#[diagnostic::do_not_recommend]
impl<T: SurrealValue> Argument for T {
    fn kind() -> Kind {
        T::kind_of()
    }

    fn read(value: Value) -> Result<Self, String> {
        T::from_value(value).map_err(|error| error.to_string())
    }
}

/// A parameter of type `T`.
pub struct Parameter<T>(PhantomData<T>);

impl<T> Parameter<T> {
    /// There is nothing in it.
    pub const NEW: Self = Self(PhantomData);
}

/// Reads a parameter straight from the bytes.
pub trait ReadNative<T> {
    /// # Errors
    ///
    /// When the argument is of another kind; the message has its name.
    fn read(
        &self,
        name: &str,
        argument: codec::Argument<'_>,
        _: impl FnOnce(Value) -> Result<T, String>,
    ) -> Result<T, String>;
}

impl<T: Native> ReadNative<T> for &Parameter<T> {
    fn read(
        &self,
        name: &str,
        argument: codec::Argument<'_>,
        _: impl FnOnce(Value) -> Result<T, String>,
    ) -> Result<T, String> {
        argument.native().map_err(|error| format!("argument `{name}`: {error}"))
    }
}

/// Reads a parameter through a [`Value`], which `convert` converts.
pub trait ReadValue<T> {
    /// # Errors
    ///
    /// When the argument is of another kind; the message has its name.
    fn read(
        &self,
        name: &str,
        argument: codec::Argument<'_>,
        convert: impl FnOnce(Value) -> Result<T, String>,
    ) -> Result<T, String>;
}

impl<T> ReadValue<T> for Parameter<T> {
    fn read(
        &self,
        name: &str,
        argument: codec::Argument<'_>,
        convert: impl FnOnce(Value) -> Result<T, String>,
    ) -> Result<T, String> {
        let value = argument.value().map_err(|error| format!("{error:#}"))?;
        convert(value).map_err(|error| format!("argument `{name}`: {error}"))
    }
}

/// The parameters of a function, as a list of types: `(i64, (String, ()))`.
pub struct Parameters<T>(PhantomData<T>);

impl<T> Parameters<T> {
    /// There is nothing in it.
    pub const NEW: Self = Self(PhantomData);
}

/// Encodes a signature of native types alone.
pub trait SignatureNative {
    /// # Errors
    ///
    /// When the names are too long.
    fn encode(&self, names: &[&str], _: impl FnOnce() -> Vec<Kind>) -> Encoded;
}

impl<T: NativeList> SignatureNative for &Parameters<T> {
    fn encode(&self, names: &[&str], _: impl FnOnce() -> Vec<Kind>) -> Encoded {
        codec::encode_native_arguments::<T>(names).map_err(|error| error.to_string())
    }
}

/// Encodes any signature.
pub trait SignatureValue {
    /// # Errors
    ///
    /// When it cannot be encoded.
    fn encode(&self, names: &[&str], kinds: impl FnOnce() -> Vec<Kind>) -> Encoded;
}

impl<T> SignatureValue for Parameters<T> {
    fn encode(&self, names: &[&str], kinds: impl FnOnce() -> Vec<Kind>) -> Encoded {
        let arguments: Vec<_> = names.iter().copied().zip(kinds()).collect();
        codec::encode_arguments(&arguments).map_err(|error| format!("{error:#}"))
    }
}

/// The arguments of a call, one by one.
///
/// # Errors
///
/// When they cannot be decoded, or are not as many as the function takes.
pub fn expect<'a, F: Function, const N: usize>(
    arguments: &'a Arguments<'_>,
) -> Result<[codec::Argument<'a>; N], String> {
    let expected = arguments.expect().map_err(|error| error.to_string())?;
    expected.map_err(|got| wrong_count(F::NAME, F::ARGS, got))
}

/// Without the kinds, whose printing every plugin would carry; a host knows them.
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
