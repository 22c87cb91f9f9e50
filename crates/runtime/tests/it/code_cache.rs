//! Compiled code: cached in a directory, and shared within a process.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use surrealism_runtime::limits::STALE_TEMP_FILE_AGE;
use surrealism_runtime::usage::CodeSource::{self, Cache, Compiled, Shared};
use surrealism_runtime::{
    CodeCache, DetachedContext, ErrorKind, LoadError, Runtime, SurrealismPackage, UnpackOptions,
};
use tempfile::TempDir;

use crate::support::{
    INVOKE, MEMORY, assert_child_succeeds, assert_error_contains, child_directory, component,
    package_marked, start_child, trusted, value,
};

/// A component for each number, all of one size.
fn numbered(number: usize) -> SurrealismPackage {
    numbered_with("", number)
}

fn numbered_with(more: &str, number: usize) -> SurrealismPackage {
    component(&format!(
        r#"
        {more}
        (core module $m
          {MEMORY}
          (func (export "invoke") (param i32 i32 i32 i32 i32) (result i32)
            (drop (i32.const {})) unreachable))
        (core instance $i (instantiate $m))
        {INVOKE}"#,
        1_000 + number
    ))
}

/// A cache with a directory and modules of its own, since tests share the code that is loaded in their
/// process.
struct TestCache {
    directory: TempDir,
    cache: CodeCache,
    first: usize,
}

impl TestCache {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let directory = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(directory.path()).unwrap();
        Self { directory, cache, first: NEXT.fetch_add(10, Ordering::Relaxed) }
    }

    fn at_most(self, bytes: u64) -> Self {
        Self { cache: self.cache.max_bytes(bytes), ..self }
    }

    fn module(&self, number: usize) -> SurrealismPackage {
        numbered(self.first + number)
    }

    /// Loads a module, and drops it.
    fn load(&self, package: SurrealismPackage) -> CodeSource {
        source(&self.build(package))
    }

    fn build(&self, package: SurrealismPackage) -> Runtime {
        trusted(package).code_cache(self.cache.clone()).build().unwrap()
    }

    /// The files in it, with their sizes.
    fn files(&self) -> BTreeMap<PathBuf, u64> {
        let entries = fs::read_dir(self.directory.path()).unwrap().map(Result::unwrap);
        // A file may be renamed meanwhile.
        entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.len()))).collect()
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
async fn a_second_load_takes_its_code_from_the_cache() {
    let plugin = || package_marked("attribute_matrix", "second load");
    let cached = TestCache::new();
    for expected in [Compiled, Cache, Cache] {
        let runtime = cached.build(plugin());
        assert_eq!(source(&runtime), expected);
        let sum = runtime.call("math::add", (1_i64, 2_i64), DetachedContext::new()).await;
        assert_eq!(sum.unwrap(), value(3_i64), "{expected:?}");
    }
    cached.only_file();
    let other = TestCache::new();
    assert_eq!(other.load(plugin()), Compiled, "with another cache");
    let runtime = trusted(plugin()).build().unwrap();
    assert_eq!(source(&runtime), Compiled, "without a cache");
}

#[test]
fn each_module_and_engine_has_a_file_of_its_own() {
    let cached = TestCache::new();
    let module = |(number, strict_timeout)| {
        let mut package = cached.module(number);
        package.config.capabilities.strict_timeout = strict_timeout;
        package
    };
    let modules = [(0, true), (0, false), (1, true), (1, false)];
    for (before, which) in modules.into_iter().enumerate() {
        assert_eq!(cached.load(module(which)), Compiled, "{which:?}");
        assert_eq!(cached.files().len(), before + 1);
    }
    for which in modules {
        assert_eq!(cached.load(module(which)), Cache, "{which:?}");
    }
}

#[test]
fn a_module_outside_the_pool_is_cached_as_well() {
    let memories = "(core module $n (memory 1) (memory 1)) (core instance (instantiate $n))";
    let cached = TestCache::new();
    for expected in [Compiled, Cache] {
        let runtime = cached.build(numbered_with(memories, cached.first));
        assert_eq!((source(&runtime), runtime.usage().pooled), (expected, false));
    }
}

