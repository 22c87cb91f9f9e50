//! Which components can be pre-initialized: those whose whole state is in memories and globals, and
//! that wizer supports.

use wasmparser::{CanonicalFunction, Encoding, Parser, Payload, ValType, Validator, WasmFeatures};
use wasmtime::{Result, ensure};

use crate::bindings::ACCEPT_ROOT;
use crate::limits::MAX_SNAPSHOT_ITEMS;

/// The export that pre-initialization runs.
pub(super) const INIT: &str = "init";

/// The prefixes of names that are added to a component.
const RESERVED_PREFIXES: [&str; 3] = ["__wizer_", "wasmtime:wizer/", ACCEPT_ROOT];

/// The features that compilers of plugins use. The others have state of their own (exceptions, garbage
/// collection, tasks), or wizer does not expect them.
const SUPPORTED_FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::COMPONENT_MODEL);

/// Whether a component exports `init`. `false` for bytes that cannot be parsed.
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

/// Refuses a component that cannot be pre-initialized, whatever its `init` does. wizer refuses more:
/// instructions that change a table or drop a segment, and modules that are instantiated twice.
///
/// # Errors
///
/// When the component is refused. The reason is not shown anywhere.
pub(super) fn ensure_supported(wasm: &[u8]) -> Result<()> {
    Validator::new_with_features(SUPPORTED_FEATURES).validate_all(wasm)?;
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
                        // wizer reads floats through conversions that may change the bits of a NaN.
                        let is_integer = matches!(global.content_type, ValType::I32 | ValType::I64);
                        ensure!(is_integer, "a global is neither an i32 nor an i64");
                        module.items += 1;
                    }
                }
            }
            Payload::ExportSection(exports) => {
                module.has_exports = true;
                for export in exports {
                    ensure_unreserved(export?.name)?;
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports {
                    ensure_unreserved(export?.name.name)?;
                }
            }
            Payload::ComponentCanonicalSection(functions) => {
                for function in functions {
                    // The handles of a resource that the component defines are state.
                    let is_stateless = matches!(
                        function?,
                        CanonicalFunction::Lift { .. }
                            | CanonicalFunction::Lower { .. }
                            | CanonicalFunction::ResourceDrop { .. }
                    );
                    ensure!(is_stateless, "the component has handles or tasks of its own");
                }
            }
            Payload::End(_) => {
                // wizer can export state only from a module that has an export section.
                ensure!(
                    module.items == 0 || module.has_exports,
                    "a module exports none of its state"
                );
                items += std::mem::take(&mut module).items;
                ensure!(
                    items <= MAX_SNAPSHOT_ITEMS,
                    "the component has more than {MAX_SNAPSHOT_ITEMS} items"
                );
            }
            _ => {}
        }
    }
    Ok(())
}

/// The core module that is being parsed.
#[derive(Default)]
struct Module {
    /// Memories and mutable globals.
    items: usize,
    has_exports: bool,
}

fn ensure_unreserved(name: &str) -> Result<()> {
    ensure!(
        !RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)),
        "the component uses a reserved name"
    );
    Ok(())
}
