//! A store in a file, with the embedded database redb.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use surrealism_runtime::limits::KvLimits;

use self::file::File;
pub use self::store::RedbStore;
use crate::OpenError;
use crate::module_name::{check_module_name, check_owner};

mod create;
#[cfg(test)]
mod disk;
mod error;
mod file;
mod group_commit;
mod store;
mod tables;

/// A file with the stores of all modules of a host. Clones share it.
///
/// One process can have the file open at a time.
#[derive(Clone)]
pub struct RedbDatabase(Arc<File>);

impl RedbDatabase {
    /// Opens a file, or creates it with permissions for this user alone.
    ///
    /// This **blocks**: it checks the whole file, which takes about as long as reading it.
    ///
    /// ```no_run
    /// use surrealism_runtime::limits::KvLimits;
    /// use surrealism_stores::{OpenError, RedbDatabase, RedbStore};
    ///
    /// fn open() -> Result<RedbStore, OpenError> {
    ///     RedbDatabase::open("kv.redb")?.module("acme/hello", KvLimits::default())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OpenError::Locked`] when the file is open already, [`OpenError::NotPrivate`] when another user owns
    /// it or may read or write it, [`OpenError::PermissionDenied`] and [`OpenError::Io`] when it cannot be
    /// read and written, [`OpenError::Damaged`] when redb did not write it as it is,
    /// [`OpenError::IncompatibleVersion`] when another version of redb did.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let path = path.into();
        let database = create::open(&path)?;
        Ok(Self(Arc::new(File::new(path, database))))
    }

    /// Returns the store of a module, which is empty until something is set. Stores with the same name
    /// share their entries: the operator decides which modules get which name.
    ///
    /// # Errors
    ///
    /// [`OpenError::InvalidModuleName`] for a name that is empty, has more than
    /// [`MAX_MODULE_NAME_BYTES`](crate::limits::MAX_MODULE_NAME_BYTES), or contains braces or control
    /// characters.
    pub fn module(&self, name: &str, limits: KvLimits) -> Result<RedbStore, OpenError> {
        check_module_name(name)?;
        Ok(RedbStore::new(self.0.clone(), name.into(), limits))
    }

    /// Returns the store of a module whose name is not trusted, because it comes from the module's archive.
    /// The first `owner` that asks for a name has its store from then on, and every other is refused.
    ///
    /// An owner is a digest of what may have the store, such as that of a component. This **blocks** for as
    /// long as a write takes.
    ///
    /// # Errors
    ///
    /// Those of [`module`](Self::module), [`OpenError::OtherOwner`] when the store belongs to another owner,
    /// and [`OpenError::Store`] when the file cannot be read or written.
    pub fn owned_module(
        &self,
        name: &str,
        owner: [u8; 32],
        limits: KvLimits,
    ) -> Result<RedbStore, OpenError> {
        let store = self.module(name, limits)?;
        check_owner(name, owner, self.0.claim(name, owner)?)?;
        Ok(store)
    }

    /// Returns the path that the file was opened with.
    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

impl fmt::Debug for RedbDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbDatabase").field("path", &self.0.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl RedbDatabase {
    pub(crate) fn on_backend(path: &str, backend: impl redb::StorageBackend) -> Self {
        let path = PathBuf::from(path);
        let database = create::open_backend(&path, backend).unwrap();
        Self(Arc::new(File::new(path, database)))
    }
}
