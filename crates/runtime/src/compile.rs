//! Compiled components, shared by all modules with the same bytes.

pub(crate) mod admission;
pub(crate) mod background;
pub(crate) mod budget;
pub(crate) mod cache;
pub(crate) mod engine;
pub(crate) mod engine_config;
mod fingerprint;
pub(crate) mod places;
pub(crate) mod preinit;
mod workers;

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, Weak};
use std::time::Instant;

use surrealism_types::err::{SurrealismError, SurrealismResult};
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre};

use self::admission::Refusal;
use self::budget::CompileBudget;
use self::cache::CodeCache;
use self::engine::{Engines, LinkedEngine};
use self::fingerprint::{Fingerprint, fingerprint};
use self::places::ModulePlaces;
use self::preinit::{PreinitError, PreinitLimits, exports_init, preinitialize};
use crate::bindings::GuestIndices;
use crate::observer::EventKind;
use crate::package::file_tree::FileTree;
use crate::store::StoreData;
use crate::sync::lock;
use crate::unwind::discard;
use crate::usage::CodeSource;

/// A component, compiled and linked.
pub(crate) struct CompiledComponent {
    pub(crate) code: LinkedCode,
    /// The same code without the pool, made when an instance gets no place in it.
    overflow: OnceLock<LinkedCode>,
    /// The places of the pool that its instances hold.
    pub(crate) places: ModulePlaces,
    /// Whether its instances are allocated in the process's pool.
    pub(crate) pooled: bool,
    /// Whether its instances begin with the state after `init`.
    pub(crate) preinitialized: bool,
}

/// Code that was linked for one engine.
pub(crate) struct LinkedCode {
    pub(crate) pre: InstancePre<StoreData>,
    pub(crate) exports: GuestIndices,
}

impl LinkedCode {
    fn new(
        linked: &LinkedEngine,
        component: &Component,
        preinitialized: bool,
    ) -> wasmtime::Result<Self> {
        let pre = linked.linker.instantiate_pre(component)?;
        let exports = GuestIndices::new(&pre)?;
        let exports = match preinitialized {
            true => exports.without_init(),
            false => exports.without_accept_root(),
        };
        Ok(Self { pre, exports })
    }
}

impl LinkedCode {
    /// Links the code for an instance whose call has a tape.
    ///
    /// # Errors
    ///
    /// When the linker refuses it.
    pub(crate) fn link_for_tape(&self) -> wasmtime::Result<InstancePre<StoreData>> {
        let linked = LinkedEngine::for_tape(self.pre.engine())?;
        linked.linker.instantiate_pre(self.pre.component())
    }
}

impl CompiledComponent {
    /// Returns the code of a pooled component for instances outside of the pool.
    ///
    /// # Errors
    ///
    /// When the first call cannot copy it.
    pub(crate) fn overflow(&self, engines: &Engines) -> wasmtime::Result<&LinkedCode> {
        if let Some(code) = self.overflow.get() {
            return Ok(code);
        }
        let linked = engines.overflow()?;
        let component = cache::copy(self.code.pre.component(), linked.engine())?;
        let code = LinkedCode::new(linked, &component, self.preinitialized)?;
        Ok(self.overflow.get_or_init(|| code))
    }
}

/// The component of one variant: loaded, or being loaded by the caller that holds the lock.
type Slot = Arc<Mutex<Weak<CompiledComponent>>>;

type LoadResult = SurrealismResult<(Arc<CompiledComponent>, CodeSource)>;

/// What observers are told of a load once it has ended.
pub(crate) type Journal = RefCell<Vec<EventKind<'static>>>;

/// How a component is loaded.
#[derive(Clone, Copy)]
pub(crate) struct Loader<'a> {
    pub(crate) engines: &'a Engines,
    pub(crate) strict_timeout: bool,
    pub(crate) cache: Option<&'a CodeCache>,
    pub(crate) budget: &'a CompileBudget<'a>,
    /// The attached files, which `init` may read.
    pub(crate) files: Option<&'a Arc<FileTree>>,
    /// The limits of pre-initialization; `None` turns it off.
    pub(crate) preinit: Option<PreinitLimits>,
    pub(crate) journal: &'a Journal,
}

/// A component as it is, or with the state after its `init`, and the fingerprint of that.
#[derive(Clone, Copy)]
enum Variant {
    Original(Fingerprint),
    Preinitialized(Fingerprint),
}

