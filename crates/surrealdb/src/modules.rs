//! The modules of a host, by the names under which they call each other.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use surrealism_runtime::{KVStore, Runtime};

use crate::function::is_word;

/// The modules of a host, by name. A guest whose `allow_functions` admits it reaches the function
/// `math::add` of the module `text` as `mod::text::math::add`, and its default function as `mod::text`.
///
/// Clones share the registry. ModuleRegistry come, go and are replaced while calls are under way: a call that
/// has begun ends with what it began with.
#[derive(Clone, Default)]
pub struct ModuleRegistry(Arc<RwLock<BTreeMap<String, Module>>>);

/// A loaded module and what is lent to every call of it.
#[derive(Clone)]
pub struct Module {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) kv: Arc<dyn KVStore>,
}

/// A name under which no module can be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name of a module: letters, digits and `_` are one, and a digit does not come first"
)]
pub struct InvalidModuleName(pub String);

impl Module {
    /// A module with its [own store](Runtime::kv_store).
    pub fn new(runtime: Arc<Runtime>) -> Self {
        let kv = runtime.kv_store().clone();
        Self { runtime, kv }
    }

    /// Gives it another store, such as one that lasts.
    pub fn kv(mut self, store: Arc<dyn KVStore>) -> Self {
        self.kv = store;
        self
    }

    /// What was loaded.
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
    /// A registry with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a module in, and gives the one that had its name before.
    ///
    /// # Errors
    ///
    /// When it could not be called by that name.
    pub fn add(
        &self,
        name: &str,
        module: impl Into<Module>,
    ) -> Result<Option<Module>, InvalidModuleName> {
        if !is_word(name) {
            return Err(InvalidModuleName(name.to_string()));
        }
        Ok(self.write().insert(name.to_string(), module.into()))
    }

    /// Takes a module out. Calls of it that have begun go on.
    pub fn remove(&self, name: &str) -> Option<Module> {
        self.write().remove(name)
    }

    /// The module of a name.
    pub fn get(&self, name: &str) -> Option<Module> {
        self.read().get(name).cloned()
    }

    /// All names, in order.
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
