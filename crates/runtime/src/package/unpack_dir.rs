//! The temporary directories of attached files, and the removal of those that killed processes left.
//!
//! A directory in use is locked by its process. The kernel releases the lock when the process ends, however
//! it ends, and other processes then may remove the directory. A process id would not do: containers that
//! share a directory for temporary files do not share their process ids.

use std::path::{Path, PathBuf};
use std::sync::Once;
use std::{env, io};

use tempfile::TempDir;

use super::UnpackOptions;

/// What the names of these directories have between the caller's prefix and [`RANDOM_CHARS`] characters.
const MARK: &str = "unpacked-";
const RANDOM_CHARS: usize = 8;

/// A directory that only this user can enter, and that is removed on drop.
#[derive(Debug)]
pub(super) struct UnpackDir {
    directory: TempDir,
    /// Dropped after the directory.
    _lock: Option<lock::Lock>,
}

impl UnpackDir {
    /// Creates a directory, and removes those that killed processes left beside it.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub(super) fn create(base: Option<&Path>, prefix: &str) -> io::Result<Self> {
        const ATTEMPTS: usize = 16;

        let (base, prefix) = (base_or_default(base), format!("{prefix}{MARK}"));
        sweep(&base, &prefix);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).rand_bytes(RANDOM_CHARS);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        for _ in 0..ATTEMPTS {
            let directory = builder.tempdir_in(&base)?;
            match lock::lock(directory.path()) {
                Ok(lock) => return Ok(Self { directory, _lock: Some(lock) }),
                // Another process took it for one that was left, before it was locked.
                Err(lock::Failure::InUse) => {}
                // Without locks, no process removes what others left.
                Err(lock::Failure::Unsupported) => return Ok(Self { directory, _lock: None }),
            }
        }
        Err(io::Error::other(format!("other processes removed it, {ATTEMPTS} times")))
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Removes what killed processes left, once in this process.
pub(super) fn sweep_once(opts: &UnpackOptions<'_>) {
    static SWEEP: Once = Once::new();
    let prefix = format!("{}{MARK}", opts.temp_prefix);
    SWEEP.call_once(|| sweep(&base_or_default(opts.temp_base), &prefix));
}

fn base_or_default(base: Option<&Path>) -> PathBuf {
    base.map_or_else(env::temp_dir, Path::to_path_buf)
}

/// Removes the directories of this user that no process has locked. A failure is not an error: the next
/// start tries again.
fn sweep(base: &Path, prefix: &str) {
    let is_ours = |name: &str| {
        name.strip_prefix(prefix).is_some_and(|random| {
            random.len() == RANDOM_CHARS && random.chars().all(|c| c.is_ascii_alphanumeric())
        })
    };
    let Ok(entries) = base.read_dir() else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(is_ours)
            && let Ok(_lock) = lock::lock(&entry.path())
        {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(unix)]
mod lock {
    use std::fs::{self, File, Metadata, TryLockError};
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    /// A locked directory. The lock belongs to the open file, and not to the process, so that it also
    /// keeps other threads out.
    #[derive(Debug)]
    pub(super) struct Lock(#[allow(dead_code, reason = "held, and closed on drop")] File);

    pub(super) enum Failure {
        /// It is locked, was removed, or belongs to another user.
        InUse,
        /// The file system has no locks.
        Unsupported,
    }

    /// Locks a directory of this user.
    pub(super) fn lock(directory: &Path) -> Result<Lock, Failure> {
        let before = own_directory(directory).ok_or(Failure::InUse)?;
        let file = File::open(directory).map_err(|_| Failure::InUse)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Failure::InUse),
            Err(TryLockError::Error(_)) => return Err(Failure::Unsupported),
        }
        // The process that held the lock may have removed the directory, and another may have its name.
        let locked = file.metadata().map_err(|_| Failure::InUse)?;
        match own_directory(directory) {
            Some(now) if id(&now) == id(&locked) && id(&now) == id(&before) => Ok(Lock(file)),
            _ => Err(Failure::InUse),
        }
    }

    fn id(metadata: &Metadata) -> (u64, u64) {
        (metadata.dev(), metadata.ino())
    }

    fn own_directory(path: &Path) -> Option<Metadata> {
        let metadata = fs::symlink_metadata(path).ok()?;
        let me = rustix::process::geteuid().as_raw();
        (metadata.is_dir() && metadata.uid() == me).then_some(metadata)
    }
}

/// Elsewhere directories cannot be locked, and what a killed process left stays.
#[cfg(not(unix))]
mod lock {
    use std::path::Path;

    #[derive(Debug)]
    pub(super) struct Lock;

    pub(super) enum Failure {
        #[allow(dead_code, reason = "only where there are locks")]
        InUse,
        Unsupported,
    }

    pub(super) fn lock(_: &Path) -> Result<Lock, Failure> {
        Err(Failure::Unsupported)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    fn create(base: &Path) -> UnpackDir {
        UnpackDir::create(Some(base), "surrealism-").unwrap()
    }

    #[test]
    fn only_this_user_enters_the_directory() {
        use std::os::unix::fs::PermissionsExt;

        let base = tempfile::tempdir().unwrap();
        let directory = create(base.path());
        assert_eq!(directory.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn what_nobody_uses_is_swept_and_nothing_else() {
        let base = tempfile::tempdir().unwrap();
        let in_use = create(base.path());
        let left = base.path().join("surrealism-unpacked-abcd1234");
        fs::create_dir_all(left.join("notes")).unwrap();
        let others = [
            "surrealism-abc123",
            "surrealism-unpacked-abcd12345",
            "surrealism-unpacked-abcd-234",
            "other-unpacked-abcd1234",
        ];
        for other in others {
            fs::create_dir(base.path().join(other)).unwrap();
        }
        // Neither a link nor what it refers to.
        let link = base.path().join("surrealism-unpacked-linklink");
        std::os::unix::fs::symlink(base.path().join(others[0]), &link).unwrap();
        fs::write(base.path().join("surrealism-unpacked-filefile"), "").unwrap();

        let next = create(base.path());
        assert!(!left.exists());
        assert!(in_use.path().exists() && next.path().exists());
        assert!(others.iter().all(|other| base.path().join(other).exists()));
        assert!(link.symlink_metadata().is_ok());
        assert!(base.path().join("surrealism-unpacked-filefile").exists());

        drop((in_use, next));
        assert_eq!(base.path().read_dir().unwrap().count(), others.len() + 2);
    }
}
