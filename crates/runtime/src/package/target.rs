//! The file, or what else there is, that an archive is written to.

use std::fs::{self, FileType, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Seek};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::{Builder, NamedTempFile};

/// What an archive is written to.
pub(super) enum Target {
    /// A file that does not exist, or is replaced and has these permissions.
    File(PathBuf, Option<Permissions>),
    /// A character device or a FIFO, which is written to.
    Stream(PathBuf),
}

impl Target {
    /// Finds out what has this path. A link leads to what it refers to, and stays.
    ///
    /// # Errors
    ///
    /// When it is a directory, a socket, a block device, or a link to nothing.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound && path.is_symlink() => {
                bail!("it is a link to nothing: create what it refers to, or remove it")
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Self::File(path.to_path_buf(), None));
            }
            Err(error) => return Err(error.into()),
        };
        if metadata.is_file() {
            // The name of the file itself, since a link to it is not replaced.
            return Ok(Self::File(path.canonicalize()?, Some(metadata.permissions())));
        }
        if is_stream(metadata.file_type()) {
            return Ok(Self::Stream(path.to_path_buf()));
        }
        bail!("it is neither a file nor a stream of bytes: choose another path")
    }

    /// Returns a temporary file: beside the file that it becomes, if it becomes one.
    pub(super) fn temporary_file(&self) -> io::Result<NamedTempFile> {
        let Self::File(path, replaced) = self else { return NamedTempFile::new() };
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        // A new file has the permissions that the umask leaves. One that replaces another begins private.
        #[cfg(unix)]
        if replaced.is_none() {
            let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
            return Builder::new().permissions(permissions).tempfile_in(directory);
        }
        let _ = replaced;
        Builder::new().tempfile_in(directory)
    }

    /// Moves or copies what was written.
    pub(super) fn fill(self, mut written: NamedTempFile) -> Result<()> {
        match self {
            Self::File(path, replaced) => {
                if let Some(permissions) = replaced {
                    written.as_file().set_permissions(without_special_bits(permissions))?;
                }
                written.as_file().sync_all()?;
                written.persist(path)?;
            }
            Self::Stream(path) => {
                let mut stream =
                    OpenOptions::new().write(true).open(path).context("cannot open it")?;
                written.as_file_mut().rewind()?;
                io::copy(written.as_file_mut(), &mut stream)?;
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn is_stream(kind: FileType) -> bool {
    use std::os::unix::fs::FileTypeExt;

    kind.is_char_device() || kind.is_fifo()
}

#[cfg(not(unix))]
fn is_stream(_: FileType) -> bool {
    false
}

/// A right to run as the owner of a file belongs to its old contents.
#[cfg(unix)]
fn without_special_bits(permissions: Permissions) -> Permissions {
    use std::os::unix::fs::PermissionsExt;

    Permissions::from_mode(permissions.mode() & 0o777)
}

#[cfg(not(unix))]
fn without_special_bits(permissions: Permissions) -> Permissions {
    permissions
}
