//! Compiled code: kept in a folder, shared within a process.

#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use support::{INVOKE, assert_says, component, package};
use surrealism_runtime::limits::STALE_TEMP_FILE_AGE;
use surrealism_runtime::usage::CodeSource::{self, Cache, Compiled, Shared};
use surrealism_runtime::{
    CodeCache, DetachedContext, Runtime, SurrealismError, SurrealismPackage, UnpackOptions,
};
use tempfile::TempDir;

/// A component for each number, all of one size.
fn numbered(number: usize) -> SurrealismPackage {
    numbered_with("", number)
}

fn numbered_with(more: &str, number: usize) -> SurrealismPackage {
    component(&format!(
        r#"
        {more}
        (core module $m
          (memory (export "memory") 1)
          (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32)
            (drop (i32.const {})) unreachable))
        (core instance $i (instantiate $m))
        {INVOKE}"#,
        1_000 + number
    ))
}

/// A cache with a folder and modules of its own: tests share a process, and so the code that is
/// loaded in it.
struct Kept {
    folder: TempDir,
    cache: CodeCache,
    first: usize,
}

impl Kept {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let folder = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(folder.path()).unwrap();
        Self { folder, cache, first: NEXT.fetch_add(10, Ordering::Relaxed) }
    }

    fn at_most(self, bytes: u64) -> Self {
        Self { cache: self.cache.max_bytes(bytes), ..self }
    }

    fn module(&self, number: usize) -> SurrealismPackage {
        numbered(self.first + number)
    }

    /// Loads a module, and lets it go.
    fn load(&self, package: SurrealismPackage) -> CodeSource {
        source(&self.build(package))
    }

    fn build(&self, package: SurrealismPackage) -> Runtime {
        Runtime::builder(package).code_cache(self.cache.clone()).build().unwrap()
    }

    /// The files in it, with their sizes.
    fn files(&self) -> BTreeMap<PathBuf, u64> {
        let entries = fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.path(), entry.metadata().unwrap().len())).collect()
    }

    fn only_file(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files.into_keys().next().unwrap()
    }
}

fn source(runtime: &Runtime) -> CodeSource {
    runtime.usage().code
}

#[tokio::test]
async fn a_second_load_takes_its_code_from_the_folder() {
    let kept = Kept::new();
    for expected in [Compiled, Cache, Cache] {
        let runtime = kept.build(package("attribute_matrix"));
        assert_eq!(source(&runtime), expected);
        let answer = runtime.call("math::add", (1_i64, 2_i64), DetachedContext::new()).await;
        assert_eq!(answer.unwrap(), support::value(3_i64), "{expected:?}");
    }
    kept.only_file();
    let elsewhere = Kept::new();
    assert_eq!(elsewhere.load(package("attribute_matrix")), Compiled, "of another folder");
    let runtime = Runtime::builder(package("attribute_matrix")).build().unwrap();
    assert_eq!(source(&runtime), Compiled, "of none");
}

#[test]
fn whatever_code_depends_on_has_a_file_of_its_own() {
    let kept = Kept::new();
    let module = |(number, strict_timeout)| {
        let mut package = kept.module(number);
        package.config.capabilities.strict_timeout = strict_timeout;
        package
    };
    let modules = [(0, true), (0, false), (1, true), (1, false)];
    for (before, which) in modules.into_iter().enumerate() {
        assert_eq!(kept.load(module(which)), Compiled, "{which:?}");
        assert_eq!(kept.files().len(), before + 1);
    }
    for which in modules {
        assert_eq!(kept.load(module(which)), Cache, "{which:?}");
    }
}

#[test]
fn a_module_that_the_pool_does_not_take_is_kept_as_well() {
    let memories = "(core module $n (memory 1) (memory 1)) (core instance (instantiate $n))";
    let kept = Kept::new();
    for expected in [Compiled, Cache] {
        let runtime = kept.build(numbered_with(memories, kept.first));
        assert_eq!((source(&runtime), runtime.usage().pooled), (expected, false));
    }
}

#[test]
fn what_is_not_whole_is_compiled_anew_and_replaced() {
    let other = {
        let kept = Kept::new();
        kept.load(kept.module(1));
        fs::read(kept.only_file()).unwrap()
    };
    type Damage<'a> = &'a dyn Fn(&Path, Vec<u8>);
    let write = |file: &Path, bytes: &[u8]| fs::write(file, bytes).unwrap();
    let damages: [(&str, Damage<'_>); 8] = [
        ("nothing", &|file, _| write(file, b"")),
        ("its first half", &|file, bytes| write(file, &bytes[..bytes.len() / 2])),
        ("all but its last byte", &|file, bytes| write(file, &bytes[..bytes.len() - 1])),
        ("more than it was", &|file, bytes| write(file, &[&bytes[..], b"x"].concat())),
        ("another byte in the middle", &|file, mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            write(file, &bytes);
        }),
        ("text", &|file, _| write(file, &b"garbage".repeat(10_000))),
        ("the code of another module", &|file, _| write(file, &other)),
        ("what others may write to", &|file, _| {
            fs::set_permissions(file, Permissions::from_mode(0o666)).unwrap();
        }),
    ];
    let kept = Kept::new();
    kept.load(kept.module(0));
    let file = kept.only_file();
    for (what, damage) in damages {
        damage(&file, fs::read(&file).unwrap());
        assert_eq!(kept.load(kept.module(0)), Compiled, "{what}");
        assert_eq!(kept.load(kept.module(0)), Cache, "{what} was replaced");
        assert_eq!(kept.only_file(), file, "{what}");
    }
}

