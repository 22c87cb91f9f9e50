//! Mistakes that users make in the first hour, and what the command says about them.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use surrealism_runtime::SurrealismPackage;

#[cfg(unix)]
use crate::support::surrealism;
use crate::support::{archive, snapshot_all, surrealism_in, surrealism_to, surrealism_with};

/// Creates files that users take for archives, and projects with a mistake.
fn mistakes() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let file = home.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    };
    let bytes = fs::read(archive("state")).unwrap();
    write("demo.surli", &bytes);
    write("cut.surli", &bytes[..bytes.len() / 2]);
    write("plain.tar", &zstd::decode_all(&*bytes).unwrap());
    write("component.wasm", &SurrealismPackage::from_file(archive("state").into()).unwrap().wasm);
    write("module.wasm", b"\0asm\x01\0\0\0");
    write("demo.tar.gz", b"\x1f\x8b\x08\0\0\0\0\0");
    write("demo.zip", b"PK\x03\x04\x14\0\0\0");
    write("empty.surli", b"");
    write("page.surql", b"SELECT * FROM page;\n");
    write("folder/file", b"");

    let config = |version: &str| {
        format!("[package]\norganisation = \"acme\"\nname = \"demo\"\nversion = \"{version}\"\n")
    };
    write("no-cargo/surrealism.toml", format!("abi = 2\n{}", config("1.0.0")).as_bytes());
    write("no-toml/Cargo.toml", b"[package]\nname = \"x\"\n");
    write("bad-toml/surrealism.toml", b"abi = 2\n[package\n");
    write("bad-version/surrealism.toml", format!("abi = 2\n{}", config("1.0")).as_bytes());
    write(
        "bad-name/surrealism.toml",
        format!("abi = 2\n{}", config("1.0.0")).replace("demo", "my plugin").as_bytes(),
    );
    write(
        "bad-key/surrealism.toml",
        format!("abi = 2\n{}licence = \"MIT\"\n", config("1.0.0")).as_bytes(),
    );
    home
}

#[test]
fn mistakes_are_explained() {
    let home = mistakes();
    let runs = [
        // Something else than an archive.
        &["info", "missing.surli"][..],
        &["info", "component.wasm"],
        &["info", "module.wasm"],
        &["info", "demo.tar.gz"],
        &["info", "demo.zip"],
        &["info", "plain.tar"],
        &["info", "empty.surli"],
        &["info", "folder"],
        &["info", "page.surql"],
        &["info", "cut.surli"],
        &["run", "component.wasm", "count"],
        &["repl", "page.surql"],
        &["check", "folder"],
        &["check", "missing.surli"],
        // Functions and arguments.
        &["run", "demo.surli", "coutn"],
        &["run", "demo.surli", "count", "1"],
        &["run", "demo.surli", "count", "hello"],
        &["run", "demo.surli", "count", "--timeout", "5"],
        &["run", "demo.surli", "count", "--memory", "much"],
        &["run", "demo.surli", "count", "--kv", "missing/demo.redb"],
        &["rum", "demo.surli"],
        &["run"],
        // New plugins.
        &["new"],
        &["new", "folder"],
        &["new", "demo.surli"],
        &["new", "demo.surli/inner"],
        &["new", "my plugin"],
        &["new", "größe"],
        &["new", "x", "--version", "1.0"],
        &["new", "x", "--organisation", "-acme"],
        // Builds.
        &["build"],
        &["build", "missing"],
        &["build", "demo.surli"],
        &["build", "component.wasm"],
        &["build", "no-cargo"],
        &["build", "no-toml"],
        &["build", "bad-toml"],
        &["build", "bad-version"],
        &["build", "bad-name"],
        &["build", "bad-key"],
        &["build", "no-cargo", "--wasm", "missing.wasm"],
        &["build", "no-cargo", "--wasm", "page.surql"],
        &["build", "no-cargo", "--wasm", "module.wasm"],
        &["build", "no-cargo", "--wasm", "component.wasm", "--out", "page.surql/x.surli"],
    ];
    let runs = runs.map(|args| {
        let ran = surrealism_in(home.path(), args).hide(home.path());
        assert_ne!(ran.code, 0, "{ran}");
        ran
    });
    snapshot_all("first_hour", runs);
}

