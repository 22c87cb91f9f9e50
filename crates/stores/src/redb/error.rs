//! Turns errors of redb into those of this crate.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

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
    /// Shared by all writes of the transaction.
    Redb(Arc<redb::Error>),
    Rejected(anyhow::Error),
    /// The thread that committed it panicked.
    Interrupted,
}

impl TransactionFailure {
    /// Returns it for one more write of its transaction.
    pub(super) fn share(&self) -> Self {
        match self {
            Self::Redb(error) => Self::Redb(error.clone()),
            Self::Rejected(error) => Self::Rejected(anyhow::Error::msg(error.to_string())),
            Self::Interrupted => Self::Interrupted,
        }
    }

    /// Adds the file that it happened in.
    pub(super) fn at(self, path: &Path) -> StoreError {
        let path_buf = path.to_path_buf();
        match self {
            Self::Rejected(error) => StoreError::Rejected(error),
            Self::Redb(error) => redb_error(path, error),
            Self::Interrupted => {
                StoreError::File { path: path_buf, source: "its writer panicked".into() }
            }
        }
    }
}

fn redb_error(path: &Path, error: Arc<redb::Error>) -> StoreError {
    let path = path.to_path_buf();
    match &*error {
        redb::Error::Io(io) if is_disk_full(io) => {
            StoreError::DiskFull { path, source: error.into() }
        }
        redb::Error::PreviousIo | redb::Error::DatabaseClosed => StoreError::Closed { path },
        redb::Error::Corrupted(_) | redb::Error::TableTypeMismatch { .. } => {
            StoreError::Damaged { path, source: error.into() }
        }
        _ => StoreError::File { path, source: error.into() },
    }
}

/// Whether the disk is full, the user's quota is used up, or a file is at its limit.
fn is_disk_full(error: &io::Error) -> bool {
    use ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};

    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
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
                Self::Redb(Arc::new(error.into()))
            }
        }
    )*};
}

from_redb! { StorageError TableError TransactionError CommitError }

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use futures::executor::block_on;
    use surrealdb_types::SurrealValue;
    use surrealism_runtime::KVStore;
    use surrealism_runtime::limits::KvLimits;

    use super::super::disk::Disk;
    use crate::{RedbDatabase, StoreError};

    #[test]
    fn a_full_disk_is_reported_and_closes_the_file() {
        let disk = Disk::new();
        let database = RedbDatabase::on_backend("kv.redb", disk.clone());
        let store = database.module("acme/a", KvLimits::default()).unwrap();
        let value = "x".repeat(1 << 20).into_value();
        block_on(store.set("a".into(), value.clone())).unwrap();

        disk.capacity.store(0, Ordering::Relaxed);
        let set = |key: u8| block_on(store.set(key.to_string(), value.clone()));
        let error = (0..100).find_map(|key| set(key).err()).expect("the disk is full");
        assert!(matches!(error.downcast_ref(), Some(StoreError::DiskFull { .. })), "{error:?}");
        assert!(error.to_string().contains("no room for the key-value file kv.redb"), "{error}");

        disk.capacity.store(u64::MAX, Ordering::Relaxed);
        let error = set(0).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(StoreError::Closed { .. })), "{error:?}");
        assert!(error.to_string().contains("the host has to reopen it"), "{error}");
    }
}
