//! Write functions for SurrealDB in Rust.
//!
//! A plugin is a Rust library that is compiled to a WebAssembly component. A host, which is a database or any
//! program with the crate `surrealism-runtime`, loads it and calls its functions in isolated instances.
//!
//! # The shortest plugin
//!
//! `Cargo.toml` needs a crate type and one dependency:
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! surrealism = "0.6"
//! ```
//!
//! `src/lib.rs` needs a function:
//!
//! ```
//! use surrealism::surrealism;
//!
//! /// Greets someone by name.
//! #[surrealism]
//! fn greet(name: String) -> String {
//!     format!("Hello, {name}!")
//! }
//!
//! assert_eq!(greet("Ada".to_string()), "Hello, Ada!");
//! ```
//!
//! `surrealism.toml` names the plugin and requests capabilities, of which this one needs none:
//!
//! ```toml
//! [package]
//! organisation = "acme"
//! name = "hello"
//! version = "0.1.0"
//! ```
//!
//! `surrealism new` writes all three, `surrealism build` makes the archive, and `surrealism run` calls a
//! function of it.
//!
//! # Arguments and results
//!
//! Arguments and results are of any type that implements [`SurrealValue`](trait@SurrealValue): numbers,
//! strings, `Option`, `Vec`, maps, tuples, and your own types. A function may fail with any error that
//! implements `Display`.
//!
//! ```
//! use surrealism::{SurrealValue, surrealism};
//!
//! #[derive(SurrealValue)]
//! struct Person {
//!     name: String,
//!     age: i64,
//! }
//!
//! #[surrealism]
//! fn can_drive(person: Person) -> Result<bool, String> {
//!     match person.age {
//!         age if age < 0 => Err(format!("{} has the age {age}: pass 0 or more", person.name)),
//!         age => Ok(age >= 18),
//!     }
//! }
//!
//! assert_eq!(can_drive(Person { name: "Ada".to_string(), age: 36 }), Ok(true));
//! ```
//!
//! [`#[derive(SurrealValue)]`](derive@SurrealValue) has the names of fields and variants, and how an enum
//! looks.
//!
//! A `u64` or `usize` beyond 64 bits with a sign is an error when it is returned, stored in [`kv`], or passed
//! to [`run`] and [`sql_with_vars`], and so is a number for an `f32` that does not hold it. Only `into_value`
//! itself cannot fail, and makes a `u64` negative: [`types::convert::into_value`] returns an error.
//!
//! The types `()`, `bool`, integers, floats, `String`, and `Option` and `Vec` of these are the cheapest. A
//! plugin that uses no others is about a megabyte smaller.
//!
//! # Names, namespaces and `init`
//!
//! A module is a namespace, and an `init` function prepares each instance. The options of the attribute are
//! on
//! [`#[surrealism]`](macro@surrealism).
//!
//! ```
//! use surrealism::surrealism;
//!
//! #[surrealism]
//! mod math {
//!     /// Called as `math::add`.
//!     #[surrealism]
//!     fn add(a: i64, b: i64) -> i64 {
//!         a + b
//!     }
//! }
//!
//! #[surrealism(init)]
//! fn init() -> Result<(), String> {
//!     Ok(())
//! }
//! ```
//!
//! # Async functions
//!
//! A function may be `async`. It runs on a single-threaded tokio runtime, with timers and tasks. What
//! nothing can wake, such as [`std::future::pending`], waits until the call's deadline.
//!
//! ```
//! use std::time::Duration;
//!
//! use surrealism::surrealism;
//!
//! #[surrealism]
//! async fn later(x: i64) -> i64 {
//!     tokio::time::sleep(Duration::from_millis(1)).await;
//!     x * 2
//! }
//! ```
//!
//! # Queries
//!
//! [`sql`] and [`sql_with_vars`] run SurrealQL. They need the capability `allow_arbitrary_queries = true`.
//! Mark a function `writeable` if it writes to the database.
//!
//! ```
//! use surrealism::{anyhow, sql_with_vars, surrealism};
//!
//! #[surrealism]
//! fn count_adults(age: i64) -> anyhow::Result<i64> {
//!     let query = "RETURN count(SELECT * FROM person WHERE age >= $age)";
//!     sql_with_vars(query, [("age", age)])
//! }
//! ```
//!
//! # Other functions
//!
//! [`run`] calls a function of the database or of another plugin. It needs the capability
//! `allow_functions = ["string::slug"]`, with `"string"` for a whole family and `"*"` for every function.
//!
//! ```
//! use surrealism::{anyhow, run, surrealism};
//!
//! #[surrealism]
//! fn slug(title: String) -> anyhow::Result<String> {
//!     run("string::slug", None, (title,))
//! }
//! ```
//!
//! # Key-value store
//!
//! [`kv`] is a store that all instances of the plugin share, and needs no capability. Whether it outlives the
//! host's process is the host's choice.
//!
//! ```
//! use surrealism::{anyhow, kv, surrealism};
//!
//! /// Returns how often this function was called, however many calls run at once.
//! #[surrealism]
//! fn visits() -> anyhow::Result<i64> {
//!     kv::increment("visits", 1)
//! }
//! ```
//!
//! # Configuration
//!
//! [`config`] has the values that the operator gives for the keys of `[config]`: addresses, limits, secrets.
//!
//! ```
//! use surrealism::{anyhow, config, surrealism};
//!
//! #[surrealism]
//! fn is_over(price: f64) -> anyhow::Result<bool> {
//!     Ok(price > config::get::<f64>("max_price")?)
//! }
//! ```
//!
//! # Files, network and output
//!
//! These are those of the standard library. `std::fs` reads the directory that `[attach] fs` names, which is
//! mounted read-only at `/`. WASI sockets and `wasi:http` connect where `allow_net` permits. `println!` and
//! `eprintln!` go to the host, line by line. [`attached`] and [`println!`](println!) of this crate do the
//! same, and work in unit tests too.
//!
//! ```
//! use surrealism::surrealism;
//!
//! #[surrealism]
//! fn stop_words() -> std::io::Result<String> {
//!     println!("reading /en.txt");
//!     std::fs::read_to_string("/en.txt")
//! }
//! ```
//!
//! # Limits
//!
//! A host bounds the memory, the time, the store and the number of instances of a plugin, and
//! `[capabilities]` may ask for less: `max_memory_bytes`, `max_execution_time` (milliseconds),
//! `max_kv_entries`, `max_kv_value_bytes` and `max_pool_size`. A panic is a trap: the call fails, and its
//! instance is dropped with everything in its memory. Statics are kept while the host reuses an instance,
//! which it may stop doing at any time; use [`kv`] for what has to last.
//!
//! # Features
//!
//! - `dynamic` (off by default) is for engines of other languages, whose functions are those of a program
//!   that they read.
//!
//! # Tests
//!
//! Exported functions stay ordinary functions, so that unit tests run natively with `cargo test`. The module
//! `testing` (feature `testing`) has a host for them, with a key-value store and answers for `sql` and `run`.
//! Without a host, each function of [`imports`] returns an error that says how to get one.
//!
//! `surrealism test` calls the functions of the archive itself, as `tests.toml` says.