#[test]
fn without_rust_the_way_to_install_it_is_shown() {
    let home = mistakes();
    fs::write(home.path().join("no-cargo/Cargo.toml"), "").unwrap();
    let args = ["build", "no-cargo", "--toolchain", "rustup"];
    surrealism_with(home.path(), &args, &[("PATH", home.path().as_os_str())])
        .code(3)
        .stderr_contains(&["no rustc in PATH", "rustup target add wasm32-wasip2"]);
}

#[cfg(target_os = "linux")]
#[test]
fn files_without_permission_and_full_disks_are_reported() {
    // Not even root may read this file.
    surrealism(&["info", "/proc/sys/vm/drop_caches"])
        .code(4)
        .stderr_contains(&["cannot open /proc/sys/vm/drop_caches", "Permission denied"]);
    for args in [&["info", &archive("state")][..], &["run", &archive("state"), "count"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ran = surrealism_to(full, args);
        ran.code(1).stderr_contains(&["cannot write to stdout", "No space left on device"]);
    }
}

/// A project whose component is there already.
#[cfg(target_os = "linux")]
fn packable() -> tempfile::TempDir {
    let home = mistakes();
    let component = home.path().join("component.wasm");
    fs::rename(component, home.path().join("no-cargo/x.wasm")).unwrap();
    home
}

/// The device `/dev/full` and the files below `/proc` refuse every user.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_named_with_the_reason() {
    let home = packable();
    let full = "No space left on device";
    let build = |out| ["build", "no-cargo", "--wasm", "no-cargo/x.wasm", "--out", out];
    let tests = home.path().join("tests.toml");
    fs::write(&tests, "[[test]]\nfn = \"count\"\n").unwrap();
    for (args, code, expected) in [
        (&build("/dev/full")[..], 3, ["cannot write /dev/full", full]),
        (&build("/proc/x.surli"), 3, ["cannot write /proc/x.surli", "No such file"]),
        (&build("/proc/new/x.surli"), 3, ["cannot create the directory /proc/new", "No such file"]),
        (&build("demo.surli/x.surli"), 3, ["demo.surli is a file", "choose another path"]),
        (&["new", "/proc/x"], 1, ["cannot write /proc/x/Cargo.toml", "No such file"]),
        (
            &["run", "demo.surli", "count", "--kv", "/proc/x.redb"],
            1,
            ["cannot open the key-value file /proc/x.redb", "No such file"],
        ),
        (&["test", "demo.surli", "--junit", "/dev/full"], 1, ["cannot write /dev/full", full]),
        (
            &["test", "demo.surli", "--junit", "/proc/x.xml"],
            1,
            ["cannot write /proc/x.xml", "No such file"],
        ),
    ] {
        let ran = surrealism_in(home.path(), args).code(code);
        assert!(expected.iter().all(|part| ran.stderr.contains(part)), "{ran}");
        assert!(!ran.stderr.contains("panicked"), "{ran}");
    }
}

/// Writing fails beyond two megabytes of a file, as on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing_behind() {
    let home = packable();
    let project = home.path().join("no-cargo");
    let config = project.join("surrealism.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text + "[attach]\nfs = \"files\"\n").unwrap();
    fs::create_dir(project.join("files")).unwrap();
    // What cannot be compressed: Marsaglia's xorshift.
    let mut state = 1_u32;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    let noise: Vec<u8> = (0..4 << 20).map(next).collect();
    fs::write(project.join("files/noise"), noise).unwrap();
    let limited = |blocks: u32, args: &str| {
        let command = env!("CARGO_BIN_EXE_surrealism");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {command} {args}");
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-c", &script]).current_dir(&project).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let files = || {
        let mut names: Vec<_> = fs::read_dir(&project)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let before = files();
    let (code, stderr) = limited(4 << 10, "build --wasm x.wasm --no-cache --out new.surli");
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("cannot write new.surli"), "{stderr}");
    assert!(stderr.contains("File too large"), "{stderr}");
    assert_eq!(files(), before);

    // An archive that was there stays.
    fs::write(project.join("old.surli"), "old").unwrap();
    let (code, stderr) = limited(4 << 10, "build --wasm x.wasm --no-cache --out old.surli");
    assert_eq!(code, Some(3), "{stderr}");
    assert_eq!(fs::read(project.join("old.surli")).unwrap(), b"old");
    fs::remove_file(project.join("old.surli")).unwrap();

    let (code, stderr) = limited(0, "new demo --yes");
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("cannot write demo/Cargo.toml"), "{stderr}");
    assert_eq!(files(), before);
}

