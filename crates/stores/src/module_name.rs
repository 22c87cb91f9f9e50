//! The names under which stores keep modules, and who owns a name.

use crate::error::OpenError;
use crate::limits::MAX_MODULE_NAME_BYTES;

/// Refuses a name that a store cannot keep a module under.
///
/// Braces are reserved: they enclose hash tags in Redis, and the names of the shared tables in a file.
pub(crate) fn check_module_name(name: &str) -> Result<(), OpenError> {
    let reason = if name.is_empty() {
        "it is empty".to_string()
    } else if name.len() > MAX_MODULE_NAME_BYTES {
        format!("it has {} bytes, and at most {MAX_MODULE_NAME_BYTES} are allowed", name.len())
    } else if name.contains(|c: char| c.is_control() || c == '{' || c == '}') {
        "it contains braces or control characters".to_string()
    } else {
        return Ok(());
    };
    Err(OpenError::InvalidModuleName { name: name.to_string(), reason })
}

/// Refuses the store of another owner.
pub(crate) fn check_owner(name: &str, owner: [u8; 32], current: [u8; 32]) -> Result<(), OpenError> {
    if owner == current {
        return Ok(());
    }
    Err(OpenError::OtherOwner { name: name.to_string(), owner: hex(owner), current: hex(current) })
}

fn hex(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_stores_cannot_keep_are_refused() {
        let long = "x".repeat(MAX_MODULE_NAME_BYTES + 1);
        let cases = [
            ("acme/hello", None),
            ("ä", None),
            ("", Some("it is empty")),
            ("{bytes}", Some("contains braces")),
            ("a\n", Some("control characters")),
            (&long, Some("it has 257 bytes")),
        ];
        for (name, expected) in cases {
            let error = check_module_name(name).err().map(|error| error.to_string());
            assert_eq!(error.is_some(), expected.is_some(), "{name:?}: {error:?}");
            assert!(error.unwrap_or_default().contains(expected.unwrap_or_default()), "{name:?}");
        }
    }
}
