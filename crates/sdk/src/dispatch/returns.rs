//! From what a function returns to the bytes of an answer: straight for the types that the codec
//! knows, through a value for all others, as [`arguments`](super::arguments) are read.

use std::fmt::Display;
use std::marker::PhantomData;

use surrealdb_types::{Kind, SurrealValue};
use surrealism_types::codec::{self, Native};

use crate::registry::Encoded;

/// What a function may return, in one of two forms: a value, or a `Result` of one.
///
/// The form is for the compiler to infer, as it alone sees through an alias of `Result`. It always
/// can: no type has both, for a `Result` is no [`SurrealValue`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned from an exported function",
    label = "not a `SurrealValue`, nor a `Result` of one with an error that is `Display`",
    note = "derive it for a type of your own: `#[derive(SurrealValue)]`"
)]
pub trait Answer<Form> {
    /// What the host is told to expect.
    fn kind() -> Kind;

    /// Encodes what the function returned.
    ///
    /// # Errors
    ///
    /// Where the function failed, as the error's own text, and when the value cannot be encoded.
    fn encode(self) -> Encoded;
}

/// A value.
pub enum Plain {}

/// A `Result` of a value.
pub enum Fallible {}

#[diagnostic::do_not_recommend]
impl<T: SurrealValue> Answer<Plain> for T {
    fn kind() -> Kind {
        T::kind_of()
    }

    fn encode(self) -> Encoded {
        codec::encode_value(&self.into_value()).map_err(|error| format!("{error:#}"))
    }
}

#[diagnostic::do_not_recommend]
impl<T: SurrealValue, E: Display> Answer<Fallible> for Result<T, E> {
    fn kind() -> Kind {
        T::kind_of()
    }

    fn encode(self) -> Encoded {
        self.map_err(|error| format!("{error:#}"))?.encode()
    }
}

/// What a function returns, of type `R`.
pub struct Returned<R>(PhantomData<R>);

impl<R> Returned<R> {
    /// There is nothing in it.
    pub const NEW: Self = Self(PhantomData);
}

/// Encodes a native type, and its kind.
pub trait AnswerNative<R> {
    /// # Errors
    ///
    /// When the value cannot be encoded.
    fn encode(&self, returned: R, _: impl FnOnce(R) -> Encoded) -> Encoded;

    /// # Errors
    ///
    /// None.
    fn kind(&self, _: impl FnOnce() -> Kind) -> Encoded;
}

impl<R: Native> AnswerNative<R> for &&Returned<R> {
    fn encode(&self, returned: R, _: impl FnOnce(R) -> Encoded) -> Encoded {
        codec::encode_native(&returned).map_err(|error| error.to_string())
    }

    fn kind(&self, _: impl FnOnce() -> Kind) -> Encoded {
        codec::encode_native_kind::<R>().map_err(|error| error.to_string())
    }
}

/// Encodes a `Result` of a native type, and its kind.
pub trait AnswerNativeResult<R> {
    /// # Errors
    ///
    /// Where the function failed, and when the value cannot be encoded.
    fn encode(&self, returned: R, _: impl FnOnce(R) -> Encoded) -> Encoded;

    /// # Errors
    ///
    /// None.
    fn kind(&self, _: impl FnOnce() -> Kind) -> Encoded;
}

impl<T: Native, E: Display> AnswerNativeResult<Result<T, E>> for &Returned<Result<T, E>> {
    fn encode(&self, returned: Result<T, E>, _: impl FnOnce(Result<T, E>) -> Encoded) -> Encoded {
        let returned = returned.map_err(|error| format!("{error:#}"))?;
        codec::encode_native(&returned).map_err(|error| error.to_string())
    }

    fn kind(&self, _: impl FnOnce() -> Kind) -> Encoded {
        codec::encode_native_kind::<T>().map_err(|error| error.to_string())
    }
}

/// Encodes any [`Answer`], with its own [`encode`](Answer::encode).
pub trait AnswerValue<R> {
    /// # Errors
    ///
    /// Those of `encode`.
    fn encode(&self, returned: R, encode: impl FnOnce(R) -> Encoded) -> Encoded;

    /// Encodes any kind.
    ///
    /// # Errors
    ///
    /// When it cannot be encoded.
    fn kind(&self, kind: impl FnOnce() -> Kind) -> Encoded;
}

impl<R> AnswerValue<R> for Returned<R> {
    fn encode(&self, returned: R, encode: impl FnOnce(R) -> Encoded) -> Encoded {
        encode(returned)
    }

    fn kind(&self, kind: impl FnOnce() -> Kind) -> Encoded {
        codec::encode_kind(&kind()).map_err(|error| format!("{error:#}"))
    }
}
