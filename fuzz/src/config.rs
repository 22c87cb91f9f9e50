//! Untrusted `surrealism.toml` and `exports.toml`.

use surrealism_runtime::{ExportsManifest, SurrealismConfig};

/// Checks that what is accepted is the same after it was written and read.
pub fn config(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(config) = SurrealismConfig::parse(text) {
        assert!(!config.file_name().contains(['/', '\\', '\0']), "{}", config.file_name());
        let written = config.to_toml().unwrap();
        let again = SurrealismConfig::parse(&written).unwrap();
        assert_eq!(format!("{again:?}"), format!("{config:?}"), "written as\n{written}");
    }
    if let Ok(exports) = ExportsManifest::parse(text) {
        let written = exports.to_toml().unwrap();
        let again = ExportsManifest::parse(&written).unwrap();
        assert_eq!(again, exports, "written as\n{written}");
        for function in &exports.functions {
            assert!(exports.get_signature(function.name.as_deref()).is_some());
            assert!(!function.to_string().is_empty());
        }
    }
}
