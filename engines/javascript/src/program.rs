//! The author's program, as `surrealism build` writes it: a value in SurrealDB's encoding.

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;

use surrealism::dynamic::Signature;
use surrealism::surrealdb_types::{Kind, Object, Value};
use surrealism::types::codec;

/// The attached file.
const FILE: &str = "/.surrealism/program";

/// The modules and functions of a plugin.
pub(crate) struct Program {
    /// The name of the module whose exports are the functions.
    pub(crate) entry: String,
    pub(crate) modules: BTreeMap<String, Module>,
    pub(crate) functions: Vec<Function>,
    /// Paths of the functions that run before the first call.
    pub(crate) init: Vec<Vec<String>>,
}

/// One module.
pub(crate) struct Module {
    pub(crate) code: String,
    /// Positions in the code and in the author's file: line, column, line, column, each as four bytes,
    /// little-endian. In the order of the code.
    pub(crate) positions: Vec<u8>,
    /// The modules that it imports, by what the import says.
    pub(crate) imports: BTreeMap<String, String>,
}

/// A function of the plugin.
pub(crate) struct Function {
    pub(crate) name: Option<String>,
    /// The exports that lead to it, from the entry.
    pub(crate) path: Vec<String>,
    pub(crate) signature: Signature,
    pub(crate) args: Vec<Argument>,
    pub(crate) returns: Kind,
}

/// An argument of a function.
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Whether its integers are of JavaScript's type `bigint`.
    pub(crate) is_bigint: bool,
}

/// Returns the program of this plugin.
///
/// # Errors
///
/// When the attached file is missing or not a program.
pub(crate) fn program() -> Result<&'static Program, String> {
    static PROGRAM: OnceLock<Result<Program, String>> = OnceLock::new();
    PROGRAM.get_or_init(read).as_ref().map_err(Clone::clone)
}

fn read() -> Result<Program, String> {
    let unusable = |why: &dyn std::fmt::Display| {
        format!(
            "cannot read the program {FILE}: {why}; build the plugin again with `surrealism build`"
        )
    };
    let bytes = fs::read(FILE).map_err(|error| unusable(&error))?;
    let value = codec::decode_value(&bytes).map_err(|error| unusable(&error))?;
    parse(value).ok_or_else(|| unusable(&"it is of another version"))
}

impl Program {
    /// Finds a function and its index.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<(usize, &Function), String> {
        let found = self.functions.iter().position(|function| function.name.as_deref() == name);
        match (found, name) {
            (Some(index), _) => Ok((index, &self.functions[index])),
            (None, Some(name)) => Err(format!("unknown function: {name}")),
            (None, None) => Err("unknown function: the plugin has no default function".to_string()),
        }
    }
}

fn parse(value: Value) -> Option<Program> {
    let mut program = object(value)?;
    let modules = object(program.remove("modules")?)?.into_iter();
    let functions = list(program.remove("functions")?)?.into_iter();
    Some(Program {
        entry: string(program.remove("entry")?)?,
        modules: modules
            .map(|(name, module)| Some((name, parse_module(module)?)))
            .collect::<Option<_>>()?,
        functions: functions.map(parse_function).collect::<Option<_>>()?,
        init: list(program.remove("init")?)?.into_iter().map(strings).collect::<Option<_>>()?,
    })
}

fn parse_module(value: Value) -> Option<Module> {
    let mut module = object(value)?;
    let imports = object(module.remove("imports")?)?.into_iter();
    Some(Module {
        code: string(module.remove("code")?)?,
        positions: bytes(module.remove("positions")?)?,
        imports: imports.map(|(from, to)| Some((from, string(to)?))).collect::<Option<_>>()?,
    })
}

fn parse_function(value: Value) -> Option<Function> {
    let mut function = object(value)?;
    let signature = Signature {
        args: bytes(function.remove("args")?)?,
        returns: bytes(function.remove("returns")?)?,
        writeable: matches!(function.remove("writeable")?, Value::Bool(true)),
        comment: function.remove("comment").and_then(string),
    };
    let bigints = list(function.remove("bigints")?)?;
    let args = codec::decode_arguments(&signature.args).ok()?.into_iter().zip(bigints);
    Some(Function {
        name: function.remove("name").and_then(string),
        path: strings(function.remove("path")?)?,
        args: args
            .map(|((name, kind), bigint)| Argument {
                name,
                kind,
                is_bigint: bigint == Value::Bool(true),
            })
            .collect(),
        returns: codec::decode_kind(&signature.returns).ok()?,
        signature,
    })
}

fn object(value: Value) -> Option<BTreeMap<String, Value>> {
    match value {
        Value::Object(object) => Some(Object::into_inner(object)),
        _ => None,
    }
}

fn list(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(array) => Some(array.into_iter().collect()),
        _ => None,
    }
}

fn strings(value: Value) -> Option<Vec<String>> {
    list(value)?.into_iter().map(string).collect()
}

fn string(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::Bytes(bytes) => Some(bytes.to_vec()),
        _ => None,
    }
}