#[test]
fn no_archive_brings_code() {
    let kept = Kept::new();
    kept.load(kept.module(0));
    let file = kept.only_file();
    let code = fs::read(&file).unwrap();
    let code = &code[..code.len() - 4];

    let mut package = kept.module(0);
    package.wasm = code.to_vec();
    let loaded = Runtime::builder(package).code_cache(kept.cache.clone()).build();
    let error = loaded.unwrap_err();
    assert!(matches!(error, SurrealismError::Compilation(_)), "{error:?}");

    // Nor does one that has it beside its component, under every name that might be looked for.
    let whole = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    let packed = archive_with(
        kept.module(0),
        [
            ("surrealism/mod.cwasm", &whole),
            (&format!("surrealism/{name}"), &whole),
            (&format!("surrealism/fs/{name}"), &whole),
        ],
    );
    let package = SurrealismPackage::from_reader(&packed[..], &UnpackOptions::default()).unwrap();
    assert_eq!(kept.load(package), Compiled);
}

/// A package as an archive, with more in it.
fn archive_with<const N: usize>(
    package: SurrealismPackage,
    entries: [(&str, &Vec<u8>); N],
) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let packed = folder.path().join("packed.surli");
    package.pack(packed.clone(), None).unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    let unpacked = zstd::decode_all(File::open(packed).unwrap()).unwrap();
    for entry in tar::Archive::new(&unpacked[..]).entries().unwrap() {
        let entry = entry.unwrap();
        tar.append(&entry.header().clone(), entry).unwrap();
    }
    for (path, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, &content[..]).unwrap();
    }
    zstd::encode_all(&tar.into_inner().unwrap()[..], 0).unwrap()
}

#[test]
fn what_was_used_least_recently_goes_first() {
    let size = {
        let kept = Kept::new();
        kept.load(kept.module(0));
        *kept.files().values().next().unwrap()
    };
    let kept = Kept::new().at_most(2 * size + size / 2);
    for (number, expected, files) in [
        (0, Compiled, 1),
        (1, Compiled, 2),
        (0, Cache, 2),
        (2, Compiled, 2),
        (0, Cache, 2),
        (1, Compiled, 2),
        (2, Compiled, 2),
        (1, Cache, 2),
    ] {
        // What a file system tells of times may be some milliseconds old.
        thread::sleep(Duration::from_millis(20));
        assert_eq!(kept.load(kept.module(number)), expected, "{number}");
        assert_eq!(kept.files().len(), files);
    }
    let tight = Kept::new().at_most(size - 1);
    for _ in 0..2 {
        assert_eq!(tight.load(tight.module(0)), Compiled, "it alone would be too much");
        assert_eq!(tight.files().len(), 0);
    }
}

#[test]
fn only_what_is_the_caches_own_is_removed() {
    let kept = Kept::new().at_most(1 << 20);
    let path = |name: &str| kept.folder.path().join(name);
    let old = SystemTime::now() - 2 * STALE_TEMP_FILE_AGE;
    for (name, modified) in [
        (".unfinished-old", old),
        (".unfinished-new", SystemTime::now()),
        ("notes.txt", old),
        ("surrealism.toml", SystemTime::now()),
    ] {
        let file = File::create(path(name)).unwrap();
        file.set_len(1 << 21).unwrap();
        file.set_modified(modified).unwrap();
    }
    fs::create_dir(path("folder")).unwrap();
    kept.load(kept.module(0));
    let names = [".unfinished-old", ".unfinished-new", "notes.txt", "surrealism.toml", "folder"];
    assert_eq!(names.map(|name| path(name).exists()), [false, true, true, true, true]);
    assert_eq!(kept.load(kept.module(0)), Cache);
}

