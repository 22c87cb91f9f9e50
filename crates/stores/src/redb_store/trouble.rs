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