#[test]
fn a_damaged_file_is_compiled_anew_and_replaced() {
    let other = {
        let cached = TestCache::new();
        cached.load(cached.module(1));
        fs::read(cached.only_file()).unwrap()
    };
    type Damage<'a> = &'a dyn Fn(&Path, Vec<u8>);
    let write = |file: &Path, bytes: &[u8]| fs::write(file, bytes).unwrap();
    let mkfifo = |file: &Path| Command::new("mkfifo").arg(file).status().unwrap();
    let damages: [(&str, Damage<'_>); 12] = [
        ("an empty file", &|file, _| write(file, b"")),
        ("the first half", &|file, bytes| write(file, &bytes[..bytes.len() / 2])),
        ("all but its last byte", &|file, bytes| write(file, &bytes[..bytes.len() - 1])),
        ("a byte more", &|file, bytes| write(file, &[&bytes[..], b"x"].concat())),
        ("another byte in the middle", &|file, mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            write(file, &bytes);
        }),
        ("text", &|file, _| write(file, &b"garbage".repeat(10_000))),
        ("code of another module", &|file, _| write(file, &other)),
        ("a file that others may write to", &|file, _| {
            fs::set_permissions(file, Permissions::from_mode(0o666)).unwrap();
        }),
        ("a FIFO, which nobody writes to", &|file, _| {
            fs::remove_file(file).unwrap();
            assert!(mkfifo(file).success());
        }),
        ("a socket", &|file, _| {
            fs::remove_file(file).unwrap();
            UnixListener::bind(file).unwrap();
        }),
        ("a link to a device without an end", &|file, _| {
            fs::remove_file(file).unwrap();
            symlink("/dev/zero", file).unwrap();
        }),
        ("a link to nothing", &|file, _| {
            fs::remove_file(file).unwrap();
            symlink("nothing", file).unwrap();
        }),
    ];
    let cached = TestCache::new();
    cached.load(cached.module(0));
    let file = cached.only_file();
    for (what, damage) in damages {
        damage(&file, fs::read(&file).unwrap());
        assert_eq!(cached.load(cached.module(0)), Compiled, "{what}");
        assert_eq!(cached.load(cached.module(0)), Cache, "{what} was replaced");
        assert_eq!(cached.only_file(), file, "{what}");
    }
}

#[test]
fn code_in_an_archive_is_never_used() {
    let cached = TestCache::new();
    cached.load(cached.module(0));
    let file = cached.only_file();
    let code = fs::read(&file).unwrap();
    let code = &code[..code.len() - 4];

    let mut package = cached.module(0);
    package.wasm = code.to_vec();
    let loaded = trusted(package).code_cache(cached.cache.clone()).build();
    let error = loaded.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Load(LoadError::InvalidComponent)), "{error:?}");

    // Nor is code beside the component, under any name that a loader might look for.
    let whole = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    let packed = archive_with(
        cached.module(0),
        [
            ("surrealism/mod.cwasm", &whole),
            (&format!("surrealism/{name}"), &whole),
            (&format!("surrealism/fs/{name}"), &whole),
        ],
    );
    let package = SurrealismPackage::from_reader(&packed[..], &UnpackOptions::default()).unwrap();
    assert_eq!(cached.load(package), Compiled);
}

/// A package as an archive, with more entries.
fn archive_with<const N: usize>(
    package: SurrealismPackage,
    entries: [(&str, &Vec<u8>); N],
) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let packed = directory.path().join("packed.surli");
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
fn the_least_recently_used_file_is_evicted_first() {
    let size = {
        let cached = TestCache::new();
        cached.load(cached.module(0));
        *cached.files().values().next().unwrap()
    };
    let cached = TestCache::new().at_most(2 * size + size / 2);
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
        // Times of files may have a resolution of some milliseconds.
        thread::sleep(Duration::from_millis(20));
        assert_eq!(cached.load(cached.module(number)), expected, "{number}");
        assert_eq!(cached.files().len(), files);
    }
    let tight = TestCache::new().at_most(size - 1);
    for _ in 0..2 {
        assert_eq!(tight.load(tight.module(0)), Compiled, "it alone is too large");
        assert_eq!(tight.files().len(), 0);
    }
}

#[test]
fn only_files_of_the_cache_are_evicted() {
    let cached = TestCache::new().at_most(1 << 20);
    let path = |name: &str| cached.directory.path().join(name);
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
    fs::create_dir(path("directory")).unwrap();
    cached.load(cached.module(0));
    let names = [".unfinished-old", ".unfinished-new", "notes.txt", "surrealism.toml", "directory"];
    assert_eq!(names.map(|name| path(name).exists()), [false, true, true, true, true]);
    assert_eq!(cached.load(cached.module(0)), Cache);
}

