//! Recognizes files that are not archives, to say what they are.

use std::io::{Cursor, ErrorKind, Read};

use anyhow::{Result, bail};

/// The first bytes of a file, which show its format. A tar file says `ustar` at byte 257.
const HEAD_BYTES: u64 = 512;

const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// The last three bytes of what begins a skippable frame of zstd; the first is `0x50` to `0x5f`.
const ZSTD_SKIPPABLE: &[u8] = &[0x2a, 0x4d, 0x18];

/// Formats with a signature at the beginning, and what to do with such a file.
const SIGNATURES: [(&[u8], &str); 9] = [
    (
        b"\0asm\x01\0\0\0",
        "it is a WebAssembly core module: pack it with `surrealism build --wasm FILE`",
    ),
    (b"\0asm", "it is a WebAssembly component: pack it with `surrealism build --wasm FILE`"),
    (&[0x1f, 0x8b], "it is compressed with gzip, and archives are with zstd: compress it again"),
    (b"BZh", "it is compressed with bzip2, and archives are with zstd: compress it again"),
    (b"\xfd7zXZ\0", "it is compressed with xz, and archives are with zstd: compress it again"),
    (b"PK\x03\x04", "it is a zip file: unpack it, or pack the plugin with `surrealism build`"),
    (b"PK\x05\x06", "it is an empty zip file: pack the plugin with `surrealism build`"),
    (b"\x7fELF", "it is a program: pass the archive of a plugin"),
    (
        b"version https://git-lfs",
        "it is a pointer of Git LFS: download the archive with `git lfs pull`",
    ),
];

/// Returns the whole input, if it begins as an archive does.
///
/// # Errors
///
/// When it cannot be read, or is something else. The message says what, and what to do.
pub(super) fn reject(mut input: impl Read) -> Result<impl Read> {
    let mut head = Vec::new();
    match input.by_ref().take(HEAD_BYTES).read_to_end(&mut head) {
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            bail!("it is a directory: pass an archive, which `surrealism build` packs")
        }
        read => read?,
    };
    if let Some(format) = recognize(&head) {
        bail!("{format}");
    }
    Ok(Cursor::new(head).chain(input))
}

/// Returns what a file is, or `None` for an archive.
fn recognize(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(ZSTD) || head.get(1..4) == Some(ZSTD_SKIPPABLE) {
        return None;
    }
    if head.is_empty() {
        return Some("it is empty: pack the plugin again with `surrealism build`");
    }
    let mut signatures = SIGNATURES.iter();
    if let Some((_, format)) = signatures.find(|(signature, _)| head.starts_with(signature)) {
        return Some(format);
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some("it is a tar file, and archives are compressed: compress it with `zstd`");
    }
    if is_text(head) {
        let start = head.trim_ascii_start().to_ascii_lowercase();
        return Some(match start.starts_with(b"<!doctype") || start.starts_with(b"<html") {
            true => "it is a web page: download the archive again",
            false => "it is a text file: pass the archive, which `surrealism build` packs",
        });
    }
    Some("it is not compressed with zstd, as archives are: pack the plugin with `surrealism build`")
}

fn is_text(head: &[u8]) -> bool {
    // The end of the head may cut a character.
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.contains(|c: char| c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_not_archives_are_named() {
        let mut tar = vec![b'a'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        let cut_character = [vec![b'a'; 511], vec![0xc3]].concat();
        for (head, expected) in [
            (&b""[..], "it is empty"),
            (b"\0asm\x01\0\0\0", "core module"),
            (b"\0asm\x0d\0\x01\0", "component"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"BZh9", "bzip2"),
            (b"\xfd7zXZ\0\0", "xz"),
            (b"PK\x03\x04", "zip file"),
            (b"PK\x05\x06", "empty zip file"),
            (b"\x7fELF\x02", "program"),
            (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
            (&tar, "tar file"),
            (b"\n<!DOCTYPE html>", "web page"),
            (b"SELECT * FROM page;\r\n", "text"),
            (&cut_character, "text"),
            (b"\xff\xfe\0", "not compressed with zstd"),
            (b"a\0b", "not compressed with zstd"),
        ] {
            let format = recognize(head).unwrap_or("an archive");
            assert!(format.contains(expected), "{format} lacks {expected:?}");
        }
    }

    #[test]
    fn archives_are_passed_on_whole() {
        for head in [&[0x28, 0xb5, 0x2f, 0xfd][..], &[0x50, 0x2a, 0x4d, 0x18, 0]] {
            let archive = [head, &[7; 1000]].concat();
            let mut again = Vec::new();
            reject(&*archive).unwrap().read_to_end(&mut again).unwrap();
            assert_eq!(again, archive);
        }
    }
}
