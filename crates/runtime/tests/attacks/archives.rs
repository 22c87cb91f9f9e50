//! Archives that try to cost much to read, and configurations with extreme numbers.

use std::fs;
use std::time::Duration;

use surrealdb_types::Kind;
use surrealism_runtime::{DetachedContext, SurrealismPackage, SurrealismResult, UnpackOptions};
use surrealism_types::codec;
use tar::EntryType;

use super::cost::{Cost, alone};
use crate::it::support::tar::{
    COMPONENT, CONFIG, Entry, archive, entry, file, parts, replacing, with,
};
use crate::it::support::{INVOKE, MEMORY, PATIENCE, component, trusted};

/// What reading an archive may cost: the files of the format are in memory, and signatures take more than
/// their text.
const MAX_COST: Cost = Cost { cpu: Duration::from_secs(10), bytes: 256 << 20 };

fn read(archive: &[u8]) -> SurrealismResult<SurrealismPackage> {
    let base = tempfile::tempdir().unwrap();
    let opts = UnpackOptions { temp_base: Some(base.path()), ..UnpackOptions::default() };
    let package = SurrealismPackage::from_reader(archive, &opts);
    if package.is_err() {
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0, "files are left behind");
    }
    package
}

/// An attribute of an extended header: its length, a name and a value.
fn attribute(value: &str) -> Vec<u8> {
    let digits = |length: usize| length.to_string().len();
    let rest = " comment=\n".len() + value.len();
    let length = rest + digits(rest + digits(rest));
    format!("{length} comment={value}\n").into_bytes()
}

/// Text that compresses badly.
fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'a' + (state >> 59) as u8 % 26)
    };
    (0..bytes).map(|_| next()).collect()
}

/// An `exports.toml` with this many functions, each of which returns this kind.
fn exports(count: usize, kind: &Kind) -> String {
    let args = hex::encode(codec::encode_arguments(&[]).unwrap());
    let returns = hex::encode(codec::encode_kind(kind).unwrap());
    let function = |number| {
        format!("[[functions]]\nname = \"f{number}\"\nargs = \"{args}\"\nreturns = \"{returns}\"\n")
    };
    (0..count).map(function).collect()
}

/// An archive behind this many frames without content, each followed by one that is skipped.
fn many_frames(count: usize) -> Vec<u8> {
    let empty = zstd::encode_all(&b""[..], 1).unwrap();
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0];
    let mut frames = [&empty[..], &skipped[..]].concat().repeat(count);
    frames.extend(with(vec![]));
    frames
}

