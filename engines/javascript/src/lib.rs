//! The engine of plugins in JavaScript and TypeScript: QuickJS, with SurrealDB's values and the functions of
//! the host.
//!
//! One component for every plugin. It reads the author's program from the attached file `PROGRAM`, which
//! `surrealism build` writes.

mod call;
mod error;
mod host;
mod prelude;
mod program;
mod script;
mod value;

use surrealism::dynamic::{Functions, Signature, functions};

use crate::program::program;

struct Engine;

impl Functions for Engine {
    fn names(&self) -> Vec<Option<String>> {
        let names = |program: &program::Program| {
            program.functions.iter().map(|function| function.name.clone()).collect()
        };
        program().map(names).unwrap_or_else(|error| {
            // The interface has no error here.
            panic!("{error}")
        })
    }

    fn signature(&self, name: Option<&str>) -> Result<Signature, String> {
        Ok(program()?.find(name)?.1.signature.clone())
    }

    fn invoke(&self, name: Option<&str>, args: &[u8]) -> Result<Vec<u8>, String> {
        call::invoke(program()?, name, args)
    }

    fn init(&self) -> Result<(), String> {
        call::init(program()?)
    }
}

functions!(Engine);
