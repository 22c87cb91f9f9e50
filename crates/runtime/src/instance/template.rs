//! What every instance of a module is made from.

use std::sync::Arc;

use surrealism_types::err::SurrealismResult;
use wasmtime::{AsContextMut, Store};

use super::trap::instantiation_error;
use crate::bindings::Guest;
use crate::compile::CompiledComponent;
use crate::deadline::{Deadline, timeout_at};
use crate::host::InvocationContext;
use crate::module::Module;
use crate::process::Globals;
use crate::store::StoreData;

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
    /// [`Instantiation`](crate::SurrealismError::Instantiation) when the instance cannot be created,
    /// [`Timeout`](crate::SurrealismError::Timeout) when that takes too long.
    pub(crate) async fn instantiate(
        &self,
        context: Box<dyn InvocationContext>,
        deadline: Deadline,
    ) -> SurrealismResult<(Store<StoreData>, Guest)> {
        timeout_at(&self.globals.timers, deadline.at, self.instantiate_now(context))
            .await
            .map_err(|_| deadline.timeout_error())?
    }

    async fn instantiate_now(
        &self,
        context: Box<dyn InvocationContext>,
    ) -> SurrealismResult<(Store<StoreData>, Guest)> {
        let Self { module, component, .. } = self;
        let mut store = StoreData::new_store(component.pre.engine(), module.clone(), context)
            .map_err(|error| instantiation_error(error, module, None))?;
        if module.strict_timeout() {
            set_epoch_yield(&mut store);
        }
        let instance = component.pre.instantiate_async(&mut store).await;
        let guest =
            instance.and_then(|instance| Guest::new(&mut store, &instance, &component.exports));
        match guest {
            Ok(guest) => Ok((store, guest)),
            Err(error) => Err(instantiation_error(error, module, Some(store.data()))),
        }
    }
}

/// Makes the guest yield to other tasks of its thread on every tick.
fn set_epoch_yield(store: &mut Store<StoreData>) {
    store.as_context_mut().epoch_deadline_async_yield_and_update(1);
    store.set_epoch_deadline(1);
}
