//! Archives as no benign writer packs them.

use tar::EntryType;

pub(crate) const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
pub(crate) const CONFIG: &[u8] =
    b"abi = 2\n[package]\norganisation = \"acme\"\nname = \"demo\"\nversion = \"1.0.0\"\n";
pub(crate) const EXPORTS: &[u8] = b"functions = []\n";

/// An entry of an archive, valid or not.
pub(crate) struct Entry {
    pub(crate) path: Vec<u8>,
    pub(crate) entry_type: EntryType,
    pub(crate) content: Vec<u8>,
    /// The size that the header claims, where it is not that of the content.
    pub(crate) claimed: Option<u64>,
    pub(crate) link: Option<&'static str>,
}

pub(crate) fn entry(path: impl AsRef<[u8]>, entry_type: EntryType, content: &[u8]) -> Entry {
    let (path, content) = (path.as_ref().to_vec(), content.to_vec());
    Entry { path, entry_type, content, claimed: None, link: None }
}

pub(crate) fn file(path: impl AsRef<[u8]>, content: &[u8]) -> Entry {
    entry(path, EntryType::Regular, content)
}

/// The entries that every archive needs.
pub(crate) fn parts() -> Vec<Entry> {
    vec![
        file("surrealism/surrealism.toml", CONFIG),
        file("surrealism/exports.toml", EXPORTS),
        file("surrealism/mod.wasm", COMPONENT),
    ]
}

/// An archive of the entries that it needs, and more.
pub(crate) fn with(extra: Vec<Entry>) -> Vec<u8> {
    archive(parts().into_iter().chain(extra).collect())
}

/// An archive of the entries that it needs, one of them replaced.
pub(crate) fn replacing(path: &str, content: &[u8]) -> Vec<u8> {
    let mut entries = parts();
    entries.retain(|entry| entry.path != path.as_bytes());
    entries.push(file(path, content));
    archive(entries)
}

/// Packs entries without the checks of a benign writer.
pub(crate) fn archive(entries: Vec<Entry>) -> Vec<u8> {
    let mut tar = Vec::new();
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        let name = &mut header.as_old_mut().name;
        let short = entry.path.len().min(name.len());
        if entry.path.len() > short {
            append_raw(&mut tar, "././@LongLink", EntryType::GNULongName, &entry.path);
        }
        header.as_old_mut().name[..short].copy_from_slice(&entry.path[..short]);
        header.set_entry_type(entry.entry_type);
        header.set_size(entry.claimed.unwrap_or(entry.content.len() as u64));
        header.set_mode(0o644);
        if let Some(link) = entry.link {
            header.set_link_name(link).unwrap();
        }
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        pad(&mut tar, &entry.content);
    }
    tar.extend_from_slice(&[0; 1024]);
    zstd::encode_all(&tar[..], 3).unwrap()
}

fn append_raw(tar: &mut Vec<u8>, name: &str, entry_type: EntryType, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(entry_type);
    header.set_size(content.len() as u64);
    header.set_cksum();
    tar.extend_from_slice(header.as_bytes());
    pad(tar, content);
}

fn pad(tar: &mut Vec<u8>, content: &[u8]) {
    tar.extend_from_slice(content);
    tar.resize(tar.len().next_multiple_of(512), 0);
}
