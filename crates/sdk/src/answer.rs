//! From what a function returns to the bytes of an answer.

use std::fmt::Display;

use surrealdb_types::{Kind, SurrealValue};
use surrealism_types::codec;

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
    fn encode(self) -> Result<Vec<u8>, String>;
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

    fn encode(self) -> Result<Vec<u8>, String> {
        codec::encode_value(&self.into_value()).map_err(|error| format!("{error:#}"))
    }
}

#[diagnostic::do_not_recommend]
impl<T: SurrealValue, E: Display> Answer<Fallible> for Result<T, E> {
    fn kind() -> Kind {
        T::kind_of()
    }

    fn encode(self) -> Result<Vec<u8>, String> {
        self.map_err(|error| format!("{error:#}"))?.encode()
    }
}
