//! The host of a plugin: the component's own on wasm, a stub elsewhere.

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
