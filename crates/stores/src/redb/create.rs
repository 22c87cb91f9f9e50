//! Opens the file of a database, or creates it.
//!
//! A new file is made beside its place and renamed, since redb does not open one whose first commit was
//! interrupted.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Result as IoResult};
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Database, StorageBackend};
use surrealism_runtime::limits::STALE_TEMP_FILE_AGE;
use surrealism_runtime::private::{self, Forbidden};

use super::error::{file_error, open_error};
use crate::OpenError;
use crate::limits::REDB_CACHE_BYTES;

/// Opens the file, or creates it.
pub(super) fn open(path: &Path) -> Result<Database, OpenError> {
    remove_unfinished(path);
    let missing = match open_existing(path) {
        Err(OpenError::Io { path, source }) if source.kind() == ErrorKind::NotFound => {
            OpenError::Io { path, source }
        }
        result => return result,
    };
    match create(path) {
        // Another process was faster.
        Err(OpenError::Io { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {
            open_existing(path)
        }
        // The directory is missing as well.
        Err(OpenError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Err(missing),
        result => result,
    }
}

/// Opens the database on a backend, and initializes it if the backend is empty.
pub(super) fn open_backend(
    path: &Path,
    backend: impl StorageBackend,
) -> Result<Database, OpenError> {
    Database::builder()
        .set_cache_size(REDB_CACHE_BYTES)
        .set_check_integrity_on_open(true)
        .create_with_backend(backend)
        .map_err(|error| open_error(path, error))
}

fn open_existing(path: &Path) -> Result<Database, OpenError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    let file =
        private::open_file(path, &mut options, Forbidden::ReadAndWrite).map_err(|error| {
            // An error of the operating system has a number, and one of the check does not.
            if error.kind() == ErrorKind::PermissionDenied && error.raw_os_error().is_none() {
                return OpenError::NotPrivate {
                    path: path.to_path_buf(),
                    reason: error.to_string(),
                };
            }
            file_error(path, error)
        })?;
    let is_empty = file.metadata().map_err(|error| file_error(path, error))?.len() == 0;
    let backend = FileBackend::new(file).map_err(|error| open_error(path, error))?;
    if is_empty {
        // It may have lost its contents, and initializing it here could be interrupted.
        let source = Error::new(ErrorKind::UnexpectedEof, "it is empty").into();
        return Err(OpenError::Damaged { path: path.to_path_buf(), source });
    }
    open_backend(path, backend)
}

fn create(path: &Path) -> Result<Database, OpenError> {
    let failed = |error| file_error(path, without_temporary_path(error));
    let directory = parent(path);
    let unfinished =
        tempfile::Builder::new().prefix(&unfinished_prefix(path)).tempfile_in(directory);
    let (file, unfinished) = unfinished.map_err(failed)?.into_parts();
    let backend = FileBackend::new(file).map_err(|error| open_error(path, error))?;
    let database = open_backend(path, backend)?;
    unfinished.persist_noclobber(path).map_err(|error| failed(error.error))?;
    flush_directory(directory).map_err(failed)?;
    Ok(database)
}

/// Removes the name of a temporary file from an error, since it says nothing to a user.
fn without_temporary_path(error: Error) -> Error {
    if error.raw_os_error().is_some() { error } else { error.kind().into() }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn unfinished_prefix(path: &Path) -> String {
    format!(".{}.unfinished-", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Removes what killed processes left when they created this file. The next opening tries what fails.
fn remove_unfinished(path: &Path) {
    let prefix = unfinished_prefix(path);
    let Ok(entries) = fs::read_dir(parent(path)) else { return };
    for entry in entries.flatten() {
        let is_unfinished =
            entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix));
        let is_stale = || entry.metadata()?.modified()?.elapsed().map_err(Error::other);
        if is_unfinished && is_stale().is_ok_and(|age| age > STALE_TEMP_FILE_AGE) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes the name of a new file as durable as its contents.
fn flush_directory(directory: &Path) -> IoResult<()> {
    // Elsewhere, directories cannot be opened.
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}
