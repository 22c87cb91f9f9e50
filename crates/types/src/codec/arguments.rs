//! The arguments of a call, each decoded as what its parameter is.

use anyhow::Result;
use surrealdb_types::Value;

use super::error::CodecError;
use super::flatbuffers::reader::{Message, Table};
use super::flatbuffers::schema::FIELD0;
use super::limits::MAX_DECODED_BYTES;
use super::messages::decode_values;
use super::native::{Native, TypeMismatch};
use super::value::read_table;

/// The encoded arguments of a call.
///
/// ```
/// use surrealdb_types::SurrealValue;
/// use surrealism_types::codec::{self, Arguments};
///
/// let bytes = codec::encode_values(&["Ada".to_string().into_value(), 36_i64.into_value()])?;
/// let arguments = Arguments::new(&bytes);
/// let [name, age] = arguments.expect()?;
/// assert_eq!(name.native::<String>()?, "Ada");
/// assert_eq!(age.value()?, 36_i64.into_value());
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug)]
pub struct Arguments<'a> {
    bytes: &'a [u8],
    message: Message<'a>,
}

/// Why [`Arguments::expect`] returned no arguments.
#[derive(Debug, thiserror::Error)]
pub enum ArgumentsError {
    /// The bytes are not a list of arguments.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// There are more or fewer arguments than expected.
    #[error("wrong number of arguments: got {got}")]
    WrongCount {
        /// How many arguments there are.
        got: usize,
    },
}

/// Bytes that are not a list of arguments.
#[derive(Debug, thiserror::Error)]
#[error("cannot decode the arguments from {len} bytes: {error}")]
pub struct DecodeError {
    len: usize,
    error: CodecError,
}

impl<'a> Arguments<'a> {
    /// Returns the arguments that [`encode_values`](super::encode_values) encoded.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, message: Message::new(bytes, MAX_DECODED_BYTES) }
    }

    /// Returns each of `N` arguments.
    ///
    /// # Errors
    ///
    /// When the bytes are not a list of values, and when there are more or fewer than `N`.
    pub fn expect<const N: usize>(&self) -> Result<[Argument<'_>; N], ArgumentsError> {
        let malformed = |error| DecodeError { len: self.bytes.len(), error };
        let tables = self.message.root().and_then(|list| list.tables(FIELD0)).map_err(malformed)?;
        let got = tables.len();
        if got != N {
            return Err(ArgumentsError::WrongCount { got });
        }
        let mut arguments = [None; N];
        for (index, (slot, table)) in arguments.iter_mut().zip(tables).enumerate() {
            let table = table.map_err(malformed)?;
            *slot = Some(Argument { arguments: self, index, table });
        }
        Ok(arguments.map(|argument| argument.expect("there are `N` tables")))
    }
}

/// One argument of a call, not decoded yet.
#[derive(Debug, Clone, Copy)]
pub struct Argument<'a> {
    arguments: &'a Arguments<'a>,
    index: usize,
    table: Table<'a>,
}

impl Argument<'_> {
    /// Decodes the argument as a native type.
    ///
    /// # Errors
    ///
    /// When the argument is of another kind or does not fit the type.
    pub fn native<T: Native>(&self) -> Result<T, TypeMismatch> {
        T::read(self.table)
    }

    /// Decodes the argument as a value.
    ///
    /// # Errors
    ///
    /// Those of [`decode_values`].
    pub fn value(&self) -> Result<Value> {
        match read_table(self.table) {
            // The general codec decodes whole messages only.
            Err(CodecError::Unsupported) => {
                Ok(decode_values(self.arguments.bytes)?.swap_remove(self.index))
            }
            fast => Ok(fast?),
        }
    }
}
