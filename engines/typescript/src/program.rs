//! The program as the engine reads it: see `program.rs` of the engine.

use std::collections::BTreeMap;

use oxc_span::Span;
use surrealism::surrealdb_types::{Object, Value};
use surrealism::types::codec;

use crate::emit::emit;
use crate::exports::{Exported, exports};
use crate::modules::Modules;
use crate::report::{Report, Reports};

/// Compiles and encodes a program whose files have no errors of syntax.
pub(crate) fn encode(modules: &Modules<'_>, entry: &str) -> Result<Vec<u8>, Reports> {
    let Some(index) = modules.find(entry) else { return Ok(Vec::new()) };
    let exports = exports(modules, index)?;
    let failed = |error: surrealism::anyhow::Error| {
        vec![Report::at(
            index,
            Span::new(0, 0),
            format!("cannot encode the program: {error:#}"),
            "report this",
        )]
    };
    let mut emitted = BTreeMap::new();
    for (index, module) in modules.list.iter().enumerate() {
        emitted.insert(module.path.to_string(), module_value(modules, index)?);
    }
    let functions = exports
        .functions
        .iter()
        .map(function_value)
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    let init: Vec<Value> = exports.init.into_iter().map(strings).collect();
    let program = object([
        ("entry", Value::String(entry.to_string())),
        ("modules", Value::Object(emitted.into())),
        ("functions", Value::Array(functions.into())),
        ("init", Value::Array(init.into())),
    ]);
    codec::encode_value(&program).map_err(failed)
}

fn module_value(modules: &Modules<'_>, index: usize) -> Result<Value, Reports> {
    let module = &modules.list[index];
    let emitted = emit(index, module.path, module.source)?;
    let imports = module.imports.iter().filter_map(|import| {
        let to = modules.resolve(index, import.specifier).ok()??;
        Some((import.specifier.to_string(), Value::String(modules.list[to].path.to_string())))
    });
    let imports: BTreeMap<String, Value> = imports.collect();
    Ok(object([
        ("code", Value::String(emitted.code)),
        ("positions", Value::Bytes(emitted.positions.into())),
        ("imports", Value::Object(imports.into())),
    ]))
}

fn function_value(function: &Exported) -> surrealism::anyhow::Result<Value> {
    let args: Vec<_> =
        function.args.iter().map(|arg| (arg.name.as_str(), arg.kind.clone())).collect();
    let bigints: Vec<Value> = function.args.iter().map(|arg| Value::Bool(arg.is_bigint)).collect();
    let text = |text: &Option<String>| text.clone().map_or(Value::None, Value::String);
    Ok(object([
        ("name", text(&function.name)),
        ("path", strings(function.path.clone())),
        ("writeable", Value::Bool(function.writeable)),
        ("comment", text(&function.comment)),
        ("args", Value::Bytes(codec::encode_arguments(&args)?.into())),
        ("returns", Value::Bytes(codec::encode_kind(&function.returns)?.into())),
        ("bigints", Value::Array(bigints.into())),
    ]))
}

pub(crate) fn strings(strings: Vec<String>) -> Value {
    Value::Array(strings.into_iter().map(Value::String).collect::<Vec<_>>().into())
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields = fields.map(|(name, value)| (name.to_string(), value));
    Value::Object(Object::from(BTreeMap::from(fields)))
}
