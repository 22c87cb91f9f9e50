//! The export `invoke-inline`, which `wit_bindgen` cannot generate: its version has a post-return function
//! that frees the result, whereas the host reads this one in place until the next call.
//!
//! The layout is that of a returned `result<list<u8>, string>` in the canonical ABI:
//! <https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md>.

use std::cell::RefCell;

use surrealism_types::codec::InlineCall;

use super::component::flush_stdout;
use crate::registry;

/// A result that lives until the next call.
struct RetainedReturn {
    lowered: Lowered,
    /// What `lowered` points to.
    _result: Result<Vec<u8>, String>,
}

/// A result in the canonical ABI.
#[repr(C)]
struct Lowered {
    /// The discriminant: 0 for a value, 1 for an error.
    is_error: u8,
    start: *const u8,
    length: usize,
}

impl Lowered {
    fn new(result: &Result<Vec<u8>, String>) -> Self {
        let (is_error, bytes) = match result {
            Ok(value) => (0, value.as_slice()),
            Err(text) => (1, text.as_bytes()),
        };
        Self { is_error, start: bytes.as_ptr(), length: bytes.len() }
    }
}

thread_local! {
    static RETAINED: RefCell<Option<RetainedReturn>> = const { RefCell::new(None) };
}

fn invoke(call: &InlineCall) -> Result<Vec<u8>, String> {
    let (name, args) = call.parts().map_err(|error| format!("cannot read the call: {error}"))?;
    registry::invoke(name, args)
}

macro_rules! export {
    ($($first:ident)* / $($second:ident)*) => {
        // SAFETY: the name belongs to this component, and nothing else in it exports the name.
        #[unsafe(export_name = "invoke-inline")]
        extern "C" fn invoke_inline($($first: u64,)* $($second: u64),*) -> *const Lowered {
            wit_bindgen::rt::run_ctors_once();
            let call = InlineCall::from_words([[$($first),*], [$($second),*]]);
            let result = invoke(&call);
            flush_stdout();
            RETAINED.with_borrow_mut(|retained| {
                let lowered = Lowered::new(&result);
                &raw const retained.insert(RetainedReturn { lowered, _result: result }).lowered
            })
        }
    };
}

export!(a b c d e f g h / i j k l m n o p);
