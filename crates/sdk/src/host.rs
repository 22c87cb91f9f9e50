//! The host functions that [`imports`](crate::imports) calls.
//!
//! In a component they are the imports of `wit/plugin.wit`. In native tests, without a host, each
//! returns an error.

#[cfg(target_family = "wasm")]
mod component;
#[cfg(target_family = "wasm")]
mod inline_call;
#[cfg(not(target_family = "wasm"))]
mod native_stub;

#[cfg(target_family = "wasm")]
pub(crate) use self::component::*;
#[cfg(not(target_family = "wasm"))]
pub(crate) use self::native_stub::*;
