//! Functions that are not known when the plugin is compiled.
//!
//! A language engine is one component for every plugin of its language: it reads the author's program from
//! an attached file and has the functions that the program exports. It implements [`Functions`] and
//! registers the implementation with [`functions!`](crate::dynamic::functions); what `#[surrealism]` marks in
//! the same component is then not exported.
//!
//! ```
//! use surrealism::dynamic::{Functions, Signature, functions};
//! use surrealism::surrealdb_types::{Kind, Value};
//! use surrealism::types::codec;
//!
//! /// Has one function, `answer`.
//! struct Constants;
//!
//! impl Functions for Constants {
//!     fn names(&self) -> Vec<Option<String>> {
//!         vec![Some("answer".to_string())]
//!     }
//!
//!     fn signature(&self, _: Option<&str>) -> Result<Signature, String> {
//!         Ok(Signature {
//!             args: codec::encode_arguments(&[]).map_err(|error| error.to_string())?,
//!             returns: codec::encode_kind(&Kind::Int).map_err(|error| error.to_string())?,
//!             writeable: false,
//!             comment: None,
//!         })
//!     }
//!
//!     fn invoke(&self, _: Option<&str>, _: &[u8]) -> Result<Vec<u8>, String> {
//!         codec::encode_value(&Value::from_t(42_i64)).map_err(|error| error.to_string())
//!     }
//! }
//!
//! functions!(Constants);
//! ```

/// The functions of a plugin, described and called by name. `None` is the default function.
pub trait Functions: Sync {
    /// Returns the names of all functions.
    fn names(&self) -> Vec<Option<String>>;

    /// Returns what a function takes and returns.
    ///
    /// # Errors
    ///
    /// When no function has this name.
    fn signature(&self, name: Option<&str>) -> Result<Signature, String>;

    /// Calls a function with an encoded list of values, and returns its encoded result. The host has not
    /// checked the arguments.
    ///
    /// # Errors
    ///
    /// When no function has this name, when the arguments do not match its signature, and when it fails.
    fn invoke(&self, name: Option<&str>, args: &[u8]) -> Result<Vec<u8>, String>;

    /// Runs once in each instance, before the first call, but not before the functions are described.
    ///
    /// # Errors
    ///
    /// When it fails; the host drops the instance.
    fn init(&self) -> Result<(), String> {
        Ok(())
    }
}

/// What a function takes and returns.
#[derive(Debug, Clone)]
pub struct Signature {
    /// The names and kinds of the arguments, by [`encode_arguments`](crate::types::codec::encode_arguments).
    pub args: Vec<u8>,
    /// The kind of the result, by [`encode_kind`](crate::types::codec::encode_kind).
    pub returns: Vec<u8>,
    /// Whether the function may write to the database.
    pub writeable: bool,
    /// The function's description.
    pub comment: Option<String>,
}

/// A registered implementation.
#[doc(hidden)]
pub struct Registered(pub &'static dyn Functions);

inventory::collect!(Registered);

/// Returns the implementation of this component, if it has one.
pub(crate) fn registered() -> Option<&'static dyn Functions> {
    inventory::iter::<Registered>().next().map(|registered| registered.0)
}

/// Registers a constant expression that implements [`Functions`], once in a component.
pub use crate::__functions as functions;

#[doc(hidden)]
#[macro_export]
macro_rules! __functions {
    ($functions:expr) => {
        $crate::inventory::submit! { $crate::dynamic::Registered(&$functions) }
    };
}
