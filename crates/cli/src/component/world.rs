//! The imports and exports of a component, and those that the plugin interface defines.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use wit_component::DecodedWasm;
use wit_parser::{
    Function, FunctionKind, Handle, Resolve, Type, TypeDefKind, TypeId, WorldId, WorldItem,
};

/// The WIT definition of the plugin interface.
const PLUGIN_WIT: &str = include_str!("../../wit/plugin.wit");

/// Signatures in WIT syntax, by function name.
pub(crate) type Functions = BTreeMap<String, String>;

/// The imports and exports of a component.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// The functions of each imported interface.
    pub(crate) imports: BTreeMap<String, Functions>,
    /// The exported functions.
    pub(crate) exports: Functions,
}

impl World {
    /// Returns the published world, which every host of this ABI implements.
    ///
    /// # Errors
    ///
    /// Fails if `plugin.wit` is invalid.
    pub(crate) fn published() -> Result<Self> {
        Self::named("plugin")
    }

    /// Returns the published world and the extensions that only this project's SDK and host implement.
    ///
    /// # Errors
    ///
    /// Fails if `plugin.wit` is invalid.
    pub(crate) fn extended() -> Result<Self> {
        Self::named("extended-plugin")
    }

    fn named(name: &str) -> Result<Self> {
        let mut resolve = Resolve::default();
        let package = resolve.push_source("plugin.wit", PLUGIN_WIT)?;
        let world = resolve.select_world(&[package], Some(name))?;
        Ok(Self::from_resolve(&resolve, world))
    }

    /// Decodes the world of a component.
    ///
    /// # Errors
    ///
    /// Fails if the bytes are not a valid component.
    pub(crate) fn from_component(wasm: &[u8]) -> Result<Self> {
        match wit_component::decode(wasm)? {
            DecodedWasm::Component(resolve, world) => Ok(Self::from_resolve(&resolve, world)),
            DecodedWasm::WitPackage(..) => bail!("not a component: a WIT package without code"),
        }
    }

    fn from_resolve(resolve: &Resolve, id: WorldId) -> Self {
        let mut world = Self::default();
        for (key, item) in &resolve.worlds[id].imports {
            match item {
                WorldItem::Interface { id, .. } => {
                    let functions = resolve.interfaces[*id].functions.values();
                    let functions =
                        functions.map(|function| name_and_signature(resolve, function)).collect();
                    world.imports.insert(resolve.name_world_key(key), functions);
                }
                WorldItem::Function(function) => {
                    let name = resolve.name_world_key(key);
                    world.imports.insert(name, [name_and_signature(resolve, function)].into());
                }
                WorldItem::Type { .. } => {}
            }
        }
        for item in resolve.worlds[id].exports.values() {
            if let WorldItem::Function(function) = item {
                world.exports.extend([name_and_signature(resolve, function)]);
            }
        }
        world
    }
}

fn name_and_signature(resolve: &Resolve, function: &Function) -> (String, String) {
    (function.name.clone(), signature(resolve, function))
}

/// Formats a function's type, without parameter names: hosts and guests pass arguments by position.
fn signature(resolve: &Resolve, function: &Function) -> String {
    let kind = match function.kind {
        FunctionKind::Freestanding => "func",
        FunctionKind::AsyncFreestanding => "async func",
        _ => "method",
    };
    let params: Vec<_> =
        function.params.iter().map(|param| type_name(resolve, &param.ty)).collect();
    let result = function.result.map(|ty| format!(" -> {}", type_name(resolve, &ty)));
    format!("{kind}({}){}", params.join(", "), result.unwrap_or_default())
}

/// Formats a type in WIT syntax, with aliases resolved.
fn type_name(resolve: &Resolve, ty: &Type) -> String {
    let optional = |ty: &Option<Type>| ty.map_or("_".to_string(), |ty| type_name(resolve, &ty));
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
        TypeDefKind::Type(aliased) => type_name(resolve, aliased),
        TypeDefKind::List(item) => format!("list<{}>", type_name(resolve, item)),
        TypeDefKind::Option(some) => format!("option<{}>", type_name(resolve, some)),
        TypeDefKind::Result(result) => {
            format!("result<{}, {}>", optional(&result.ok), optional(&result.err))
        }
        TypeDefKind::Tuple(tuple) => {
            let types: Vec<_> = tuple.types.iter().map(|ty| type_name(resolve, ty)).collect();
            format!("tuple<{}>", types.join(", "))
        }
        TypeDefKind::Handle(Handle::Own(resource)) => {
            format!("own<{}>", declared_name(resolve, *resource))
        }
        TypeDefKind::Handle(Handle::Borrow(resource)) => {
            format!("borrow<{}>", declared_name(resolve, *resource))
        }
        _ => declared_name(resolve, id),
    }
}

/// Formats a resource or another named type. The plugin interface has none, so the name suffices.
fn declared_name(resolve: &Resolve, id: TypeId) -> String {
    resolve.types[id].name.clone().unwrap_or_else(|| "(unnamed)".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_formatted_as_in_plugin_wit() {
        let published = World::published().unwrap();
        let host = &published.imports["surrealism:plugin/host"];
        assert_eq!(host.len(), 14);
        assert_eq!(host["kv-get"], "func(string) -> result<option<list<u8>>, string>");
        assert_eq!(published.imports.len(), 1);
        assert_eq!(published.exports.len(), 7);
        assert_eq!(published.exports["init"], "func() -> result<_, string>");
        assert_eq!(
            published.exports["invoke"],
            "func(option<string>, list<u8>) -> result<list<u8>, string>"
        );
    }
}
