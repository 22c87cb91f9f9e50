//! Printing that a test host captures.

/// Prints a line, as the macro of the standard library does.
///
/// In a native test, the test's host captures it too. The host cannot see what the standard library's own
/// macro prints, so a plugin that wants its output tested imports this one.
///
/// ```
/// use surrealism::{println, surrealism};
///
/// #[surrealism]
/// fn greet(name: String) {
///     println!("greeting {name}");
/// }
///
/// greet("Ada".to_string());
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __println {
    () => { $crate::__private::print(::std::string::String::new(), false) };
    ($($text:tt)*) => { $crate::__private::print(::std::format!($($text)*), false) };
}

/// Prints a line on the error output, as [`println!`](crate::println!) does on the standard output.
#[doc(hidden)]
#[macro_export]
macro_rules! __eprintln {
    () => { $crate::__private::print(::std::string::String::new(), true) };
    ($($text:tt)*) => { $crate::__private::print(::std::format!($($text)*), true) };
}

#[doc(inline)]
pub use crate::{__eprintln as eprintln, __println as println};

/// Prints a line, for the macros.
pub fn print(line: String, is_error: bool) {
    match is_error {
        true => std::eprintln!("{line}"),
        false => std::println!("{line}"),
    }
    #[cfg(all(feature = "testing", not(target_family = "wasm")))]
    if let Some(host) = crate::testing::current() {
        host.print(&line, is_error);
    }
}