#[cfg(feature = "dynamic")]
pub mod dynamic;
pub mod imports;

mod dispatch;
mod executor;
mod host;
mod kinds;
mod output;
mod registry;
#[cfg(all(feature = "testing", not(target_family = "wasm")))]
pub mod testing;

pub use imports::{attached, config, kv, run, sql, sql_with_vars};
pub use output::{eprintln, println};
/// Exports a function, or makes a module a namespace of exported functions.
///
/// # On a function
///
/// Exports the function under its own name. It stays an ordinary function, and may be async. It takes up to
/// ten parameters and returns a value or a `Result`, whose error implements `Display`. The types of all
/// values implement `SurrealValue`. The doc comment becomes the function's comment in the archive.
///
/// | option | meaning |
/// |---|---|
/// | `default` | exports the function as the one that is called by the plugin's name alone |
/// | `name = "a::b"` | exports the function under this name |
/// | `writeable` | declares that the function may write to the database |
/// | `comment = "…"` | replaces the doc comment |
/// | `init` | does not export the function, but runs it once in each instance, before the first call |
/// | `crate = "a::surrealism"` | names the SDK, where another crate re-exports it |
///
/// A `default` function is exported without a name: `mod::price()` calls it, and there is no
/// `mod::price::price()`.
///
/// `#[name = "…"]` on a parameter renames the argument.
///
/// A plugin has at most one `init`. After an error of it, the instance is dropped. If `init` calls nothing of
/// the host, a host may run it once and start many instances from its outcome.
///
/// ```
/// use surrealism::surrealism;
///
/// /// Greets someone.
/// #[surrealism(default)]
/// fn greet(#[name = "name"] person: String) -> String {
///     format!("Hello, {person}!")
/// }
///
/// #[surrealism(name = "text::parse", comment = "Parses an integer.")]
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
/// Exports the marked functions and modules inside, which need not be `pub`, under the module's name or that
/// of `name = "…"`, and so those that a `macro_rules!` makes in it. A `default` function inside is called by
/// the module's name alone. The module has to be inline: an attribute does not see the content of another
/// file. [`namespace!`] makes a namespace of a file.
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
/// # Under another name
///
/// The attribute refers to this crate as `::surrealism`. A plugin whose `Cargo.toml` renames it, as in
/// `sdk = { package = "surrealism", … }`, writes `extern crate sdk as surrealism;` at its root.
///
/// # Errors
///
/// These do not compile: a function with a generic or `impl Trait` type, one that borrows its arguments,
/// one that is `unsafe` or has a `self`; the same argument name, or export name in one file, twice; and an
/// unknown option. The error is at the token that is wrong, and says what to write. The same export name in
/// two files is an error of `surrealism build`.
pub use surrealism_macros::surrealism;

