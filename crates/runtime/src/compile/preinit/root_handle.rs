//! The handle of the root directory in instances that begin after `init`.
//!
//! An `init` that reads files gets a handle of the root directory and keeps its number in memory. The handles
//! of an instance are not part of a snapshot, so a snapshot gets one more export, which takes such a handle.
//! The host calls it for each new instance. Handles are numbered as they are made, so the root's is the
//! first again.

use wasm_encoder::{
    Alias, CanonicalFunctionSection, CodeSection, ComponentAliasSection, ComponentExportKind,
    ComponentExportSection, ComponentSection, ComponentTypeSection, ComponentValType, ExportKind,
    ExportSection, Function, FunctionSection, InstanceSection, Module, ModuleArg, ModuleSection,
    TypeSection, ValType,
};
use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind,
    ComponentTypeRef, ExternalKind, Parser, Payload,
};
use wasmtime::error::Context as _;
use wasmtime::{Result, bail, ensure};

use crate::bindings::ACCEPT_ROOT;

/// The interface that defines a directory's handle, of any version.
const INTERFACE: &str = "wasi:filesystem/types@";

/// Adds the export to a component.
///
/// # Errors
///
/// When the component does not import the interface, or its handles are not those of one instance.
pub(super) fn add_accept_root(mut component: Vec<u8>) -> Result<Vec<u8>> {
    const ACCEPT: &str = "accept";

    let spaces = IndexSpaces::of(&component)?;
    let interface = spaces.interface.context("the component does not import a file system")?;

    ModuleSection(&accepting_module(ACCEPT)).append_to_component(&mut component);

    let mut instances = InstanceSection::new();
    instances.instantiate(spaces.modules, std::iter::empty::<(&str, ModuleArg)>());
    instances.append_to_component(&mut component);

    let mut aliases = ComponentAliasSection::new();
    aliases.alias(Alias::CoreInstanceExport {
        instance: spaces.core_instances,
        kind: ExportKind::Func,
        name: ACCEPT,
    });
    aliases.alias(Alias::InstanceExport {
        instance: interface,
        kind: ComponentExportKind::Type,
        name: "descriptor",
    });
    aliases.append_to_component(&mut component);

    let [descriptor, handle, function] = [0, 1, 2].map(|added| spaces.types + added);
    let mut types = ComponentTypeSection::new();
    types.defined_type().own(descriptor);
    types.function().params([("root", ComponentValType::Type(handle))]).result(None);
    types.append_to_component(&mut component);

    let mut functions = CanonicalFunctionSection::new();
    functions.lift(spaces.core_functions, function, []);
    functions.append_to_component(&mut component);

    let mut exports = ComponentExportSection::new();
    exports.export(ACCEPT_ROOT, ComponentExportKind::Func, spaces.functions, None);
    exports.append_to_component(&mut component);
    Ok(component)
}

/// Returns a module with a function that takes a handle and does nothing.
fn accepting_module(name: &str) -> Module {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut exports = ExportSection::new();
    exports.export(name, ExportKind::Func, 0);
    let mut code = CodeSection::new();
    let mut body = Function::new([]);
    body.instructions().end();
    code.function(&body);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&exports).section(&code);
    module
}

/// The sizes of a component's index spaces, and where the file system is.
#[derive(Debug, Default)]
struct IndexSpaces {
    modules: u32,
    core_instances: u32,
    core_functions: u32,
    types: u32,
    instances: u32,
    functions: u32,
    /// The index of the imported instance.
    interface: Option<u32>,
}

impl IndexSpaces {
    fn of(component: &[u8]) -> Result<Self> {
        let mut spaces = Self::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(component) {
            let payload = payload?;
            match &payload {
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentCanonicalSection(_) if depth > 0 => {
                    bail!(
                        "a component within the component has functions, and so handles, of its own"
                    )
                }
                _ if depth == 0 => spaces.count(&payload)?,
                _ => {}
            }
            if let Payload::ModuleSection { .. } | Payload::ComponentSection { .. } = payload {
                depth += 1;
            }
        }
        Ok(spaces)
    }

    fn count(&mut self, payload: &Payload<'_>) -> Result<()> {
        match payload {
            Payload::ModuleSection { .. } => self.modules += 1,
            Payload::InstanceSection(section) => self.core_instances += section.count(),
            Payload::ComponentInstanceSection(section) => self.instances += section.count(),
            Payload::ComponentTypeSection(section) => self.types += section.count(),
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    let import = import?;
                    if import.name.name.starts_with(INTERFACE) {
                        let is_first = self.interface.replace(self.instances).is_none();
                        ensure!(is_first, "the component imports several file systems");
                    }
                    self.define(match import.ty {
                        ComponentTypeRef::Module(_) => ComponentExternalKind::Module,
                        ComponentTypeRef::Func(_) => ComponentExternalKind::Func,
                        ComponentTypeRef::Value(_) => ComponentExternalKind::Value,
                        ComponentTypeRef::Type(_) => ComponentExternalKind::Type,
                        ComponentTypeRef::Instance(_) => ComponentExternalKind::Instance,
                        ComponentTypeRef::Component(_) => ComponentExternalKind::Component,
                    });
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    self.define(export?.kind);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    match alias? {
                        ComponentAlias::InstanceExport { kind, .. } => self.define(kind),
                        ComponentAlias::CoreInstanceExport { kind: ExternalKind::Func, .. } => {
                            self.core_functions += 1;
                        }
                        ComponentAlias::CoreInstanceExport { .. } => {}
                        ComponentAlias::Outer { kind, .. } => match kind {
                            ComponentOuterAliasKind::CoreModule => self.modules += 1,
                            ComponentOuterAliasKind::Type => self.types += 1,
                            _ => {}
                        },
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section.clone() {
                    match function? {
                        CanonicalFunction::Lift { .. } => self.functions += 1,
                        _ => self.core_functions += 1,
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Counts what an import, an export or an alias defines.
    fn define(&mut self, kind: ComponentExternalKind) {
        match kind {
            ComponentExternalKind::Module => self.modules += 1,
            ComponentExternalKind::Func => self.functions += 1,
            ComponentExternalKind::Type => self.types += 1,
            ComponentExternalKind::Instance => self.instances += 1,
            ComponentExternalKind::Value | ComponentExternalKind::Component => {}
        }
    }
}
