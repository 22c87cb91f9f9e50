//! What every instance of a module is made from.

use std::pin::pin;
use std::sync::Arc;

use wasmtime::component::Instance;
use wasmtime::{AsContextMut, Store};

use super::trap::{instantiation_error, panic_error};
use crate::bindings::{Guest, GuestIndices};
use crate::compile::CompiledComponent;
use crate::compile::places::Place;
use crate::deadline::{Deadline, timeout_at};
use crate::error::Error;
use crate::module::Module;
use crate::process::{Globals, ensure_not_forked};
use crate::reactor::within;
use crate::store::StoreData;
use crate::tape::CallHost;
use crate::unwind::Guarded;
use crate::wasi::files::Files;

/// A module, its code, and the process that runs it.
pub(crate) struct Template {
    pub(crate) module: Arc<Module>,
    pub(crate) component: Arc<CompiledComponent>,
    pub(crate) globals: &'static Globals,
}

impl Template {
    /// Creates a store and an instance in it. `init` has not run.
    ///
    /// # Errors
    ///
    /// When the instance cannot be created, or that takes too long.
    pub(crate) async fn instantiate(
        &self,
        host: CallHost,
        deadline: Deadline,
    ) -> Result<Instantiated, Error> {
        ensure_not_forked()?;
        let instantiation = pin!(Some(self.instantiate_now(host)));
        let instantiation = Guarded::new(instantiation);
        match timeout_at(&self.globals.timers, deadline.at, instantiation).await {
            Ok(Ok(instantiated)) => instantiated,
            Ok(Err(panic)) => Err(panic_error(panic, "its instantiation", &self.module)),
            Err(_) => Err(deadline.timeout_error()),
        }
    }

    async fn instantiate_now(&self, host: CallHost) -> Result<Instantiated, Error> {
        let Self { module, component, globals } = self;
        let engines = &globals.engines;
        let place = if component.pooled { engines.places.take(&component.places) } else { None };
        let code = if component.pooled && place.is_none() {
            component.overflow(engines).map_err(|error| instantiation_error(error, module, None))?
        } else {
            &component.code
        };
        let (engine, timers) = (code.pre.engine(), &globals.timers);
        let for_tape = match host.tape {
            Some(_) => {
                Some(code.link_for_tape().map_err(|e| instantiation_error(e, module, None))?)
            }
            None => None,
        };
        let mut store = StoreData::new_store(engine, module.clone(), host, timers);
        if module.strict_timeout() {
            set_epoch_yield(&mut store);
        }
        store.data_mut().enter_reactor();
        let pre = for_tape.as_ref().unwrap_or(&code.pre);
        let instantiation = pre.instantiate_async(&mut store);
        let instance = within(module.reactor.as_ref(), instantiation).await;
        let guest = match instance {
            Ok(instance) => resume(&mut store, &instance, &code.exports).await,
            Err(error) => Err(error),
        };
        match guest {
            Ok(guest) => Ok(Instantiated { store, guest, place }),
            Err(error) => Err(instantiation_error(error, module, Some(store.data()))),
        }
    }
}

/// Resolves the exports of an instance, and gives it the handle that its snapshot counts on.
async fn resume(
    store: &mut Store<StoreData>,
    instance: &Instance,
    exports: &GuestIndices,
) -> wasmtime::Result<Guest> {
    let guest = Guest::new(&mut *store, instance, exports)?;
    if let Some(accept_root) = &guest.accept_root {
        let root = store.data_mut().files().open_root()?;
        accept_root.call_async(&mut *store, (root,)).await?;
    }
    Ok(guest)
}

/// An instance whose `init` has not run.
pub(crate) struct Instantiated {
    pub(crate) store: Store<StoreData>,
    pub(crate) guest: Guest,
    /// The instance's place in the process's pool, to be dropped after the instance.
    pub(crate) place: Option<Place>,
}

/// Makes the guest yield to other tasks of its thread on every tick.
fn set_epoch_yield(store: &mut Store<StoreData>) {
    store.as_context_mut().epoch_deadline_async_yield_and_update(1);
    store.set_epoch_deadline(1);
}