/// An archive in a frame with a window of this many bits.
fn window(bits: u32) -> Vec<u8> {
    let mut tar = zstd::decode_all(&with(vec![])[..]).unwrap();
    // A file that is larger than the window, so that the frame says how large that is.
    tar.truncate(tar.len() - 1024);
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(bits).unwrap();
    encoder.long_distance_matching(true).unwrap();
    std::io::copy(&mut &tar[..], &mut encoder).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn no_archive_costs_more_than_its_bounds() {
    let _alone = alone();
    let deep = |n: usize| file(format!("surrealism/fs/{n}/{}x", "d/".repeat(28)), b"");
    let flat = |n: usize| file(format!("surrealism/fs/{n}"), b"");
    let attributes = |number: usize, value: &str| {
        let header = entry("PaxHeader", EntryType::XHeader, &attribute(value));
        [header, file(format!("surrealism/fs/{number}"), b"")]
    };
    let noise = noise(10 << 20);
    let noisy = |bytes: usize, count: usize| -> Vec<Entry> {
        let pieces = (0..count).map(|number| &noise[number * bytes..][..bytes]);
        pieces.enumerate().flat_map(|(number, piece)| attributes(number, piece)).collect()
    };
    let toml = |text: String| replacing("surrealism/exports.toml", text.as_bytes());
    let config = |text: String| {
        let text = [CONFIG, text.as_bytes()].concat();
        replacing("surrealism/surrealism.toml", &text)
    };
    let without_end = |part: &str, bytes: usize| format!("x = {}", part.repeat(bytes / part.len()));
    let kinds = |count: usize| Kind::Either(vec![Kind::Any; count]);
    let nested = (0..100).fold(Kind::Any, |kind, _| Kind::Array(Box::new(kind), None));
    let named = |path: &str| with(vec![file(path, b"x")]);
    for (name, archive, expected) in [
        ("9,990 files", with((0..9_990).map(flat).collect()), Ok(())),
        ("9,999 files in deep directories", with((0..9_999).map(deep).collect()), Err("entries")),
        ("330 files in deep directories", with((0..330).map(deep).collect()), Ok(())),
        ("attributes of 30 KiB for 300 files", with(noisy(30 << 10, 300)), Ok(())),
        ("attributes of 40 KiB", with(noisy(40 << 10, 1)), Err("metadata of an entry")),
        (
            "attributes that repeat",
            with((0..1_000).flat_map(|n| attributes(n, &"a".repeat(30 << 10))).collect()),
            Err("unpacks to more than"),
        ),
        ("a sparse file", with(vec![entry("surrealism/fs/s", EntryType::GNUSparse, b"")]), Err("")),
        ("a device", with(vec![entry("surrealism/fs/d", EntryType::Block, b"")]), Err("entry")),
        ("two entries", with(vec![file("./surrealism/mod.wasm", COMPONENT)]), Err("two entries")),
        (
            "a file that is a directory as well",
            with(vec![file("surrealism/fs/a", b""), file("surrealism/fs/a/b", b"")]),
            Err("cannot unpack"),
        ),
        (
            "a directory that is a file as well",
            with(vec![file("surrealism/fs/a/b", b""), file("surrealism/fs/a", b"")]),
            Err("cannot unpack"),
        ),
        (
            "a path of 512 bytes",
            named(&format!("surrealism/fs/{}", "x".repeat(498))),
            Err("cannot unpack"),
        ),
        ("a line feed", named("surrealism/fs/a\nb"), Err("is not allowed")),
        ("a parent", named("surrealism/fs/a/../../../b"), Err("is not allowed")),
        ("a root", named("/etc/passwd"), Err("is not allowed")),
        ("a drive", named("surrealism/fs/C:x"), Err("is not allowed")),
        ("a separator of Windows", named("surrealism/fs/a\\b"), Err("is not allowed")),
        ("a name of spaces", named("surrealism/fs/   "), Ok(())),
        ("a name that runs backwards", named("surrealism/fs/a\u{202e}txt.exe"), Ok(())),
        ("three dots", named("surrealism/fs/..."), Ok(())),
        ("frames without content", many_frames(200_000), Ok(())),
        ("a window of 128 MiB", window(27), Ok(())),
        ("a window of 256 MiB", window(28), Err("")),
        ("10,000 functions", toml(exports(10_000, &Kind::Int)), Ok(())),
        ("15,000 functions", toml(exports(15_000, &Kind::Int)), Err("10000 are allowed")),
        ("signatures of many kinds", toml(exports(45, &kinds(1_500))), Ok(())),
        ("one signature of many kinds", toml(exports(1, &kinds(60_000))), Err("exports.toml")),
        ("signatures of nested kinds", toml(exports(400, &nested)), Ok(())),
        ("functions without an end", toml(without_end("[", 4 << 20)), Err("exports.toml")),
        ("tables without an end", toml(without_end("{a=", 4 << 20)), Err("exports.toml")),
        (
            "a key without an end",
            toml(format!("{}b = 1", "a.".repeat(2 << 20))),
            Err("exports.toml"),
        ),
        (
            "a table with a long name",
            toml(format!("[{}b]", "a.".repeat(2 << 20))),
            Err("exports.toml"),
        ),
        (
            "a configuration without an end",
            config(without_end("[", 60 << 10)),
            Err("surrealism.toml"),
        ),
        (
            "a configuration with a long key",
            config(format!("{}b = 1", "a.".repeat(30 << 10))),
            Err("surrealism.toml"),
        ),
    ] {
        let (result, cost) = Cost::of(|| read(&archive));
        let outcome = match &result {
            Ok(_) => "read".to_string(),
            Err(error) => error.to_string().replace('\n', " "),
        };
        cost.print(&format!("{name} ({} KiB)", archive.len() >> 10), &outcome);
        cost.assert_within(MAX_COST, name);
        match (result, expected) {
            (Ok(_), Ok(())) => {}
            (Err(error), Err(part)) => {
                let text = error.to_string();
                assert!(text.contains(part), "{name}: {text}");
                assert!(text.len() < 17 << 10, "{name}: an error of {} bytes", text.len());
            }
            (result, _) => panic!("{name}: {:?}", result.map(|_| "read")),
        }
    }
    let whole: Vec<Entry> = parts();
    assert!(read(&archive(whole)).is_ok());
}

/// A number in a configuration is a limit or an error, and the module works or is refused.
#[test]
fn extreme_numbers_in_a_configuration_do_no_harm() {
    let _alone = alone();
    let numbers =
        ["0", "1", "-1", "4294967296", "9223372036854775807", "18446744073709551616", "1e9"];
    for key in [
        "max_memory_bytes",
        "max_execution_time",
        "max_pool_size",
        "max_kv_entries",
        "max_kv_value_bytes",
    ] {
        for number in numbers {
            let text = [CONFIG, format!("[capabilities]\n{key} = {number}\n").as_bytes()].concat();
            let (outcome, cost) =
                Cost::of(|| outcome(&replacing("surrealism/surrealism.toml", &text)));
            let name = format!("{key} = {number}");
            cost.print(&name, &outcome);
            cost.assert_within(MAX_COST, &name);
        }
    }
}

/// Loads a module with the configuration of an archive, and calls it.
fn outcome(archive: &[u8]) -> String {
    let config = match read(archive) {
        Ok(package) => package.config,
        Err(error) => return format!("not read: {error}"),
    };
    let package = component(&format!(
        r#"
        (core module $m
          {MEMORY}
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32)
            (i32.store (i32.const 0) (i32.const 1)) (i32.const 0)))
        (core instance $i (instantiate $m))
        {INVOKE}"#
    ));
    let package = SurrealismPackage { config, ..package };
    let runtime = match trusted(package).max_execution_time(PATIENCE).build() {
        Ok(runtime) => runtime,
        Err(error) => return format!("not loaded: {error}"),
    };
    let call = runtime.call("any", (), DetachedContext::new());
    match futures::executor::block_on(call.into_future()) {
        Ok(_) => "called".to_string(),
        Err(error) => format!("called: {}", error.to_string().lines().next().unwrap_or_default()),
    }
}