impl Loader<'_> {
    /// Compiles a component, unless it is loaded already or the cache has it. Of concurrent callers
    /// with the same component, one compiles it and the others wait.
    ///
    /// # Errors
    ///
    /// [`Compilation`](SurrealismError::Compilation) when the component is not valid, exports no
    /// `invoke`, or imports what the host's interface does not have.
    pub(crate) fn load(self, wasm: &[u8]) -> LoadResult {
        let original = Variant::Original(fingerprint(wasm));
        match self.preinit {
            Some(limits) if exports_init(wasm) => self.load_preinitialized(original, wasm, limits),
            _ => self.load_original(original, wasm),
        }
    }

    fn load_original(self, variant: Variant, wasm: &[u8]) -> LoadResult {
        self.get_or_load(variant, || {
            let compiled = self.compile(variant, wasm).map_err(SurrealismError::Compilation)?;
            Ok((Arc::new(compiled), CodeSource::Compiled))
        })
    }

    /// Falls back to the original where the component cannot be pre-initialized.
    fn load_preinitialized(
        self,
        original: Variant,
        wasm: &[u8],
        limits: PreinitLimits,
    ) -> LoadResult {
        let files = self.files.map(Arc::as_ref);
        let variant = Variant::Preinitialized(limits.fingerprint(original.fingerprint(), files));
        let engine = self.engines.on_demand();
        let fingerprint = variant.fingerprint();
        self.get_or_load(variant, || {
            if self.cache.is_some_and(|cache| cache.has_negative_entry(engine, fingerprint)) {
                return self.load_original(original, wasm);
            }
            let attempt = self.budget.reserving(wasm, || {
                let component = preinitialize(self, wasm, limits)?;
                self.compile(variant, &component).map_err(|error| PreinitError::from_error(&error))
            });
            match attempt.map_err(|refusal| SurrealismError::Compilation(refusal.into()))? {
                Ok(compiled) => Ok((Arc::new(compiled), CodeSource::Compiled)),
                Err(error) => {
                    if let (PreinitError::Unsupported, Some(cache)) = (error, self.cache) {
                        cache.put_negative_entry(engine, fingerprint);
                    }
                    self.load_original(original, wasm)
                }
            }
        })
    }

    /// Returns the component that is loaded, or that the cache has, or that `load` makes.
    fn get_or_load(self, variant: Variant, load: impl FnOnce() -> LoadResult) -> LoadResult {
        let slot = slot(*variant.fingerprint(), self.strict_timeout);
        let mut slot = lock(&slot);
        if let Some(compiled) = slot.upgrade() {
            return Ok((compiled, CodeSource::Shared));
        }
        let (compiled, source) = match self.load_cached(variant) {
            Some(compiled) => (Arc::new(compiled), CodeSource::Cache),
            None => load()?,
        };
        *slot = Arc::downgrade(&compiled);
        Ok((compiled, source))
    }

    fn load_cached(self, variant: Variant) -> Option<CompiledComponent> {
        let cache = self.cache?;
        let cached = self.engines.for_module(self.strict_timeout).find_map(|linked| {
            variant.link(linked, &cache.get(linked.engine(), variant.fingerprint())?).ok()
        });
        self.note(EventKind::CacheLookup { hit: cached.is_some() });
        cached
    }

    fn note(self, step: EventKind<'static>) {
        self.journal.borrow_mut().push(step);
    }

    /// Compiles for an engine, within the limits.
    fn compile_for(self, engine: &Engine, wasm: &[u8]) -> wasmtime::Result<Component> {
        self.budget.charge(wasm)?;
        // wasmtime asserts what it takes for granted, so an untrusted component could panic the host. What it
        // was compiling is dropped.
        let compile = AssertUnwindSafe(|| Component::from_binary(engine, wasm));
        let started = Instant::now();
        let compiled = self.engines.workers.run(|| catch_unwind(compile)).unwrap_or_else(|panic| {
            discard(panic);
            Err(wasmtime::format_err!(
                "the compiler does not support this component; leave out what other plugins do not use"
            ))
        });
        let accepted = compiled.is_ok();
        self.note(EventKind::Compiled { took: started.elapsed(), accepted });
        compiled
    }

    /// Compiles with the first engine that accepts the component: the pool has limits of its own.
    fn compile(self, variant: Variant, wasm: &[u8]) -> wasmtime::Result<CompiledComponent> {
        let mut rejection = wasmtime::format_err!("no engine can run it");
        for linked in self.engines.for_module(self.strict_timeout) {
            let component = match self.compile_for(linked.engine(), wasm) {
                Ok(component) => component,
                Err(error) if error.is::<Refusal>() => return Err(error),
                Err(error) => {
                    rejection = error;
                    continue;
                }
            };
            let compiled = variant.link(linked, &component)?;
            if let Some(cache) = self.cache {
                let entries = cache.put(linked.engine(), variant.fingerprint(), &component);
                if entries > 0 {
                    self.note(EventKind::CacheEvicted { entries });
                }
            }
            return Ok(compiled);
        }
        Err(rejection)
    }
}

impl Variant {
    fn fingerprint(&self) -> &Fingerprint {
        match self {
            Self::Original(fingerprint) | Self::Preinitialized(fingerprint) => fingerprint,
        }
    }

    fn link(
        self,
        linked: &LinkedEngine,
        component: &Component,
    ) -> wasmtime::Result<CompiledComponent> {
        let preinitialized = matches!(self, Self::Preinitialized(_));
        Ok(CompiledComponent {
            code: LinkedCode::new(linked, component, preinitialized)?,
            overflow: OnceLock::new(),
            places: ModulePlaces::default(),
            pooled: linked.pooled,
            preinitialized,
        })
    }
}

fn slot(fingerprint: Fingerprint, strict_timeout: bool) -> Slot {
    type Slots = HashMap<(Fingerprint, bool), Slot>;
    static SLOTS: LazyLock<Mutex<Slots>> = LazyLock::new(Mutex::default);

    let mut slots = lock(&SLOTS);
    // A slot stays while a caller loads it, and then for as long as its component is in use.
    slots.retain(|_, slot| Arc::strong_count(slot) > 1 || lock(slot).strong_count() > 0);
    slots.entry((fingerprint, strict_timeout)).or_default().clone()
}
