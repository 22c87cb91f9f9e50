//! Which components can have the outcome of their `init` captured: those whose whole state is in
//! memories and globals, and that wizer understands.

use wasmparser::{CanonicalFunction, Encoding, Parser, Payload, ValType, Validator, WasmFeatures};
use wasmtime::{Result, ensure};

use crate::limits::MAX_SNAPSHOT_ITEMS;

/// The export that is run for its outcome.
pub(crate) const INIT: &str = "init";

/// What wizer calls things of its own begins with these.
const WIZERS: [&str; 2] = ["__wizer_", "wasmtime:wizer/"];

/// What compilers of plugins use. What is left out has state of its own (exceptions, garbage
/// collection, tasks), or wizer takes it for impossible.
const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::COMPONENT_MODEL);

/// Whether a component has an `init` at all. What cannot be read has none.
pub(crate) fn exports_init(wasm: &[u8]) -> bool {
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload {
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            Ok(Payload::ComponentExportSection(exports)) if depth == 0 => {
                if exports.into_iter().flatten().any(|export| export.name.name == INIT) {
                    return true;
                }
            }
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    false
}

/// Refuses a component that cannot be captured, whatever its `init` does. wizer refuses more:
/// instructions that change a table or drop a segment, and modules that are instantiated twice.
///
/// # Errors
///
/// When it is refused; nobody is told why.
pub(crate) fn check(wasm: &[u8]) -> Result<()> {
    Validator::new_with_features(FEATURES).validate_all(wasm)?;
    let mut items = 0;
    let mut module = Module::default();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::Version { encoding: Encoding::Module, .. } => module = Module::default(),
            Payload::MemorySection(memories) => module.items += memories.count() as usize,
            Payload::GlobalSection(globals) => {
                for global in globals {
                    let global = global?.ty;
                    if global.mutable {
                        // wizer reads others through conversions that need not keep a NaN's bits.
                        let is_integer = matches!(global.content_type, ValType::I32 | ValType::I64);
                        ensure!(is_integer, "a global is neither an i32 nor an i64");
                        module.items += 1;
                    }
                }
            }
            Payload::ExportSection(exports) => {
                module.exports = true;
                for export in exports {
                    not_wizers(export?.name)?;
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports {
                    not_wizers(export?.name.name)?;
                }
            }
            Payload::ComponentCanonicalSection(functions) => {
                for function in functions {
                    // Of a resource of its own, a component may keep handles.
                    let is_stateless = matches!(
                        function?,
                        CanonicalFunction::Lift { .. }
                            | CanonicalFunction::Lower { .. }
                            | CanonicalFunction::ResourceDrop { .. }
                    );
                    ensure!(is_stateless, "it has handles or tasks of its own");
                }
            }
            Payload::End(_) => {
                // wizer adds to the exports that there are.
                ensure!(module.items == 0 || module.exports, "a module hides all its state");
                items += std::mem::take(&mut module).items;
                ensure!(items <= MAX_SNAPSHOT_ITEMS, "it has more than {MAX_SNAPSHOT_ITEMS} items");
            }
            _ => {}
        }
    }
    Ok(())
}

/// A core module, as far as it has been read.
#[derive(Default)]
struct Module {
    /// Memories and mutable globals.
    items: usize,
    exports: bool,
}

fn not_wizers(name: &str) -> Result<()> {
    ensure!(!WIZERS.iter().any(|prefix| name.starts_with(prefix)), "it uses wizer's names");
    Ok(())
}
