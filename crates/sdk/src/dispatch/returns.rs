//! From what a function returns to the bytes of its result.

use std::fmt::Display;
use std::marker::PhantomData;

use surrealdb_types::{Kind, SurrealValue};
use surrealism_types::codec::{self, Native};
use surrealism_types::convert;

use crate::registry::Encoded;

/// A type that a function may return: a [`SurrealValue`], or a `Result` of one.
///
/// The compiler infers `Form`, since it alone sees through an alias of `Result`. It is never ambiguous, as a
/// `Result` is not a [`SurrealValue`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned from an exported function",
    label = "this type is neither a `SurrealValue` nor a `Result` of one with a `Display` error",
    note = "derive it for your own type: `#[derive(SurrealValue)]`"
)]
pub trait IntoReturn<Form> {
    /// Returns the kind that callers receive.
    fn kind() -> Kind;

    /// Encodes what the function returned.
    ///
    /// # Errors
    ///
    /// When the function failed, with the text of its error, and when the value cannot be encoded.
    fn encode(self) -> Encoded;
}

/// The form of a value.
pub enum Plain {}

/// The form of a `Result`.
pub enum Fallible {}

#[diagnostic::do_not_recommend]
impl<T: SurrealValue> IntoReturn<Plain> for T {
    fn kind() -> Kind {
        T::kind_of()
    }

    fn encode(self) -> Encoded {
        let value = convert::into_value(self).map_err(|error| error.to_string())?;
        codec::encode_value(&value).map_err(|error| format!("{error:#}"))
    }
}

#[diagnostic::do_not_recommend]
impl<T: SurrealValue, E: Display> IntoReturn<Fallible> for Result<T, E> {
    fn kind() -> Kind {
        T::kind_of()
    }

    fn encode(self) -> Encoded {
        self.map_err(|error| format!("{error:#}"))?.encode()
    }
}

/// Selects how a function's result of type `R` is encoded.
pub struct ReturnDispatch<R>(PhantomData<R>);

impl<R> ReturnDispatch<R> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// Encodes a native type and its kind.
pub trait ReturnNative<R> {
    /// Encodes a value; the function that encodes any type is not used.
    ///
    /// # Errors
    ///
    /// When the value cannot be encoded.
    fn encode(&self, returned: R, _: impl FnOnce(R) -> Encoded) -> Encoded;

    /// Encodes the kind; the function that returns it is not used.
    ///
    /// # Errors
    ///
    /// None.
    fn kind(&self, _: impl FnOnce() -> Kind) -> Encoded;
}

impl<R: Native> ReturnNative<R> for &&ReturnDispatch<R> {
    fn encode(&self, returned: R, _: impl FnOnce(R) -> Encoded) -> Encoded {
        codec::encode_native(&returned).map_err(|error| error.to_string())
    }

    fn kind(&self, _: impl FnOnce() -> Kind) -> Encoded {
        codec::encode_native_kind::<R>().map_err(|error| error.to_string())
    }
}

/// Encodes a `Result` of a native type, and the kind of that type.
pub trait ReturnNativeResult<R> {
    /// Encodes a result; the function that encodes any type is not used.
    ///
    /// # Errors
    ///
    /// When the function failed, with the text of its error, and when the value cannot be encoded.
    fn encode(&self, returned: R, _: impl FnOnce(R) -> Encoded) -> Encoded;

    /// Encodes the kind; the function that returns it is not used.
    ///
    /// # Errors
    ///
    /// None.
    fn kind(&self, _: impl FnOnce() -> Kind) -> Encoded;
}

impl<T: Native, E: Display> ReturnNativeResult<Result<T, E>> for &ReturnDispatch<Result<T, E>> {
    fn encode(&self, returned: Result<T, E>, _: impl FnOnce(Result<T, E>) -> Encoded) -> Encoded {
        let returned = returned.map_err(|error| format!("{error:#}"))?;
        codec::encode_native(&returned).map_err(|error| error.to_string())
    }

    fn kind(&self, _: impl FnOnce() -> Kind) -> Encoded {
        codec::encode_native_kind::<T>().map_err(|error| error.to_string())
    }
}

/// Encodes any other type and its kind.
pub trait ReturnValue<R> {
    /// Encodes what the function returned by `encode`.
    ///
    /// # Errors
    ///
    /// Those of `encode`.
    fn encode(&self, returned: R, encode: impl FnOnce(R) -> Encoded) -> Encoded;

    /// Encodes the kind that `kind` returns.
    ///
    /// # Errors
    ///
    /// When the kind cannot be encoded.
    fn kind(&self, kind: impl FnOnce() -> Kind) -> Encoded;
}

impl<R> ReturnValue<R> for ReturnDispatch<R> {
    fn encode(&self, returned: R, encode: impl FnOnce(R) -> Encoded) -> Encoded {
        encode(returned)
    }

    fn kind(&self, kind: impl FnOnce() -> Kind) -> Encoded {
        codec::encode_kind(&kind()).map_err(|error| format!("{error:#}"))
    }
}
