//! Files and directories that belong to this user, and that other users cannot change.
//!
//! A file is checked by its descriptor, so that what was checked is what is used.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// What no other user may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forbidden {
    /// To write.
    Write,
    /// To read and to write.
    ReadAndWrite,
}

/// Opens a regular file of this user. A FIFO, a device or a socket is an error, and does not block.
///
/// # Errors
///
/// With the kind [`PermissionDenied`](ErrorKind::PermissionDenied) when another user owns the file, or may do
/// what is `forbidden`; when it is not a regular file; and when it cannot be opened.
pub fn open_file(path: &Path, options: &mut OpenOptions, forbidden: Forbidden) -> Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "it is not a regular file: choose another",
        ));
    }
    check(&metadata, forbidden)?;
    Ok(file)
}

/// Creates a directory, and those above it that are missing, for this user alone, whatever the umask.
///
/// # Errors
///
/// When they cannot be created.
pub fn create_dir_all(directory: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Returns the path of a directory without symbolic links, which could be changed later.
///
/// # Errors
///
/// When another user owns the directory, may write to it, or could replace it: by owning a directory above
/// it, or by writing to one that is not sticky, as `/tmp` is.
pub fn canonical_dir(directory: &Path) -> Result<PathBuf> {
    let directory = directory.canonicalize()?;
    check(&fs::metadata(&directory)?, Forbidden::Write)?;
    for parent in directory.ancestors().skip(1) {
        check_parent(parent, &fs::metadata(parent)?)?;
    }
    Ok(directory)
}

#[cfg(unix)]
fn check(metadata: &Metadata, forbidden: Forbidden) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    let (owner, me, mode) = (metadata.uid(), current_user(), metadata.mode() & 0o777);
    let (bits, what, right) = match forbidden {
        Forbidden::Write => (0o022, "write to it", "go-w"),
        Forbidden::ReadAndWrite => (0o077, "read or write it", "go-rwx"),
    };
    if owner != me {
        let reason = format!("it belongs to user {owner}, and this is user {me}: choose another");
        return Err(Error::new(ErrorKind::PermissionDenied, reason));
    }
    if mode & bits != 0 {
        let reason = format!(
            "others may {what} (its mode is {mode:o}): take the right away with `chmod {right}`"
        );
        return Err(Error::new(ErrorKind::PermissionDenied, reason));
    }
    Ok(())
}

/// Refuses a directory whose entries another user could replace.
#[cfg(unix)]
fn check_parent(parent: &Path, metadata: &Metadata) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    const ROOT: u32 = 0;
    const STICKY: u32 = 0o1000;

    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    let reason = if owner != ROOT && owner != current_user() {
        format!("the directory {} above it belongs to user {owner}", parent.display())
    } else if mode & 0o022 != 0 && mode & STICKY == 0 {
        format!("others may write to the directory {} above it (mode {mode:o})", parent.display())
    } else {
        return Ok(());
    };
    Err(Error::new(
        ErrorKind::PermissionDenied,
        format!("{reason}, and could replace it: choose another"),
    ))
}

#[cfg(unix)]
fn current_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Elsewhere, the files and directories of a user's profile are private by default.
#[cfg(not(unix))]
fn check(_: &Metadata, _: Forbidden) -> Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn check_parent(_: &Path, _: &Metadata) -> Result<()> {
    Ok(())
}
