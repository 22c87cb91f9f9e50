//! Components as text, for what no compiler writes.

use surrealism_runtime::config::SurrealismConfig;
use surrealism_runtime::{ExportsManifest, SurrealismPackage};

/// A package of a component of these fields. Its archive lists no functions.
pub(crate) fn component(fields: &str) -> SurrealismPackage {
    let config = "abi = 2\n[package]\norganisation = 'acme'\nname = 'x'\nversion = '1.0.0'";
    SurrealismPackage {
        config: SurrealismConfig::parse(config).unwrap(),
        wasm: wat::parse_str(format!("(component {fields})")).unwrap(),
        exports: ExportsManifest::empty(),
        fs: None,
        logo: None,
    }
}

/// The component's export `invoke`, from a core instance `$i` with `memory`, `realloc` and `invoke`.
pub(crate) const INVOKE: &str = r#"
    (func (export "invoke")
      (param "name" (option string)) (param "args" (list u8))
      (result (result (list u8) (error string)))
      (canon lift (core func $i "invoke") (memory $i "memory") (realloc (func $i "realloc"))))"#;

/// A core module's exports `memory` and `realloc`, for one allocation at a time.
pub(crate) const MEMORY: &str = r#"
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))"#;

/// Bytes as the content of a string literal in the text format.
pub(crate) fn data(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}
