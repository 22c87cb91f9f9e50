//! Compiled code, shared by all modules of the same bytes.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, InstancePre};

use crate::bindings::GuestIndices;
use crate::compile::preinit::eligibility::exports_init;
use crate::compile::preinit::{CaptureLimits, Refused, capture};
use crate::compile::cache::CodeCache;
use crate::compile::engine::{Engines, Linked};
use crate::store::StoreData;
use crate::usage::CodeSource;
use crate::{SurrealismError, SurrealismResult};

/// A component, compiled and linked.
pub(crate) struct Code {
    pub(crate) pre: InstancePre<StoreData>,
    pub(crate) guest: GuestIndices,
    /// Whether its instances live in the process's pool.
    pub(crate) pooled: bool,
    /// Whether its instances begin with the outcome of `init`.
    pub(crate) captured: bool,
}

/// The SHA-256 of a component's bytes, or of what else code is made of.
pub(crate) type Fingerprint = [u8; 32];

/// Code that is loaded, or that somebody is making and others wait for.
type Place = Arc<Mutex<Weak<Code>>>;

/// Code, and where it came from.
type Loaded = SurrealismResult<(Arc<Code>, CodeSource)>;

/// How a component is loaded.
#[derive(Clone, Copy)]
pub(crate) struct Loader<'a> {
    pub(crate) engines: &'a Engines,
    pub(crate) strict_timeout: bool,
    pub(crate) cache: Option<&'a CodeCache>,
    /// Whether the outcome of `init` is to be captured, and within which limits.
    pub(crate) capture: Option<CaptureLimits>,
}

/// What code is made of, by its fingerprint: a component as it is, or with the outcome of its `init`.
#[derive(Clone, Copy)]
struct Form {
    fingerprint: Fingerprint,
    captured: bool,
}

impl Loader<'_> {
    /// Compiles a component, unless it is loaded already or the cache has it. Of many callers that
    /// ask for one component at once, one compiles it.
    ///
    /// # Errors
    ///
    /// [`Compilation`](SurrealismError::Compilation) when it is no valid component, exports no
    /// `invoke`, or imports what no host of this ABI has.
    pub(crate) fn load(self, wasm: &[u8]) -> Loaded {
        let plain = Form { fingerprint: Sha256::digest(wasm).into(), captured: false };
        match self.capture {
            Some(limits) if exports_init(wasm) => self.load_captured(plain, wasm, limits),
            _ => self.load_plain(plain, wasm),
        }
    }

    fn load_plain(self, form: Form, wasm: &[u8]) -> Loaded {
        self.once(form, || {
            let code = self.compile(form, wasm).map_err(SurrealismError::Compilation)?;
            Ok((Arc::new(code), CodeSource::Compiled))
        })
    }

    /// With the outcome of its `init`. Where that cannot be captured, the component as it is takes
    /// its place.
    fn load_captured(self, plain: Form, wasm: &[u8], limits: CaptureLimits) -> Loaded {
        let form = Form { fingerprint: limits.fingerprint(&plain.fingerprint), captured: true };
        let engine = self.engines.apart();
        self.once(form, || {
            if self.cache.is_some_and(|cache| cache.has_none(engine, &form.fingerprint)) {
                return self.load_plain(plain, wasm);
            }
            let captured = capture(engine, wasm, limits).and_then(|component| {
                self.compile(form, &component).map_err(|error| Refused::by(&error))
            });
            match captured {
                Ok(code) => Ok((Arc::new(code), CodeSource::Compiled)),
                Err(refused) => {
                    if let (Refused::Ever, Some(cache)) = (refused, self.cache) {
                        cache.put_none(engine, &form.fingerprint);
                    }
                    self.load_plain(plain, wasm)
                }
            }
        })
    }

    /// What is loaded, what the cache has, or what is made.
    fn once(self, form: Form, make: impl FnOnce() -> Loaded) -> Loaded {
        let place = place(form.fingerprint, self.strict_timeout);
        let mut place = lock(&place);
        if let Some(code) = place.upgrade() {
            return Ok((code, CodeSource::Shared));
        }
        let (code, source) = match self.kept(form) {
            Some(code) => (Arc::new(code), CodeSource::Cache),
            None => make()?,
        };
        *place = Arc::downgrade(&code);
        Ok((code, source))
    }

    fn kept(self, form: Form) -> Option<Code> {
        let cache = self.cache?;
        self.engines.for_module(self.strict_timeout).find_map(|linked| {
            form.link(linked, &cache.get(linked.engine(), &form.fingerprint)?).ok()
        })
    }

    /// With the first engine that takes the component: the pool has limits of its own.
    fn compile(self, form: Form, wasm: &[u8]) -> wasmtime::Result<Code> {
        let mut refusal = wasmtime::format_err!("there is no engine");
        for linked in self.engines.for_module(self.strict_timeout) {
            let component = match Component::from_binary(linked.engine(), wasm) {
                Ok(component) => component,
                Err(error) => {
                    refusal = error;
                    continue;
                }
            };
            let code = form.link(linked, &component)?;
            if let Some(cache) = self.cache {
                cache.put(linked.engine(), &form.fingerprint, &component);
            }
            return Ok(code);
        }
        Err(refusal)
    }
}

impl Form {
    fn link(self, linked: &Linked, component: &Component) -> wasmtime::Result<Code> {
        let pre = linked.linker.instantiate_pre(component)?;
        let guest = GuestIndices::of(&pre)?;
        let guest = if self.captured { guest.without_init() } else { guest };
        Ok(Code { pre, guest, pooled: linked.pooled, captured: self.captured })
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