#[test]
fn a_folder_that_is_not_ours_alone_is_refused() {
    let base = tempfile::tempdir().unwrap();
    let folder = |name: &str, mode| {
        let folder = base.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
        folder
    };
    let file = base.path().join("file");
    fs::write(&file, "").unwrap();
    // Who is not root may not give a folder away, and does not own this one.
    let given = folder("given", 0o700);
    let foreign = if chown(&given, Some(65_534), None).is_ok() { given } else { "/usr".into() };
    for (folder, expected) in [
        (folder("of-all", 0o777), Some("others may write to it (its mode is 777): make it 700")),
        (folder("of-group", 0o770), Some("others may write to it (its mode is 770)")),
        (foreign, Some("it belongs to user")),
        (file.clone(), Some("File exists")),
        (file.join("below"), Some("Not a directory")),
        (folder("read-by-all", 0o755), None),
        (base.path().join("not/yet/there"), None),
    ] {
        match (CodeCache::open(&folder), expected) {
            (Ok(_), None) => {}
            (Err(error), Some(expected)) => {
                let shown = folder.display().to_string();
                assert_says(&error, &[&shown, "cannot be used for compiled code", expected]);
            }
            (opened, _) => panic!("{}: {opened:?}", folder.display()),
        }
    }
    let made = fs::metadata(base.path().join("not/yet/there")).unwrap();
    assert_eq!(made.permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_folder_that_cannot_be_written_to_fails_no_load() {
    let vanished = Kept::new();
    fs::remove_dir(vanished.folder.path()).unwrap();
    assert_eq!(vanished.load(vanished.module(0)), Compiled);

    let replaced = Kept::new();
    fs::remove_dir(replaced.folder.path()).unwrap();
    fs::write(replaced.folder.path(), "").unwrap();
    assert_eq!(replaced.load(replaced.module(0)), Compiled);
}

/// What a test does in a process of its own, which is this one, run again for this test alone.
fn in_process(test: &str, part: &str, folder: &Path, shell: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{shell} exec \"$0\" \"$@\"")]);
    command.arg(std::env::current_exe().unwrap()).args(["--exact", test]);
    command.env("PART", part).env("FOLDER", folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn assert_succeeds(process: Child) {
    let ended = process.wait_with_output().unwrap();
    let printed = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&printed));
}

/// The folder of the process that was started for this part.
fn part(expected: &str) -> Option<PathBuf> {
    let part = std::env::var("PART").ok()?;
    (part == expected).then(|| std::env::var_os("FOLDER").unwrap().into())
}

#[test]
fn a_full_disk_fails_no_load_and_is_left_clean() {
    const TEST: &str = "a_full_disk_fails_no_load_and_is_left_clean";
    if let Some(folder) = part("writer") {
        let cache = CodeCache::open(folder).unwrap();
        let runtime = Runtime::builder(numbered(0)).code_cache(cache).build().unwrap();
        assert_eq!(source(&runtime), Compiled);
        return;
    }
    let kept = Kept::new();
    // Of each file, the first four kilobytes can be written.
    let full = "trap '' XFSZ; ulimit -f 8;";
    assert_succeeds(in_process(TEST, "writer", kept.folder.path(), full).spawn().unwrap());
    assert_eq!(kept.files().len(), 0);
    assert_eq!(kept.load(kept.module(0)), Compiled);
    assert!(*kept.files().values().next().unwrap() > 4 << 10);
}

#[test]
fn many_processes_and_threads_share_a_folder_in_which_there_is_not_room_for_all() {
    const TEST: &str =
        "many_processes_and_threads_share_a_folder_in_which_there_is_not_room_for_all";
    const MODULES: usize = 6;
    /// For half of them.
    const ROOM: u64 = 45 << 10;
    if let Some(folder) = part("sharer") {
        let kept = || CodeCache::open(&folder).unwrap().max_bytes(ROOM);
        let load = |number: usize| {
            let package = numbered(number % MODULES);
            source(&Runtime::builder(package).code_cache(kept()).build().unwrap())
        };
        thread::scope(|scope| {
            for first in 0..4 {
                scope.spawn(move || (first..first + 60).map(load).for_each(drop));
            }
        });
        return;
    }
    let kept = Kept::new().at_most(ROOM);
    let share = || in_process(TEST, "sharer", kept.folder.path(), "");
    let sharers: Vec<_> = (0..4).map(|_| share().spawn().unwrap()).collect();
    sharers.into_iter().for_each(assert_succeeds);
    let files = kept.files();
    assert!(files.values().sum::<u64>() <= ROOM, "{files:?}");
    assert!((1..MODULES).contains(&files.len()), "{files:?}");
    assert!(files.keys().all(|file| file.extension().is_some_and(|e| e == "cwasm")), "{files:?}");
}

#[test]
fn of_many_that_load_a_module_at_once_one_compiles_it() {
    const CALLERS: usize = 8;
    let begin = Barrier::new(CALLERS);
    let runtimes: Vec<Runtime> = thread::scope(|scope| {
        let load = || {
            let package = package("state");
            begin.wait();
            Runtime::builder(package).build().unwrap()
        };
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(load)).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    let compiled = runtimes.iter().filter(|runtime| source(runtime) == Compiled).count();
    let shared = runtimes.iter().filter(|runtime| source(runtime) == Shared).count();
    assert_eq!((compiled, shared), (1, CALLERS - 1));
    drop(runtimes);
    let alone = Runtime::builder(package("state")).build().unwrap();
    assert_eq!(source(&alone), Compiled, "code goes with its last runtime");
}