#[test]
fn a_directory_that_others_could_write_to_is_refused() {
    let base = tempfile::tempdir().unwrap();
    let directory = |name: &str, mode| {
        let directory = base.path().join(name);
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, Permissions::from_mode(mode)).unwrap();
        directory
    };
    let file = base.path().join("file");
    fs::write(&file, "").unwrap();
    // Only root can give a directory away, and only root owns `/usr`.
    let given = directory("given", 0o700);
    let foreign = if chown(&given, Some(65_534), None).is_ok() { given } else { "/usr".into() };
    for (directory, expected) in [
        (
            directory("of-all", 0o777),
            "others may write to it (its mode is 777): take the right away",
        ),
        (directory("of-group", 0o770), "others may write to it (its mode is 770)"),
        (foreign, "it belongs to user"),
        (file.clone(), "File exists"),
        (file.join("below"), "Not a directory"),
    ] {
        let error = CodeCache::open(&directory).unwrap_err();
        let shown = directory.display().to_string();
        assert_error_contains(&error, &[&shown, "cannot be used for compiled code", expected]);
    }
    CodeCache::open(directory("read-by-all", 0o755)).unwrap();
}

/// Who may write to a directory can replace what is in it, unless the directory is sticky.
#[test]
fn a_directory_that_others_could_replace_is_refused() {
    let base = tempfile::tempdir().unwrap();
    let above = |name: &str, mode| {
        let above = base.path().join(name);
        fs::create_dir_all(above.join("deep/cache")).unwrap();
        fs::set_permissions(&above, Permissions::from_mode(mode)).unwrap();
        above
    };
    let (all, group) = (above("of-all", 0o777), above("of-group", 0o775));
    let link = base.path().join("link");
    symlink(&all, &link).unwrap();
    let mut refused = vec![(all, "(mode 777)"), (group, "(mode 775)"), (link, "(mode 777)")];
    let foreign = above("foreign", 0o755);
    // Only root can give a directory away.
    if chown(&foreign, Some(65_534), None).is_ok() {
        refused.push((foreign, "belongs to user 65534"));
    }
    for (above, expected) in refused {
        let error = CodeCache::open(above.join("deep/cache")).unwrap_err();
        assert_error_contains(&error, &["above it", expected, "could replace it"]);
    }
    for allowed in [above("sticky", 0o1777), above("read-by-all", 0o755)] {
        CodeCache::open(allowed.join("deep/cache")).unwrap();
    }
}

/// What is checked is what is mapped, whatever stands under the name meanwhile: damaged code would end the
/// process.
#[test]
fn an_entry_that_is_swapped_while_it_is_loaded_is_intact_or_not_used() {
    const LOADS: usize = 200;

    let cached = TestCache::new();
    let plugin = || cached.module(0);
    drop(cached.build(plugin()));
    let entry = cached.only_file();
    let intact = fs::read(&entry).unwrap();
    let mut damaged = intact.clone();
    // Code and data in the middle, but not what makes the file one of this engine's.
    let middle = damaged.len() / 4..damaged.len() / 4 * 3;
    damaged[middle].fill(0xcc);
    let aside = tempfile::tempdir_in(cached.directory.path().parent().unwrap()).unwrap();
    let done = AtomicBool::new(false);
    let swap = || {
        while !done.load(Ordering::Relaxed) {
            for content in [&damaged, &intact] {
                let new = aside.path().join("new");
                fs::write(&new, content).unwrap();
                fs::set_permissions(&new, Permissions::from_mode(0o600)).unwrap();
                fs::rename(new, &entry).unwrap();
            }
        }
    };
    let sources = thread::scope(|scope| {
        scope.spawn(swap);
        let load = |_| {
            let runtime = cached.build(plugin());
            let call = runtime.call("any", (), DetachedContext::new());
            let error = futures::executor::block_on(call.into_future()).unwrap_err();
            assert_error_contains(&error, &["unreachable"]);
            source(&runtime)
        };
        let sources: Vec<_> = (0..LOADS).map(load).collect();
        done.store(true, Ordering::Relaxed);
        sources
    });
    let from_cache = sources.iter().filter(|source| **source == Cache).count();
    println!("{from_cache} of {LOADS} loads came from the cache");
    assert!((1..LOADS).contains(&from_cache), "the test shows nothing: {from_cache}");
}

