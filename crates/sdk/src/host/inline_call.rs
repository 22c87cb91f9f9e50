//! The exports `invoke-inline` and `invoke-row`, which `wit_bindgen` cannot generate: its versions have
//! post-return functions that free the result, whereas the host reads these in place until the next call.
//!
//! The layout is that of a returned `result<list<u8>, string>` in the canonical ABI:
//! <https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md>.

use std::cell::RefCell;

use surrealism_types::codec::InlineCall;
use surrealism_types::codec::columns::row_bytes;

use super::component::flush_stdout;
use crate::registry;

/// A result that lives until the next call.
struct RetainedReturn {
    lowered: Lowered,
    /// What `lowered` points to.
    result: Result<Vec<u8>, String>,
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

/// Keeps a result until the next call, and returns it in the canonical ABI.
fn retain(result: Result<Vec<u8>, String>) -> *const Lowered {
    RETAINED.with_borrow_mut(|retained| {
        let lowered = Lowered::new(&result);
        &raw const retained.insert(RetainedReturn { lowered, result }).lowered
    })
}

/// Takes the buffer of the last result, to write the next one into it.
fn take_buffer() -> Vec<u8> {
    let retained = RETAINED.take();
    let mut buffer = retained.and_then(|retained| retained.result.ok()).unwrap_or_default();
    buffer.clear();
    buffer
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
            retain(result)
        }
    };
}

export!(a b c d e f g h / i j k l m n o p);

// SAFETY: the name belongs to this component, and nothing else in it exports the name.
#[unsafe(export_name = "invoke-row")]
extern "C" fn invoke_row(
    function: u32,
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
    f: u64,
    g: u64,
    h: u64,
) -> *const Lowered {
    wit_bindgen::rt::run_ctors_once();
    let columns = row_bytes([a, b, c, d, e, f, g, h]);
    let mut results = take_buffer();
    let result = registry::invoke_columns(function, 1, &columns, &mut results);
    flush_stdout();
    retain(result.map(|()| results))
}
