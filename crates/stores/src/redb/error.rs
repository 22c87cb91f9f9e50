//! What goes wrong with a file, and what to do about it.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Error;
use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};

/// Why a file cannot be opened.
pub(super) fn opening(path: &Path, error: DatabaseError) -> Error {
    let path = path.display();
    let what = match &error {
        DatabaseError::DatabaseAlreadyOpen => format!(
            "the key-value file {path} is open already: one process opens it once; hosts that share \
             state use Redis"
        ),
        DatabaseError::Storage(StorageError::Io(io)) if io.kind() != ErrorKind::InvalidData => {
            format!("cannot open the key-value file {path}")
        }
        DatabaseError::Storage(StorageError::Io(_) | StorageError::Corrupted(_)) => format!(
            "the key-value file {path} is damaged, or no file of redb's: bring it back from a \
             backup, or move it away to begin anew"
        ),
        DatabaseError::UpgradeRequired(version) => format!(
            "the key-value file {path} has version {version} of redb's format, which is too old: \
             upgrade it with an older redb"
        ),
        _ => format!("cannot open the key-value file {path}"),
    };
    Error::new(error).context(what)
}

/// Says which file it was if it was the file; a refusal of the store's own has said all.
pub(super) fn using(path: &Path, error: Error) -> Error {
    let path = path.display();
    let what = match storage(&error) {
        None => return error,
        Some(StorageError::Io(io)) if io.kind() == ErrorKind::StorageFull => format!(
            "there is no room for the key-value file {path}: what was written is there as a whole or \
             not at all; make some room, and open the file again"
        ),
        Some(StorageError::Io(_)) => format!(
            "the key-value file {path} cannot be read or written: what was written is there as a \
             whole or not at all; mend the disk, and open the file again"
        ),
        Some(StorageError::PreviousIo) => format!(
            "the key-value file {path} is closed since the disk failed: the host has to open it again"
        ),
        Some(StorageError::Corrupted(_)) => {
            format!("the key-value file {path} is damaged: bring it back from a backup")
        }
        Some(_) => format!("the key-value file {path} cannot be used"),
    };
    error.context(what)
}

fn storage(error: &Error) -> Option<&StorageError> {
    error
        .downcast_ref::<StorageError>()
        .or_else(|| match error.downcast_ref()? {
            TableError::Storage(error) => Some(error),
            _ => None,
        })
        .or_else(|| match error.downcast_ref()? {
            TransactionError::Storage(error) => Some(error),
            _ => None,
        })
        .or_else(|| match error.downcast_ref()? {
            CommitError::Storage(error) => Some(error),
            _ => None,
        })
}

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

    use crate::RedbDatabase;

    /// A disk of so many bytes.
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
    fn a_full_disk_is_told() {
        let room = Arc::new(AtomicU64::new(u64::MAX));
        let disk = Disk(InMemoryBackend::new(), room.clone());
        let host = RedbDatabase::open_backend("kv.redb".into(), disk).unwrap();
        let store = host.module("acme/a", KvLimits::default()).unwrap();
        let value = "x".repeat(1 << 20).into_value();
        block_on(store.set("a".into(), value.clone())).unwrap();
        room.store(0, Ordering::Relaxed);
        let set = |key: u8| block_on(store.set(key.to_string(), value.clone()));
        let error = (0..100).find_map(|key| set(key).err()).expect("the disk is full");
        let told = error.to_string();
        assert!(told.contains("there is no room for the key-value file kv.redb"), "{told}");
        room.store(u64::MAX, Ordering::Relaxed);
        let told = set(0).unwrap_err().to_string();
        assert!(told.contains("the host has to open it again"), "{told}");
    }
}
