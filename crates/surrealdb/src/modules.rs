//! The registry of modules that call each other.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use surrealism_runtime::{KVStore, Runtime, near_names};

use crate::function::is_identifier;

/// The modules of a host, by the names under which they call each other.
///
/// A guest calls the function `math::add` of the module `text` as `mod::text::math::add`, and its default
/// function as `mod::text`, if its own `allow_functions` admits that.
///
/// Clones share the registry. Modules can be added, removed and replaced while calls run: a call finishes
/// with the module that it started with.
#[derive(Clone, Default)]
pub struct ModuleRegistry(Arc<RwLock<BTreeMap<String, Module>>>);

/// A loaded module, and the key-value store of its calls.
#[derive(Clone)]
pub struct Module {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) kv: Arc<dyn KVStore>,
}

/// A name that modules cannot be called by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the module name {0:?} is invalid: use letters, digits and `_`, not starting with a digit")]
pub struct InvalidModuleName(pub String);

impl Module {
    /// Returns a module with its [own store](Runtime::kv_store), which is in memory.
    pub fn new(runtime: Arc<Runtime>) -> Self {
        let kv = runtime.kv_store().clone();
        Self { runtime, kv }
    }

    /// Replaces the store, for example by a persistent one.
    pub fn kv(mut self, store: Arc<dyn KVStore>) -> Self {
        self.kv = store;
        self
    }

    /// Returns the loaded module.
    pub fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }
}

impl From<Arc<Runtime>> for Module {
    fn from(runtime: Arc<Runtime>) -> Self {
        Self::new(runtime)
    }
}

impl From<&Arc<Runtime>> for Module {
    fn from(runtime: &Arc<Runtime>) -> Self {
        Self::new(runtime.clone())
    }
}

impl From<&Module> for Module {
    fn from(module: &Module) -> Self {
        module.clone()
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("runtime", &self.runtime).finish_non_exhaustive()
    }
}

impl ModuleRegistry {
    /// Returns an empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a module, and returns the one that had the name before.
    ///
    /// # Errors
    ///
    /// [`InvalidModuleName`] for a name that `mod::NAME` cannot contain.
    pub fn add(
        &self,
        name: &str,
        module: impl Into<Module>,
    ) -> Result<Option<Module>, InvalidModuleName> {
        if !is_identifier(name) {
            return Err(InvalidModuleName(name.to_string()));
        }
        Ok(self.write().insert(name.to_string(), module.into()))
    }

    /// Adds a module in place of the one that has the name. New calls go to the new module, and calls under
    /// way end on the old one, whose instances are dropped when they do.
    ///
    /// Waits for those calls, at most for `patience`, and returns how many had not ended.
    ///
    /// # Errors
    ///
    /// [`InvalidModuleName`] for a name that `mod::NAME` cannot contain.
    pub async fn replace(
        &self,
        name: &str,
        module: impl Into<Module>,
        patience: Duration,
    ) -> Result<usize, InvalidModuleName> {
        let module = module.into();
        let new = module.runtime.clone();
        match self.add(name, module)? {
            Some(old) if !Arc::ptr_eq(&old.runtime, &new) => Ok(old.runtime.drain(patience).await),
            _ => Ok(0),
        }
    }

    /// Returns the names that resemble one, best first: what its writer may have meant.
    pub fn near(&self, name: &str) -> Vec<String> {
        near_names(name, self.names().iter().map(String::as_str))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// Removes a module and returns it. Its running calls continue.
    pub fn remove(&self, name: &str) -> Option<Module> {
        self.write().remove(name)
    }

    /// Returns the module of a name.
    pub fn get(&self, name: &str) -> Option<Module> {
        self.read().get(name).cloned()
    }

    /// Returns all names, in alphabetical order.
    pub fn names(&self) -> Vec<String> {
        self.read().keys().cloned().collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Module>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Module>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ModuleRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
