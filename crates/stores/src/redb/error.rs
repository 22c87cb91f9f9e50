//! Turns errors of redb into those of this crate.

use std::io::{self, ErrorKind};
use std::path::Path;

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};

use crate::error::{OpenError, StoreError};

/// Returns why the operating system does not open a file.
pub(super) fn file_error(path: &Path, source: io::Error) -> OpenError {
    let path = path.to_path_buf();
    match source.kind() {
        ErrorKind::PermissionDenied => OpenError::PermissionDenied { path, source },
        _ => OpenError::Io { path, source },
    }
}

/// Returns why redb does not open a file.
pub(super) fn open_error(path: &Path, error: DatabaseError) -> OpenError {
    let path_buf = path.to_path_buf();
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::Locked { path: path_buf },
        // redb reports with `InvalidData` that a file is not its own.
        DatabaseError::Storage(StorageError::Io(error))
            if error.kind() != ErrorKind::InvalidData =>
        {
            file_error(path, error)
        }
        DatabaseError::UpgradeRequired(_) | DatabaseError::LockProtocolMismatch => {
            OpenError::IncompatibleVersion { path: path_buf, source: error.into() }
        }
        error => OpenError::Damaged { path: path_buf, source: error.into() },
    }
}

/// Why a transaction failed.
#[derive(Debug)]
pub(super) enum TransactionFailure {
    Redb(redb::Error),
    Rejected(anyhow::Error),
}

impl TransactionFailure {
    /// Adds the file that it happened in.
    pub(super) fn at(self, path: &Path) -> StoreError {
        let error = match self {
            Self::Rejected(error) => return StoreError::Rejected(error),
            Self::Redb(error) => error,
        };
        let path = path.to_path_buf();
        match error {
            redb::Error::Io(ref io) if io.kind() == ErrorKind::StorageFull => {
                StoreError::DiskFull { path, source: error.into() }
            }
            redb::Error::PreviousIo | redb::Error::DatabaseClosed => StoreError::Closed { path },
            redb::Error::Corrupted(_) | redb::Error::TableTypeMismatch { .. } => {
                StoreError::Damaged { path, source: error.into() }
            }
            error => StoreError::File { path, source: error.into() },
        }
    }
}

impl From<anyhow::Error> for TransactionFailure {
    fn from(error: anyhow::Error) -> Self {
        Self::Rejected(error)
    }
}

macro_rules! from_redb {
    ($($error:ty)*) => {$(
        impl From<$error> for TransactionFailure {
            fn from(error: $error) -> Self {
                Self::Redb(error.into())
            }
        }
    )*};
}

from_redb! { StorageError TableError TransactionError CommitError }

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures::executor::block_on;
    use redb::StorageBackend;
    use redb::backends::InMemoryBackend;
    use surrealdb_types::SurrealValue;
    use surrealism_runtime::KVStore;
    use surrealism_runtime::limits::KvLimits;

    use crate::{RedbDatabase, StoreError};

    /// A disk with a capacity in bytes.
    #[derive(Debug)]
    struct Disk(InMemoryBackend, Arc<AtomicU64>);

    impl StorageBackend for Disk {
        fn len(&self) -> io::Result<u64> {
            self.0.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.0.read(offset, out)
        }
        fn set_len(&self, len: u64) -> io::Result<()> {
            if len > self.1.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.set_len(len)
        }
        fn sync_data(&self) -> io::Result<()> {
            self.0.sync_data()
        }
        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.0.write(offset, data)
        }
    }

    #[test]
    fn a_full_disk_is_reported_and_closes_the_file() {
        let capacity = Arc::new(AtomicU64::new(u64::MAX));
        let disk = Disk(InMemoryBackend::new(), capacity.clone());
        let database = RedbDatabase::open_backend("kv.redb".into(), disk).unwrap();
        let store = database.module("acme/a", KvLimits::default()).unwrap();
        let value = "x".repeat(1 << 20).into_value();
        block_on(store.set("a".into(), value.clone())).unwrap();

        capacity.store(0, Ordering::Relaxed);
        let set = |key: u8| block_on(store.set(key.to_string(), value.clone()));
        let error = (0..100).find_map(|key| set(key).err()).expect("the disk is full");
        assert!(matches!(error.downcast_ref(), Some(StoreError::DiskFull { .. })), "{error:?}");
        assert!(error.to_string().contains("no room for the key-value file kv.redb"), "{error}");

        capacity.store(u64::MAX, Ordering::Relaxed);
        let error = set(0).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(StoreError::Closed { .. })), "{error:?}");
        assert!(error.to_string().contains("the host has to reopen it"), "{error}");
    }
}
