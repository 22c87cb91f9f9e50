//! Turns core modules into components.

pub(crate) mod name_section;
pub(crate) mod world;

use anyhow::{Context, Result, bail};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::Parser;
use wit_component::ComponentEncoder;

/// Turns a core module into a component, with WASI preview 1 adapted to preview 2. Returns a component
/// unchanged.
///
/// # Errors
///
/// Fails if the bytes are neither, or if the module does not name the WIT world that it implements.
pub(crate) fn componentize(wasm: Vec<u8>) -> Result<Vec<u8>> {
    if Parser::is_component(&wasm) {
        return Ok(wasm);
    }
    if !Parser::is_core_wasm(&wasm) {
        bail!("it is not WebAssembly: pass the core module or component that a compiler wrote");
    }
    ComponentEncoder::default()
        .module(&wasm)
        .and_then(|encoder| {
            encoder.adapter(
                WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            )
        })
        .and_then(|encoder| encoder.validate(true).encode())
        .context("cannot convert the core module to a component")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_webassembly_are_rejected() {
        let error = componentize(b"#!/bin/sh".to_vec()).unwrap_err().to_string();
        assert!(error.contains("it is not WebAssembly"), "{error}");
    }
}