#[test]
fn a_pipe_that_its_reader_closed_is_not_an_error() {
    for args in [
        &["info", &archive("attribute_matrix")][..],
        &["info", "--json", &archive("attribute_matrix")],
        &["check", &archive("state")],
        &["run", &archive("attribute_matrix"), "math"],
        &["run", "--json", &archive("attribute_matrix"), "math"],
        &["completions", "bash"],
        &["module", "info", &archive("state")],
        &["module", "sig", &archive("attribute_matrix")],
        &["module", "run", &archive("state"), "--fnc", "count"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = surrealism_to(writer, args).code(0);
        assert!(ran.stderr.is_empty(), "{ran}");
    }
}

/// The names and versions that `new` accepts are those that `build` and cargo accept.
#[test]
fn a_new_plugin_is_refused_or_can_be_built() {
    let long = "x".repeat(64);
    let too_long = "x".repeat(65);
    let long_version = format!("1.0.0-{}", "1".repeat(58));
    let too_long_version = format!("1.0.0-{}", "1".repeat(59));
    let cases: [(&str, &str, &str, bool); 20] = [
        ("acme", "demo", "0.1.0", true),
        ("test", "test", "0.1.0", true),
        ("std", "core", "0.1.0", true),
        ("fn", "async", "0.1.0", true),
        ("surrealism", "surrealism", "0.1.0", true),
        ("3d", "4d", "0.1.0", true),
        ("a_", "b-", "0.1.0", true),
        ("CON", "nul", "0.1.0", true),
        (&long, &long, "0.1.0", true),
        ("acme", "demo", &long_version, true),
        ("acme", "demo", "1.2.3-rc.1+build.5", true),
        ("acme", "demo", "18446744073709551615.0.0", true),
        ("acme", &too_long, "0.1.0", false),
        (&too_long, "demo", "0.1.0", false),
        ("acme", "demo", &too_long_version, false),
        ("acme", "größe", "0.1.0", false),
        ("acme", "a\"b", "0.1.0", false),
        ("acme", "a\nb", "0.1.0", false),
        ("_acme", "demo", "0.1.0", false),
        ("acme", "", "0.1.0", false),
    ];
    for (organisation, name, version, is_valid) in cases {
        let home = tempfile::tempdir().unwrap();
        let args =
            ["new", "x", "--organisation", organisation, "--name", name, "--version", version];
        let ran = surrealism_in(home.path(), &args).code(if is_valid { 0 } else { 2 });
        let project = home.path().join("x");
        assert_eq!(project.exists(), is_valid, "{ran}");
        if is_valid {
            assert_buildable(&project);
        }
    }
}

fn assert_buildable(project: &Path) {
    // Without the SDK, of which nothing depends on names.
    let manifest = project.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let (text, _) = text.split_once("[dependencies]").unwrap();
    fs::write(&manifest, format!("{text}\n[workspace]\n")).unwrap();
    File::create(project.join("src/lib.rs")).unwrap().write_all(b"").unwrap();
    let mut cargo = std::process::Command::new(env!("CARGO"));
    let output = cargo.args(["check", "--offline", "-q"]).current_dir(project).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let component = project.join("x.wasm");
    fs::write(&component, b"no").unwrap();
    surrealism_in(project, &["build", "--wasm", "x.wasm"])
        .code(3)
        .stderr_contains(&["cannot pack x.wasm", "it is not WebAssembly"]);
}
