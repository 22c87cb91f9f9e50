//! The `#[surrealism]` attribute. Use it through the crate `surrealism`, where it belongs.

use proc_macro::TokenStream;

mod comment;
mod export;
mod function;
mod item;
mod mark;
mod mistakes;
mod module;
mod name;
mod options;
mod parameters;
mod sdk;
mod types;

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
#[proc_macro_attribute]
pub fn surrealism(options: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(options.into(), item.into()).into()
}
