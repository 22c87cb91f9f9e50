//! Values that no output shows.

use std::fmt;

/// A value that `Debug` does not show, for what an operator gives and no log, error or recording may have.
///
/// ```
/// use surrealism_runtime::Secret;
///
/// let key = Secret::new("hunter2".to_string());
/// assert_eq!(format!("{key:?}"), "[secret]");
/// assert_eq!(key.expose(), "hunter2");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value, to use and not to show.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

/// Shows that there is a value.
impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
