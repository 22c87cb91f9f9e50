//! WebAssembly as the contract sees it: made into a component, and asked what it imports and
//! exports.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::Parser;
use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{
    Function, FunctionKind, Handle, Resolve, Type, TypeDefKind, TypeId, WorldId, WorldItem,
};

/// The contract itself.
const PLUGIN_WIT: &str = include_str!("../wit/plugin.wit");

/// Makes a core module a component, with WASI preview 1 adapted to preview 2. A component stays as
/// it is.
///
/// # Errors
///
/// When it is neither, or the module does not say which WIT world it was made for.
pub(crate) fn componentise(wasm: Vec<u8>) -> Result<Vec<u8>> {
    if Parser::is_component(&wasm) {
        return Ok(wasm);
    }
    if !Parser::is_core_wasm(&wasm) {
        bail!("it is no WebAssembly: it begins with {:02x?}", &wasm[..wasm.len().min(8)]);
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
        .context("the core module cannot be made a component")
}

/// Functions by name, each with its signature as WIT text.
pub(crate) type Functions = BTreeMap<String, String>;

/// What a component imports and exports.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// The functions of each interface that it imports.
    pub(crate) imports: BTreeMap<String, Functions>,
    /// The functions that it exports.
    pub(crate) exports: Functions,
}

impl World {
    /// The world of the contract.
    ///
    /// # Errors
    ///
    /// None, as long as `plugin.wit` is in order.
    pub(crate) fn contract() -> Result<Self> {
        Self::named("plugin")
    }

    /// The contract, and what our own SDK and host know beyond it.
    ///
    /// # Errors
    ///
    /// None, as long as `plugin.wit` is in order.
    pub(crate) fn ours() -> Result<Self> {
        Self::named("extended-plugin")
    }

    fn named(name: &str) -> Result<Self> {
        let mut resolve = Resolve::default();
        let package = resolve.push_source("plugin.wit", PLUGIN_WIT)?;
        let world = resolve.select_world(&[package], Some(name))?;
        Ok(Self::read(&resolve, world))
    }

    /// The world of a component.
    ///
    /// # Errors
    ///
    /// When it is no valid component.
    pub(crate) fn of_component(wasm: &[u8]) -> Result<Self> {
        match wit_component::decode(wasm)? {
            DecodedWasm::Component(resolve, world) => Ok(Self::read(&resolve, world)),
            DecodedWasm::WitPackage(..) => bail!("it is a WIT package, and holds no code"),
        }
    }

    fn read(resolve: &Resolve, id: WorldId) -> Self {
        let mut world = Self::default();
        for (key, item) in &resolve.worlds[id].imports {
            match item {
                WorldItem::Interface { id, .. } => {
                    let functions = resolve.interfaces[*id].functions.values();
                    let functions = functions.map(|function| named(resolve, function)).collect();
                    world.imports.insert(resolve.name_world_key(key), functions);
                }
                WorldItem::Function(function) => {
                    let name = resolve.name_world_key(key);
                    world.imports.insert(name, [named(resolve, function)].into());
                }
                WorldItem::Type { .. } => {}
            }
        }
        for item in resolve.worlds[id].exports.values() {
            if let WorldItem::Function(function) = item {
                world.exports.extend([named(resolve, function)]);
            }
        }
        world
    }
}

fn named(resolve: &Resolve, function: &Function) -> (String, String) {
    (function.name.clone(), signature(resolve, function))
}

/// A function's type. Names of parameters are no part of it: hosts and guests pass them in order.
fn signature(resolve: &Resolve, function: &Function) -> String {
    let kind = match function.kind {
        FunctionKind::Freestanding => "func",
        FunctionKind::AsyncFreestanding => "async func",
        _ => "method",
    };
    let params: Vec<_> = function.params.iter().map(|param| name(resolve, &param.ty)).collect();
    let result = function.result.map(|ty| format!(" -> {}", name(resolve, &ty)));
    format!("{kind}({}){}", params.join(", "), result.unwrap_or_default())
}

/// A type in WIT's words, with aliases resolved.
fn name(resolve: &Resolve, ty: &Type) -> String {
    let optional = |ty: &Option<Type>| ty.map_or("_".to_string(), |ty| name(resolve, &ty));
    let id = match ty {
        Type::Id(id) => *id,
        Type::Bool => return "bool".into(),
        Type::U8 => return "u8".into(),
        Type::U16 => return "u16".into(),
        Type::U32 => return "u32".into(),
        Type::U64 => return "u64".into(),
        Type::S8 => return "s8".into(),
        Type::S16 => return "s16".into(),
        Type::S32 => return "s32".into(),
        Type::S64 => return "s64".into(),
        Type::F32 => return "f32".into(),
        Type::F64 => return "f64".into(),
        Type::Char => return "char".into(),
        Type::String => return "string".into(),
        Type::ErrorContext => return "error-context".into(),
    };
    match &resolve.types[id].kind {
        TypeDefKind::Type(aliased) => name(resolve, aliased),
        TypeDefKind::List(item) => format!("list<{}>", name(resolve, item)),
        TypeDefKind::Option(some) => format!("option<{}>", name(resolve, some)),
        TypeDefKind::Result(result) => {
            format!("result<{}, {}>", optional(&result.ok), optional(&result.err))
        }
        TypeDefKind::Tuple(tuple) => {
            let types: Vec<_> = tuple.types.iter().map(|ty| name(resolve, ty)).collect();
            format!("tuple<{}>", types.join(", "))
        }
        TypeDefKind::Handle(Handle::Own(resource)) => {
            format!("own<{}>", own_name(resolve, *resource))
        }
        TypeDefKind::Handle(Handle::Borrow(resource)) => {
            format!("borrow<{}>", own_name(resolve, *resource))
        }
        _ => own_name(resolve, id),
    }
}

/// The contract has no types with names of their own, so for them the name has to do.
fn own_name(resolve: &Resolve, id: TypeId) -> String {
    resolve.types[id].name.clone().unwrap_or_else(|| "(unnamed)".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_reads_as_it_is_written() {
        let contract = World::contract().unwrap();
        let host = &contract.imports["surrealism:plugin/host"];
        assert_eq!(host.len(), 14);
        assert_eq!(host["kv-get"], "func(string) -> result<option<list<u8>>, string>");
        assert_eq!(contract.imports.len(), 1);
        assert_eq!(contract.exports.len(), 7);
        assert_eq!(contract.exports["init"], "func() -> result<_, string>");
        assert_eq!(
            contract.exports["invoke"],
            "func(option<string>, list<u8>) -> result<list<u8>, string>"
        );
    }

    #[test]
    fn what_is_no_webassembly_is_refused() {
        let error = componentise(b"#!/bin/sh".to_vec()).unwrap_err().to_string();
        assert!(error.contains("it is no WebAssembly: it begins with [23, 21"), "{error}");
    }
}
