//! Compiled code, shared by all modules of the same bytes.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, InstancePre};

use crate::bindings::GuestIndices;
use crate::code_cache::CodeCache;
use crate::engines::{Engines, Linked};
use crate::store::StoreData;
use crate::usage::CodeSource;
use crate::{SurrealismError, SurrealismResult};

/// A component, compiled and linked.
pub(crate) struct Code {
    pub(crate) pre: InstancePre<StoreData>,
    pub(crate) guest: GuestIndices,
    /// Whether its instances live in the process's pool.
    pub(crate) pooled: bool,
}

/// The SHA-256 of a component's bytes.
pub(crate) type Fingerprint = [u8; 32];

/// Code that is loaded, or that somebody is making and others wait for.
type Place = Arc<Mutex<Weak<Code>>>;

impl Code {
    /// Compiles a component, unless it is loaded already or `cache` has it. Of many callers that
    /// ask for one component at once, one compiles it.
    ///
    /// # Errors
    ///
    /// [`Compilation`](SurrealismError::Compilation) when it is no valid component, exports no
    /// `invoke`, or imports what no host of this ABI has.
    pub(crate) fn load(
        engines: &Engines,
        strict_timeout: bool,
        wasm: &[u8],
        cache: Option<&CodeCache>,
    ) -> SurrealismResult<(Arc<Self>, CodeSource)> {
        let fingerprint = Sha256::digest(wasm).into();
        let place = place(fingerprint, strict_timeout);
        let mut place = lock(&place);
        if let Some(code) = place.upgrade() {
            return Ok((code, CodeSource::Shared));
        }
        let linked = || engines.for_module(strict_timeout);
        let (code, source) = match linked().find_map(|at| Self::kept(at, cache?, &fingerprint)) {
            Some(code) => (code, CodeSource::Cache),
            None => {
                let code = Self::compile(linked(), wasm, cache, &fingerprint)
                    .map_err(SurrealismError::Compilation)?;
                (code, CodeSource::Compiled)
            }
        };
        let code = Arc::new(code);
        *place = Arc::downgrade(&code);
        Ok((code, source))
    }

    fn kept(linked: &Linked, cache: &CodeCache, fingerprint: &Fingerprint) -> Option<Self> {
        Self::link(linked, &cache.get(linked.engine(), fingerprint)?).ok()
    }

    /// With the first engine that takes the component: the pool has limits of its own.
    fn compile<'e>(
        engines: impl Iterator<Item = &'e Linked>,
        wasm: &[u8],
        cache: Option<&CodeCache>,
        fingerprint: &Fingerprint,
    ) -> wasmtime::Result<Self> {
        let mut refusal = wasmtime::format_err!("there is no engine");
        for linked in engines {
            let component = match Component::from_binary(linked.engine(), wasm) {
                Ok(component) => component,
                Err(error) => {
                    refusal = error;
                    continue;
                }
            };
            let code = Self::link(linked, &component)?;
            if let Some(cache) = cache {
                cache.put(linked.engine(), fingerprint, &component);
            }
            return Ok(code);
        }
        Err(refusal)
    }

    fn link(linked: &Linked, component: &Component) -> wasmtime::Result<Self> {
        let pre = linked.linker.instantiate_pre(component)?;
        let guest = GuestIndices::of(&pre)?;
        Ok(Self { pre, guest, pooled: linked.pooled })
    }
}

fn place(fingerprint: Fingerprint, strict_timeout: bool) -> Place {
    type Places = HashMap<(Fingerprint, bool), Place>;
    static PLACES: LazyLock<Mutex<Places>> = LazyLock::new(Mutex::default);

    let mut places = lock(&PLACES);
    // Those that nobody waits at stay for as long as their code does.
    places.retain(|_, place| Arc::strong_count(place) > 1 || lock(place).strong_count() > 0);
    places.entry((fingerprint, strict_timeout)).or_default().clone()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
