//! Writes an archive.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Seek, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::file_tree::{FileTree, Node};
use super::target::Target;
use super::{
    DEFAULT_MAX_FS_BYTES, SurrealismPackage, UnpackOptions, check_component, check_logo, reader,
};
use crate::limits::ArchiveLimits;

/// Packs more slowly than the default level, unpacks as fast, and is a tenth smaller.
const ZSTD_LEVEL: i32 = 19;

/// Where attached files are in an archive.
const ATTACHED: &str = "surrealism/fs";

/// Writes the archive to a temporary file first, so that the target is never incomplete or unreadable.
pub(super) fn to_file(
    package: &SurrealismPackage,
    target: &Path,
    fs_dir: Option<&Path>,
) -> Result<()> {
    let target = Target::open(target)?;
    let mut file = target.temporary_file()?;
    to_writer(package, file.as_file_mut(), fs_dir)?;
    check_readable(file.as_file_mut())?;
    target.fill(file)
}

/// Checks that the archive can be read.
fn check_readable(file: &mut File) -> Result<()> {
    file.rewind()?;
    let (opts, limits) = (UnpackOptions::default(), ArchiveLimits::default());
    reader::package(BufReader::new(file), &opts, &limits)
        .context("the written archive fails validation")?;
    Ok(())
}

fn to_writer(package: &SurrealismPackage, writer: impl Write, fs_dir: Option<&Path>) -> Result<()> {
    let limits = ArchiveLimits::default();
    check_component(&package.wasm)?;
    let mut archive = Archive {
        tar: tar::Builder::new(zstd::Encoder::new(writer, ZSTD_LEVEL)?),
        entries: 0,
        fs_bytes_left: DEFAULT_MAX_FS_BYTES,
        limits,
    };
    archive.part("surrealism.toml", package.config.to_toml()?.as_bytes())?;
    archive.part("exports.toml", package.exports.to_toml()?.as_bytes())?;
    if let Some(logo) = &package.logo {
        check_logo(logo)?;
        archive.part("logo.png", logo)?;
    }
    ensure!(
        package.wasm.len() as u64 <= archive.limits.max_wasm_bytes,
        "the component takes {} bytes, and {} are allowed: make it smaller",
        package.wasm.len(),
        archive.limits.max_wasm_bytes
    );
    archive.part("mod.wasm", &package.wasm)?;
    match (fs_dir, &package.fs) {
        (Some(directory), _) => archive.directory(directory, ATTACHED)?,
        (None, Some(files)) => archive.tree(files.tree())?,
        (None, None) => {}
    }
    archive.tar.into_inner()?.finish()?.flush()?;
    Ok(())
}

struct Archive<W: Write> {
    tar: tar::Builder<zstd::Encoder<'static, W>>,
    entries: usize,
    fs_bytes_left: u64,
    limits: ArchiveLimits,
}

impl<W: Write> Archive<W> {
    fn part(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.file(&format!("surrealism/{name}"), bytes.len() as u64, bytes)
    }

    fn file(&mut self, path: &str, size: u64, content: impl Read) -> Result<()> {
        self.count(path)?;
        let mut header = header(tar::EntryType::Regular, size);
        Ok(self.tar.append_data(&mut header, path, content)?)
    }

    /// Adds a directory and its content, ordered by name.
    fn directory(&mut self, directory: &Path, path: &str) -> Result<()> {
        self.directory_entry(path)?;
        let mut names = fs::read_dir(directory)
            .with_context(|| format!("cannot read the directory {}", directory.display()))?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<Result<Vec<_>>>()?;
        names.sort();
        for name in names {
            let file = directory.join(&name);
            let Some(name) = name.to_str() else {
                bail!("the file name {} is not UTF-8", file.display())
            };
            let path = format!("{path}/{name}");
            let kind = fs::symlink_metadata(&file)?.file_type();
            if kind.is_dir() {
                self.directory(&file, &path)?;
            } else if kind.is_file() {
                self.attached_file(&file, &path)?;
            } else {
                bail!(
                    "{} is neither a file nor a directory, and an archive may hold only those: \
                     replace it with a copy",
                    file.display()
                );
            }
        }
        Ok(())
    }

    fn directory_entry(&mut self, path: &str) -> Result<()> {
        self.count(path)?;
        let mut header = header(tar::EntryType::Directory, 0);
        Ok(self.tar.append_data(&mut header, format!("{path}/"), std::io::empty())?)
    }

    fn attached_file(&mut self, file: &Path, path: &str) -> Result<()> {
        let content =
            open_regular(file).with_context(|| format!("cannot read {}", file.display()))?;
        let size = content.metadata()?.len();
        self.attached(path, size, content)
    }

    /// Adds the files of a package, as [`directory`](Self::directory) would if they were unpacked.
    fn tree(&mut self, tree: &FileTree) -> Result<()> {
        self.directory_entry(ATTACHED)?;
        for (path, node) in tree.walk() {
            let path = format!("{ATTACHED}/{path}");
            match node {
                Node::Directory(_) => self.directory_entry(&path)?,
                Node::File(content) => self.attached(&path, content.len() as u64, &**content)?,
            }
        }
        Ok(())
    }

    fn attached(&mut self, path: &str, size: u64, content: impl Read) -> Result<()> {
        self.fs_bytes_left = self.fs_bytes_left.checked_sub(size).with_context(|| {
            format!(
                "the attached files take more than {DEFAULT_MAX_FS_BYTES} bytes, with {path:?} of {size}"
            )
        })?;
        self.file(path, size, content)
    }

    /// Checks the limits that reading checks.
    fn count(&mut self, path: &str) -> Result<()> {
        let limits = &self.limits;
        self.entries += 1;
        ensure!(
            self.entries <= limits.max_entries,
            "the archive would have more than {} entries: attach fewer files",
            limits.max_entries
        );
        ensure!(
            path.len() <= limits.max_path_bytes && path.split('/').count() <= limits.max_path_depth,
            "the path {path:?} is too long or too deep: {} bytes and {} levels are allowed",
            limits.max_path_bytes,
            limits.max_path_depth
        );
        Ok(())
    }
}

/// Opens a file that is neither a link nor a FIFO, whatever it was when its directory was read.
fn open_regular(file: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NOFOLLOW | libc::O_NONBLOCK,
    );
    let file = options.open(file)?;
    ensure!(file.metadata()?.is_file(), "it is not a regular file any more");
    Ok(file)
}

/// Returns a header without times and owners, so that the same package results in the same bytes.
fn header(entry_type: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(entry_type);
    header.set_size(size);
    header.set_mode(if entry_type.is_dir() { 0o755 } else { 0o644 });
    header.set_mtime(0);
    header
}
