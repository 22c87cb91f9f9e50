//! Write functions for SurrealDB in Rust.
//!
//! A plugin is a library crate with `crate-type = ["cdylib"]` and this one dependency. Every
//! function under [`#[surrealism]`](macro@surrealism) can be called from SurrealQL:
//!
//! ```
//! use surrealism::surrealdb_types::SurrealValue;
//! use surrealism::surrealism;
//!
//! #[derive(SurrealValue)]
//! #[surreal(crate = "surrealism::surrealdb_types")]
//! struct Person {
//!     name: String,
//!     age: i64,
//! }
//!
//! /// Whether someone may drive.
//! #[surrealism]
//! fn can_drive(person: Person) -> bool {
//!     person.age >= 18
//! }
//!
//! /// How many people may.
//! #[surrealism(name = "count::drivers")]
//! fn count_drivers() -> surrealism::anyhow::Result<i64> {
//!     surrealism::sql("RETURN count(SELECT * FROM person WHERE age >= 18)")
//! }
//! ```
//!
//! Arguments and results are whatever implements
//! [`SurrealValue`](surrealdb_types::SurrealValue). What a plugin may ask of its host is in
//! [`imports`]: queries, other functions, and a key-value store that outlives the call.
//!
//! A plugin's own unit tests compile and run natively. Exported functions stay ordinary functions
//! there; those of [`imports`] answer an error, for there is no host.

pub mod imports;

mod dispatch;
mod executor;
mod host;
mod registry;

pub use imports::{kv, run, sql, sql_with_vars};
/// Exports a function, or makes a module a namespace of exported functions.
///
/// # On a function
///
/// The function is exported under its own name, and stays an ordinary function besides. It may be
/// async. It takes up to ten parameters and returns a value or a `Result`, whose error needs to
/// implement `Display`; every value's type implements `SurrealValue`. Its doc comment goes with it.
///
/// | option | meaning |
/// |---|---|
/// | `default` | what is called when only the plugin is named |
/// | `name = "a::b"` | the name to export it under |
/// | `writeable` | the function may write to the database |
/// | `comment = "…"` | what the function says of itself, in place of its doc comment |
/// | `init` | exports nothing: runs once in each instance, before the first call; at most one. An `init` that asks the host for nothing may run once for many instances, which begin with its outcome |
///
/// `#[name = "…"]` on a parameter names the argument.
///
/// ```
/// use surrealism::surrealism;
///
/// /// Greets someone.
/// #[surrealism(default)]
/// fn greet(#[name = "name"] who: String) -> String {
///     format!("Hello, {who}!")
/// }
///
/// #[surrealism(name = "text::parse", comment = "Reads a whole number.")]
/// fn parse(text: String) -> Result<i64, std::num::ParseIntError> {
///     text.trim().parse()
/// }
///
/// #[surrealism(init)]
/// fn start() {
///     println!("ready");
/// }
///
/// assert_eq!(greet("Ada".to_string()), "Hello, Ada!");
/// ```
///
/// # On a module
///
/// The marked functions and modules inside, which need not be `pub`, are exported under the
/// module's name, or that of `name = "…"`; a `default` function inside is called by the module's
/// bare name.
///
/// ```
/// use surrealism::surrealism;
///
/// #[surrealism]
/// mod math {
///     /// Called as `math::add`.
///     #[surrealism]
///     fn add(a: i64, b: i64) -> i64 {
///         a + b
///     }
///
///     /// Called as `math`.
///     #[surrealism(default)]
///     fn answer() -> i64 {
///         42
///     }
/// }
/// ```
///
/// # What does not compile
///
/// A function whose types the host cannot know (generics, `impl Trait`), one that borrows its
/// arguments, the same export or argument name twice, and every option that has no meaning. The
/// error is at the token that is wrong, and says what to write instead.
pub use surrealism_macros::surrealism;
pub use surrealism_types as types;
pub use {anyhow, inventory, surrealdb_types};

/// What the attribute's output is made of. No part of the interface: it changes with the attribute.
#[doc(hidden)]
pub mod __private {
    pub use crate::dispatch::arguments::{
        Argument, Arguments, Parameter, Parameters, ReadNative, ReadValue, SignatureNative,
        SignatureValue, expect,
    };
    pub use crate::dispatch::returns::{
        Answer, AnswerNative, AnswerNativeResult, AnswerValue, Returned,
    };
    pub use crate::executor::block_on;
    pub use crate::registry::{
        Export, Function, Init, args, find, init, invoke, invoke_rows, names, returns,
    };
}