#[test]
fn a_missing_directory_is_created_for_its_user_alone() {
    let base = tempfile::tempdir().unwrap();
    let directory = base.path().join("not/yet/there");
    CodeCache::open(&directory).unwrap();
    let created = fs::metadata(directory).unwrap();
    assert_eq!(created.permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_directory_that_cannot_be_written_to_fails_no_load() {
    let vanished = TestCache::new();
    fs::remove_dir(vanished.directory.path()).unwrap();
    assert_eq!(vanished.load(vanished.module(0)), Compiled);

    let replaced = TestCache::new();
    fs::remove_dir(replaced.directory.path()).unwrap();
    fs::write(replaced.directory.path(), "").unwrap();
    assert_eq!(replaced.load(replaced.module(0)), Compiled);
}

#[test]
fn a_full_disk_fails_no_load_and_leaves_no_file() {
    const TEST: &str = "code_cache::a_full_disk_fails_no_load_and_leaves_no_file";
    if let Some(directory) = child_directory(TEST) {
        let cache = CodeCache::open(directory).unwrap();
        let runtime = trusted(numbered(0)).code_cache(cache).build().unwrap();
        assert_eq!(source(&runtime), Compiled);
        return;
    }
    let cached = TestCache::new();
    // Writing fails beyond four kilobytes of a file.
    let full = "trap '' XFSZ; ulimit -f 8;";
    assert_child_succeeds(start_child(TEST, cached.directory.path(), full));
    assert_eq!(cached.files().len(), 0);
    assert_eq!(cached.load(cached.module(0)), Compiled);
    assert!(*cached.files().values().next().unwrap() > 4 << 10);
}

/// Every file that is there under its name is whole, whenever its writer was killed.
#[test]
fn a_killed_process_leaves_whole_files() {
    const TEST: &str = "code_cache::a_killed_process_leaves_whole_files";
    const MODULES: usize = 40;
    if let Some(directory) = child_directory(TEST) {
        let cache = CodeCache::open(directory).unwrap();
        for number in 0.. {
            let package = numbered(number % MODULES);
            Runtime::builder(package).code_cache(cache.clone()).build().unwrap();
        }
    }
    for kill in 0..20 {
        let cached = TestCache::new();
        let mut child = start_child(TEST, cached.directory.path(), "");
        while cached.files().is_empty() {
            assert!(child.try_wait().unwrap().is_none(), "the child ended");
        }
        thread::sleep(Duration::from_micros(kill * 531));
        child.kill().unwrap();
        child.wait().unwrap();
        let whole = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "cwasm");
        let files = cached.files().into_keys().filter(whole).count();
        let from_cache =
            (0..MODULES).filter(|number| cached.load(numbered(*number)) == Cache).count();
        assert_eq!(from_cache, files, "after {kill}");
    }
}

#[test]
fn processes_and_threads_share_a_directory_that_is_too_small_for_all() {
    const TEST: &str =
        "code_cache::processes_and_threads_share_a_directory_that_is_too_small_for_all";
    const MODULES: usize = 6;
    /// Room for about half of them.
    const MAX_BYTES: u64 = 45 << 10;
    if let Some(directory) = child_directory(TEST) {
        let cache = || CodeCache::open(&directory).unwrap().max_bytes(MAX_BYTES);
        let load = |number: usize| {
            let package = numbered(number % MODULES);
            source(&trusted(package).code_cache(cache()).build().unwrap())
        };
        thread::scope(|scope| {
            for first in 0..4 {
                scope.spawn(move || (first..first + 60).map(load).for_each(drop));
            }
        });
        return;
    }
    let cached = TestCache::new().at_most(MAX_BYTES);
    let children: Vec<_> = (0..4).map(|_| start_child(TEST, cached.directory.path(), "")).collect();
    children.into_iter().for_each(assert_child_succeeds);
    let files = cached.files();
    assert!(files.values().sum::<u64>() <= MAX_BYTES, "{files:?}");
    assert!((1..MODULES).contains(&files.len()), "{files:?}");
    assert!(files.keys().all(|file| file.extension().is_some_and(|e| e == "cwasm")), "{files:?}");
}

#[test]
fn concurrent_loads_of_a_module_compile_it_once() {
    const CALLERS: usize = 8;
    let plugin = || package_marked("state", "concurrent loads");
    let barrier = Barrier::new(CALLERS);
    let runtimes: Vec<Runtime> = thread::scope(|scope| {
        let load = || {
            let package = plugin();
            barrier.wait();
            trusted(package).build().unwrap()
        };
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(load)).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    let from = |expected| runtimes.iter().filter(|runtime| source(runtime) == expected).count();
    assert_eq!((from(Compiled), from(Shared)), (1, CALLERS - 1));
    drop(runtimes);
    let later = trusted(plugin()).build().unwrap();
    assert_eq!(source(&later), Compiled, "code is dropped with its last runtime");
}
