//! The plugin as a component: what it exports, and the host that it imports.

use std::io::{Write, stdout};

use crate::registry;

// What the bindings make public is the host's interface; it ends here.
#[allow(unreachable_pub)]
mod bindings {
    // The function that is left out has its answer returned in another way; see `inline_call.rs`.
    wit_bindgen::generate!({ path: "wit", world: "extended-plugin", skip: ["invoke-inline"] });

    export!(Plugin with_types_in self);

    use super::Plugin;
}

pub(crate) use bindings::surrealism::plugin::host::*;
pub(crate) use bindings::surrealism::plugin::kv_atomic::*;
pub(crate) use bindings::surrealism::plugin::kv_ttl::*;

struct Plugin;

impl bindings::Guest for Plugin {
    fn invoke(name: Option<String>, args: Vec<u8>) -> Result<Vec<u8>, String> {
        let answer = registry::invoke(name.as_deref(), &args);
        end_output();
        answer
    }

    fn invoke_rows(name: Option<String>, rows: Vec<u8>) -> Result<Vec<u8>, String> {
        let answers = registry::invoke_rows(name.as_deref(), &rows);
        end_output();
        answers
    }

    fn list_functions() -> Vec<Option<String>> {
        registry::names().into_iter().map(|name| name.map(str::to_string)).collect()
    }

    fn function_args(name: Option<String>) -> Result<Vec<u8>, String> {
        registry::args(name.as_deref())
    }

    fn function_returns(name: Option<String>) -> Result<Vec<u8>, String> {
        registry::returns(name.as_deref())
    }

    fn function_writeable(name: Option<String>) -> Result<bool, String> {
        registry::find(name.as_deref()).map(|function| function.writeable)
    }

    fn function_comment(name: Option<String>) -> Result<Option<String>, String> {
        registry::find(name.as_deref()).map(|function| function.comment.map(str::to_string))
    }

    fn init() -> Result<(), String> {
        let outcome = registry::init();
        end_output();
        outcome
    }
}

/// Hands on a line that was begun, while its caller is there to hear it: the next call may be
/// somebody else's.
pub(super) fn end_output() {
    // Where nobody listens, there is nobody to tell.
    let _ = stdout().flush();
}
