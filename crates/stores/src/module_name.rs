//! The names under which stores keep modules.

use anyhow::{Result, ensure};

use crate::limits::MAX_MODULE_NAME_BYTES;

/// Refuses what is no name of a module. Braces are the stores' own: hash tags in Redis, and tables of
/// no module in a file.
pub(crate) fn check_module(name: &str) -> Result<()> {
    ensure!(!name.is_empty(), "the name of the module is empty: use `organisation/name`");
    ensure!(
        name.len() <= MAX_MODULE_NAME_BYTES,
        "the name of the module takes {} bytes, and at most {MAX_MODULE_NAME_BYTES} are allowed: use \
         `organisation/name`",
        name.len()
    );
    ensure!(
        !name.contains(|c: char| c.is_control() || c == '{' || c == '}'),
        "{name:?} has braces or control characters, and is no name of a module: use \
         `organisation/name`"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_stores_can_keep() {
        let long = "x".repeat(MAX_MODULE_NAME_BYTES + 1);
        let cases = [
            ("acme/hello", None),
            ("ä", None),
            ("", Some("is empty")),
            ("{bytes}", Some("has braces")),
            ("a\n", Some("control characters")),
            (&long, Some("takes 257 bytes")),
        ];
        for (name, expected) in cases {
            let error = check_module(name).err().map(|error| error.to_string());
            assert_eq!(error.is_some(), expected.is_some(), "{name:?}: {error:?}");
            assert!(error.unwrap_or_default().contains(expected.unwrap_or_default()), "{name:?}");
        }
    }
}
