//! The front end of plugins in JavaScript and TypeScript: from the author's files to a program of the engine.
//!
//! It is a plugin itself, which `surrealism build` calls. So the command needs no compiler of TypeScript, and
//! what reads the author's files has no access to anything.

mod comment;
mod emit;
mod exports;
mod kinds;
mod modules;
mod program;
mod report;

use std::collections::BTreeMap;

use oxc_allocator::Allocator;
use surrealism::surrealdb_types::{Object, Value};
use surrealism::surrealism;

use crate::modules::Modules;
use crate::report::Report;

/// Compiles a program.
///
/// `files` has the text of files by their path from the plugin's directory, `entry` among them. The result
/// has one of these fields:
///
/// - `wanted`: for each import of a file that `files` lacks, the paths that it may have. Call again with
///   those that exist, or with `complete` if there are no more.
/// - `errors`: texts, each with the lines that it is about.
/// - `program`: the encoded program. `extended` says whether it needs an engine with the store's extensions.
#[surrealism]
fn compile(entry: String, files: BTreeMap<String, String>, complete: bool) -> Object {
    let allocators: Vec<Allocator> = files.iter().map(|_| Allocator::default()).collect();
    let modules = Modules::parse(&allocators, &files);
    let wanted = modules.wanted();
    if !complete && !wanted.is_empty() {
        let wanted = wanted.into_iter().map(program::strings).collect::<Vec<_>>();
        return field("wanted", Value::Array(wanted.into()));
    }
    let compiled = modules.errors().and_then(|()| program::encode(&modules, &entry));
    match compiled {
        Ok(bytes) => {
            let mut result = field("program", Value::Bytes(bytes.into()));
            result.insert("extended", modules.needs_extensions());
            result
        }
        Err(errors) => {
            let errors = errors.into_iter().map(|error| render(&modules, error)).collect();
            field("errors", program::strings(errors))
        }
    }
}

fn render(modules: &Modules<'_>, report: Report) -> String {
    let module = &modules.list[report.file];
    report.render(module.path, module.source)
}

fn field(name: &str, value: Value) -> Object {
    Object::from(BTreeMap::from([(name.to_string(), value)]))
}
