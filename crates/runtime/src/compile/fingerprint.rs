//! The identity of compiled code.

use sha2::{Digest, Sha256};

/// A SHA-256 of everything, beside the engine, that compiled code is made from.
pub(crate) type Fingerprint = [u8; 32];

/// Returns the fingerprint of a component.
pub(super) fn fingerprint(wasm: &[u8]) -> Fingerprint {
    Sha256::digest(wasm).into()
}
