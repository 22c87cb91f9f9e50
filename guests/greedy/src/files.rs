//! Attacks through `wasi:filesystem`.

use surrealism::anyhow::{self, Context};
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags,
};

use crate::{hoard, repeat, unknown, wasi_error};

pub(crate) fn attack(name: &str, size: usize) -> anyhow::Result<u64> {
    let root = get_directories().pop().context("no directory is attached")?.0;
    match name {
        "hold directories" => Ok(hoard(|| root.read_directory().ok())),
        "list for ever" => repeat(|| {
            let entries = root.read_directory().map_err(wasi_error)?;
            while entries.read_directory_entry().map_err(wasi_error)?.is_some() {}
            Ok(())
        }),
        "hold descriptors" => Ok(hoard(|| open(&root, "data").ok())),
        "hold what was read" => Ok(hoard(|| {
            let stream = open(&root, "data").ok()?.read_via_stream(0).ok()?;
            stream.subscribe().block();
            stream.read(1).ok()?;
            stream.read(u64::MAX).ok()?;
            stream.subscribe().block();
            Some(stream)
        })),
        "read all at once" => {
            let (bytes, _) = open(&root, "data")?.read(u64::MAX, 0).map_err(wasi_error)?;
            Ok(bytes.len() as u64)
        }
        "read behind the end" => {
            let file = open(&root, "data")?;
            repeat(|| file.read(u64::MAX, u64::MAX).map_err(wasi_error))
        }
        "skip for ever" => {
            let file = open(&root, "data")?;
            repeat(|| {
                let stream = file.read_via_stream(0).map_err(wasi_error)?;
                while stream.blocking_skip(u64::MAX).is_ok() {}
                Ok(())
            })
        }
        "long paths" => open_for_ever(&root, &"deep/../".repeat(size / 8)),
        "paths of dots" => open_for_ever(&root, &"./".repeat(size / 2)),
        "a long name" => open_for_ever(&root, &"x".repeat(size)),
        "ask for ever" => repeat(|| {
            root.stat_at(PathFlags::SYMLINK_FOLLOW, "deep").map_err(wasi_error)?;
            root.metadata_hash_at(PathFlags::empty(), "data").map_err(wasi_error)?;
            root.is_same_object(&root);
            Ok(())
        }),
        "change" => Ok(changes(&root)),
        _ => unknown(name),
    }
}

fn open(root: &Descriptor, path: &str) -> anyhow::Result<Descriptor> {
    root.open_at(PathFlags::empty(), path, OpenFlags::empty(), DescriptorFlags::READ)
        .map_err(wasi_error)
}

fn open_for_ever(root: &Descriptor, path: &str) -> anyhow::Result<u64> {
    loop {
        let _ = open(root, path);
    }
}

/// Returns how many attempts to change something succeed.
fn changes(root: &Descriptor) -> u64 {
    type Attempt<'a> = &'a dyn Fn() -> Result<(), ErrorCode>;
    let at = PathFlags::empty();
    let attempts: [Attempt; 11] = [
        &|| root.create_directory_at("new"),
        &|| root.symlink_at("/etc", "link"),
        &|| root.symlink_at("..", "link"),
        &|| root.link_at(at, "data", root, "link"),
        &|| root.rename_at("data", root, "moved"),
        &|| root.unlink_file_at("data"),
        &|| root.remove_directory_at("deep"),
        &|| root.set_times_at(at, "data", NewTimestamp::Now, NewTimestamp::Now),
        &|| root.open_at(at, "data", OpenFlags::TRUNCATE, DescriptorFlags::WRITE).map(drop),
        &|| root.open_at(at, "new", OpenFlags::CREATE, DescriptorFlags::WRITE).map(drop),
        &|| write_what_is_read(root),
    ];
    attempts.iter().filter(|attempt| attempt().is_ok()).count() as u64
}

/// Opens a file to read it, and writes.
fn write_what_is_read(root: &Descriptor) -> Result<(), ErrorCode> {
    let flags = (OpenFlags::empty(), DescriptorFlags::READ);
    let file = root.open_at(PathFlags::empty(), "data", flags.0, flags.1)?;
    file.write(b"x", 0).map(drop).or_else(|_| file.write_via_stream(0).map(drop))
}