/// Makes a source file a namespace.
///
/// Put it at the top of the file. The names of all functions that the file and its submodules export begin
/// with it, so that functions of one name may be in several files. A `default` function is called by the
/// namespace alone. Namespaces of files and of marked modules nest.
///
/// ```
/// // src/limits.rs
/// mod limits {
///     use surrealism::surrealism;
///
///     surrealism::namespace!(limits);
///
///     /// Called as `limits::allow`.
///     #[surrealism]
///     fn allow(user: String) -> bool {
///         user != "guest"
///     }
/// }
/// ```
pub use surrealism_macros::namespace;

/// Converts between a type and a SurrealDB value, as [`surrealdb_types::SurrealValue`] does.
///
/// # The derive
///
/// Implements the trait for a struct or an enum. A struct is an object with its fields; a tuple struct is an
/// array, and with one field that field.
///
/// ```
/// use surrealism::surrealdb_types::{SurrealValue as _, ToSql};
/// use surrealism::SurrealValue;
///
/// #[derive(SurrealValue)]
/// #[surreal(rename_all = "camelCase")]
/// struct Line {
///     unit_price: f64,
///     #[surreal(default)]
///     quantity: i64,
/// }
///
/// // Texts: `'express'`. Without `untagged`, it would be `{ Express: {} }`.
/// #[derive(SurrealValue)]
/// #[surreal(untagged, lowercase)]
/// enum Shipping {
///     Normal,
///     Express,
/// }
///
/// let line = Line { unit_price: 1.5, quantity: 2 };
/// assert_eq!(line.into_value().to_sql(), "{ quantity: 2, unitPrice: 1.5f }");
/// assert_eq!(Shipping::Express.into_value().to_sql(), "'express'");
/// ```
///
/// The options in `#[surreal(…)]` are those of the derive of [`surrealdb_types`]: `rename`, `rename_all`,
/// `lowercase`, `uppercase`, `default` and `flatten` for fields, `untagged`, `tag`, `content` and `value` for
/// enums, and more. This derive hands them on and differs in this:
///
/// - It needs neither `#[surreal(crate = "…")]`, which is an error, nor `Value` in scope. A crate that
///   re-exports the SDK is named by `#[surreal(sdk = "acme::surrealism")]`.
/// - A type parameter gets the bound `SurrealValue` by itself.
/// - An integer of the type that is out of range is an error that names the field when the type is returned
///   from a function.
/// - Types may contain each other. The kind of a type within itself is `any`.
pub use surrealism_macros::SurrealValue;
pub use surrealism_types as types;
// The trait. As a glob, since the derive of the same name is the one above.
pub use value::*;
pub use {anyhow, inventory, surrealdb_types};

mod value {
    pub use surrealdb_types::SurrealValue;
}

/// What the attribute's output refers to. Not a public interface: it changes with the attribute.
#[doc(hidden)]
pub mod __private {
    pub use crate::dispatch::arguments::{
        ArgumentDispatch, ArgumentNative, ArgumentValue, Arguments, FromArgument,
        SignatureDispatch, SignatureNative, SignatureValue, expect,
    };
    pub use crate::dispatch::columns::{Columns, ColumnsDispatch, FallibleColumns, NoColumns};
    pub use crate::dispatch::numbers::{
        CheckNumbers, CheckedNumbers, NumbersDispatch, OutOfRange, UncheckedNumbers,
    };
    pub use crate::dispatch::returns::{
        IntoReturn, ReturnDispatch, ReturnNative, ReturnNativeResult, ReturnValue,
    };
    pub use crate::executor::block_on;
    pub use crate::kinds::kind_of;
    pub use crate::output::print;
    pub use crate::registry::{
        Export, Function, Init, Namespace, args, comment, find, find_columns, init, invoke,
        invoke_columns, invoke_rows, names, returns, writeable,
    };
}
