//! How `build` selects a toolchain and calls cargo, with a fake `rustc` and a fake `cargo`.

#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use surrealism_runtime::SurrealismPackage;

use crate::support::{Ran, archive, surrealism_with};

/// A directory with a fake toolchain and a project.
struct Machine(tempfile::TempDir);

impl Machine {
    /// Creates a toolchain with a standard library for each target.
    fn with_targets(targets: &[&str]) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for target in targets {
            fs::create_dir_all(machine.path(target)).unwrap();
            fs::write(machine.path(target).join("libstd-0.rlib"), "").unwrap();
        }
        machine.program("rustc", &format!(
            r#"case "$1" in --version) echo "rustc 1.95.0 (0 2026-01-01)" ;; *) echo "{}/$4" ;; esac"#,
            machine.0.path().display()
        ));
        // Reports a prebuilt artifact, and records its arguments.
        machine.program("cargo", &format!(
            r#"if [ "$1" = metadata ]; then unset RUSTC; PATH={:?} exec {:?} "$@"; fi
echo "$@" > {home}/called
env > {home}/environment
printf '%s' \
  '{{"reason":"compiler-artifact","package_id":"path+file:///p#0.1.0",' \
  '"manifest_path":"{home}/project/Cargo.toml","target":{{"kind":["cdylib"],"crate_types":["cdylib"],' \
  '"name":"p","src_path":"/p","edition":"2024","doc":true,"doctest":false,"test":true}},' \
  '"profile":{{"opt_level":"s","debuginfo":0,"debug_assertions":false,"overflow_checks":false,' \
  '"test":false}},"features":[],"filenames":["{home}/p.wasm"],"executable":null,"fresh":true}}'
echo"#,
            std::env::var("PATH").unwrap(),
            env!("CARGO"),
            home = machine.0.path().display()
        ));
        machine.project();
        machine
    }

    fn project(&self) {
        let project = self.path("project");
        fs::create_dir_all(project.join("src")).unwrap();
        fs::write(project.join("src/lib.rs"), "").unwrap();
        let manifest = "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                        [workspace]\n[dependencies]\nsurrealism = \"0.3\"\n";
        fs::write(project.join("Cargo.toml"), manifest).unwrap();
        let config =
            "abi = 2\n[package]\norganisation = \"acme\"\nname = \"p\"\nversion = \"0.1.0\"\n";
        fs::write(project.join("surrealism.toml"), config).unwrap();
        let guest = SurrealismPackage::from_file(archive("state").into()).unwrap();
        fs::write(self.path("p.wasm"), guest.wasm).unwrap();
    }

    fn program(&self, name: &str, script: &str) {
        let file = self.path("bin").join(name);
        fs::create_dir_all(self.path("bin")).unwrap();
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn build(&self, args: &[&str]) -> Ran {
        self.build_with(args, &[])
    }

    fn build_with(&self, args: &[&str], variables: &[(&str, &OsStr)]) -> Ran {
        self.command("build", args, variables)
    }

    fn command(&self, name: &str, args: &[&str], variables: &[(&str, &OsStr)]) -> Ran {
        let args = [&[name], args].concat();
        let path = std::env::join_paths([&self.path("bin"), Path::new("/usr/bin")]).unwrap();
        let path = [("PATH", path.as_os_str())];
        surrealism_with(&self.path("project"), &args, &[&path, variables].concat())
    }

    fn cargo_args(&self) -> String {
        fs::read_to_string(self.path("called")).unwrap()
    }
}

#[test]
fn the_preferred_installed_target_is_selected() {
    let cases: [(&[&str], &str); 2] = [
        (&["wasm32-wasip1", "wasm32-wasip2"], "wasm32-wasip2"),
        (&["wasm32-wasip1"], "wasm32-wasip1"),
    ];
    for (targets, expected) in cases {
        let machine = Machine::with_targets(targets);
        let ran = machine.build(&[]).code(0).stderr_contains(&[
            &format!("bin/cargo for {expected}"),
            "warning: p depends on surrealism ^0.3",
            "Packed 4 functions",
        ]);
        assert!(Path::new(ran.stdout.trim_end()).ends_with("project/acme-p-0.1.0.surli"), "{ran}");
        let called = machine.cargo_args();
        for part in
            ["rustc --lib --crate-type=cdylib", "--profile=quick", "project/target/surrealism"]
        {
            assert!(called.contains(part), "{called}");
        }
        assert!(called.contains(&format!("--target {expected} ")), "{called}");
    }
}

