//! The export `invoke-inline`, by hand: what `wit_bindgen` generates would have the host come back after
//! each call for the answer to be freed, before the host has read it where it lies.
//!
//! Format: <https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md>, of a
//! `result<list<u8>, string>` that is returned.

use std::cell::RefCell;

use surrealism_types::codec::InlineCall;

use super::component::end_output;
use crate::registry;

/// An answer, until the next.
struct Kept {
    returned: Returned,
    /// What that leads to.
    _answer: Result<Vec<u8>, String>,
}

/// What the host reads of an answer.
#[repr(C)]
struct Returned {
    /// Whether it is an error.
    is_error: u8,
    start: *const u8,
    length: usize,
}

impl Returned {
    fn of(answer: &Result<Vec<u8>, String>) -> Self {
        let (is_error, bytes) = match answer {
            Ok(value) => (0, value.as_slice()),
            Err(text) => (1, text.as_bytes()),
        };
        Self { is_error, start: bytes.as_ptr(), length: bytes.len() }
    }
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

fn invoke(call: &InlineCall) -> Result<Vec<u8>, String> {
    let (name, args) = call.parts().map_err(|stop| format!("cannot read the call: {stop}"))?;
    registry::invoke(name, args)
}

macro_rules! export {
    ($($first:ident)* / $($second:ident)*) => {
        // The name is the component's own, which nothing else exports.
        #[unsafe(export_name = "invoke-inline")]
        extern "C" fn invoke_inline($($first: u64,)* $($second: u64),*) -> *const Returned {
            wit_bindgen::rt::run_ctors_once();
            let call = InlineCall::from_words([[$($first),*], [$($second),*]]);
            let answer = invoke(&call);
            end_output();
            KEPT.with_borrow_mut(|kept| {
                let returned = Returned::of(&answer);
                &raw const kept.insert(Kept { returned, _answer: answer }).returned
            })
        }
    };
}

export!(a b c d e f g h / i j k l m n o p);