#[test]
fn options_are_passed_to_cargo() {
    let machine = Machine::with_targets(&["wasm32-wasip2"]);
    let out = machine.path("elsewhere/p.surli");
    machine
        .build(&["-q", "--debug", "--out", out.to_str().unwrap(), "--", "--features", "extra"])
        .code(0)
        .stdout(out.to_str().unwrap());
    let called = machine.cargo_args();
    assert!(called.contains("--quiet --features extra"), "{called}");
    assert!(!called.contains("--release"), "{called}");
    assert!(out.is_file());

    for (args, expected) in [
        (&["--release"][..], "--release"),
        (&["--release", "--locked"], "--release --locked"),
        (&["--", "--profile", "dist"], "--profile dist"),
        (&["--", "--profile=dist"], "--profile=dist"),
        (&["--", "-r", "--", "-Copt-level=z"], "-r -- -Copt-level=z"),
        (&["--", "--", "-Copt-level=z"], "--profile=quick -- -Copt-level=z"),
        (&["--release", "--", "--", "-Copt-level=z"], "--release -- -Copt-level=z"),
    ] {
        machine.build(args).code(0);
        let called = machine.cargo_args();
        assert!(called.trim_end().ends_with(expected), "{called}");
        for profile in ["--release", "--profile"] {
            let times = called.matches(profile).count();
            assert_eq!(times, expected.matches(profile).count(), "{called}");
        }
    }
}

#[test]
fn the_profile_and_the_first_wait_are_announced() {
    let machine = Machine::with_targets(&["wasm32-wasip2"]);
    let (profile, first) = ("Profile quick", "First build");
    machine.build(&[]).code(0).stderr_contains(&[profile, first]);

    fs::create_dir_all(machine.path("project/target/surrealism/wasm32-wasip2")).unwrap();
    let later = machine.build(&["--release"]).code(0);
    for unwanted in [profile, first] {
        assert!(!later.stderr.contains(unwanted), "{later}");
    }
}

#[test]
fn cargo_and_what_it_runs_get_no_secrets() {
    let machine = Machine::with_targets(&["wasm32-wasip2"]);
    let names = ["DB_USER", "DB_PASS", "DB_TOKEN", "KV", "ANYTHING"];
    let names = names.map(|name| format!("SURREALISM_{name}"));
    let variables: Vec<_> =
        names.iter().map(|name| (name.as_str(), OsStr::new("hunter2"))).collect();
    let others = [("OTHER_SURREALISM_KV", OsStr::new("kept"))];
    machine.build_with(&[], &[&variables, &others[..]].concat()).code(0);
    let environment = fs::read_to_string(machine.path("environment")).unwrap();
    assert!(!environment.contains("hunter2"), "{environment}");
    assert!(environment.contains("OTHER_SURREALISM_KV=kept"), "{environment}");
}

#[test]
fn a_plugin_is_built_before_its_tests_run() {
    let machine = Machine::with_targets(&["wasm32-wasip2"]);
    let project = machine.path("project");
    let test = |tests: &str| {
        fs::write(project.join("tests.toml"), tests).unwrap();
        machine.command("test", &[], &[])
    };
    test("[[test]]\nfn = \"count\"\nexpect = \"1\"\n")
        .code(0)
        .stdout_contains(&["ok      count", "1 passed, 0 failed"])
        .stderr_contains(&["Packed 4 functions"]);
    assert!(machine.cargo_args().contains("rustc --lib"));
    test("[[test]]\nfn = \"count\"\nexpect = \"2\"\n").code(1).stdout_contains(&["got       1"]);
    fs::write(project.join("Cargo.toml"), "[package]\n").unwrap();
    test("[[test]]\nfn = \"count\"\n").code(3).stdout("");
}

#[test]
fn without_a_toolchain_install_commands_are_printed() {
    Machine::with_targets(&[])
        .build(&["--toolchain", "rustup"])
        .code(3)
        .stdout("")
        .stderr_contains(&[
            "no installed Rust toolchain can build for WebAssembly",
            "rustc 1.95.0 at ",
            "has no standard library for wasm32-wasip2",
            "has no standard library for wasm32-wasip1",
            "rustup target add wasm32-wasip2",
            "apt-get install",
        ]);
}
