//! What needs no guest: help, usage, scaffolding, and projects that cannot be built.

mod support;

use std::fs;

use support::{surrealism, surrealism_in};

#[test]
fn every_command_has_help_with_examples() {
    surrealism(&["--help"]).code(0).prints(&["Examples:", "Exit codes:", "124", "completions"]);
    for command in ["new", "build", "info", "run", "repl", "check", "completions"] {
        surrealism(&[command, "--help"]).code(0).prints(&[
            "Usage: surrealism",
            "Examples:",
            &format!("  surrealism {command} "),
        ]);
    }
}

#[test]
fn a_wrong_command_line_is_told_apart() {
    let cases: [(&[&str], &str); 12] = [
        (&[], "Usage: surrealism"),
        (&["biuld"], "build"),
        (&["info"], "<ARCHIVE>"),
        (&["run", "x.surli", "f", "--repeat", "0"], "--repeat"),
        (&["run", "x.surli", "f", "--timeout", "soon"], "--timeout"),
        (&["run", "x.surli", "f", "--memory", "much"], "--memory"),
        (&["run", "x.surli", "f", "--ns", "n"], "--db"),
        (&["run", "x.surli", "f", "--db", "ws://x", "--database", "d"], "--ns"),
        (&["repl"], "<ARCHIVE>"),
        (&["repl", "x.surli", "--auth-level", "boss"], "--auth-level"),
        (&["build", "--wasm", "x.wasm", "--debug"], "--debug"),
        (&["new", "demo", "--version", "one"], "--version"),
    ];
    for (args, expected) in cases {
        surrealism(args).code(2).answers("").says(&[expected]);
    }
}

#[test]
fn arguments_are_read_before_the_archive_is() {
    let cases: [(&[&str], &[&str]); 5] = [
        (&["hello"], &["hello is no SurrealQL literal", "quote it: \"'hello'\""]),
        (&["[1, 2"], &["[1, 2 is no SurrealQL literal", "^"]),
        (&["1 + 1"], &["1 + 1 is an expression", "no database"]),
        (&["--json", "'x'"], &["'x' is no JSON", "line 1 column 1"]),
        (&["1", "rand()"], &["rand() is an expression"]),
    ];
    for (args, expected) in cases {
        let args = [&["run", "missing.surli", "f"], args].concat();
        surrealism(&args).code(2).answers("").says(expected);
    }
}

#[test]
fn what_is_no_archive_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("text.surli"), "not an archive").unwrap();
    for command in ["info", "run"] {
        surrealism_in(folder.path(), &[command, "missing.surli"])
            .code(4)
            .answers("")
            .says(&["error: cannot open missing.surli", "No such file"]);
        surrealism_in(folder.path(), &[command, "text.surli"])
            .code(4)
            .answers("")
            .says(&["error: text.surli is no usable archive"]);
    }
    surrealism_in(folder.path(), &["check", "text.surli"])
        .code(1)
        .prints(&["FAILED  archive", "text.surli is no usable archive"]);
}

#[test]
fn a_plugin_is_scaffolded() {
    let folder = tempfile::tempdir().unwrap();
    surrealism_in(folder.path(), &["new", "greeter", "--organisation", "acme"])
        .code(0)
        .answers("")
        .says(&["Created the plugin greeter", "cd greeter", "surrealism build"]);

    let read = |file: &str| fs::read_to_string(folder.path().join("greeter").join(file)).unwrap();
    for (file, expected) in [
        ("Cargo.toml", "name = \"acme-greeter\""),
        ("Cargo.toml", "surrealism = \"0.6\""),
        ("Cargo.toml", "[workspace]"),
        ("surrealism.toml", "name = \"greeter\""),
        ("src/lib.rs", "#[surrealism]\nfn greet("),
        ("README.md", "surrealism run acme-greeter-0.1.0.surli greet"),
        (".gitignore", "*.surli"),
    ] {
        let text = read(file);
        assert!(text.contains(expected), "{file} lacks {expected:?}:\n{text}");
        assert!(!text.contains("{{"), "{file} is not filled in:\n{text}");
    }
}

#[test]
fn flags_say_what_a_plugin_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["new", "--name", "names", "--organisation", "3d", "--version", "1.2.3-rc.1"];
    surrealism_in(folder.path(), &args).code(0);
    let manifest = fs::read_to_string(folder.path().join("names/Cargo.toml")).unwrap();
    for expected in ["name = \"plugin-3d-names\"", "version = \"1.2.3-rc.1\""] {
        assert!(manifest.contains(expected), "{manifest}");
    }
}

#[test]
fn scaffolding_touches_nothing_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::create_dir_all(folder.path().join("full/inner")).unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let cases: [(&[&str], i32, &str); 8] = [
        (&["empty"], 0, "Created"),
        (&["empty"], 2, "empty is there and not empty"),
        (&["full"], 2, "full is there and not empty"),
        (&["file"], 2, "file is there and not empty"),
        (&[], 2, "name the folder of the plugin"),
        (&["two words"], 2, "\"two words\" is no plain identifier"),
        (&["x", "--organisation", "../evil"], 2, "\"../evil\" is no plain identifier"),
        (&["x", "--sdk-path", "full"], 2, "there is no crate in full"),
    ];
    for (args, code, expected) in cases {
        let args = [&["new"], args].concat();
        surrealism_in(folder.path(), &args).code(code).answers("").says(&[expected]);
    }
    assert!(!folder.path().join("x").exists());
}

#[test]
fn what_cannot_be_built_is_told() {
    const CONFIG: &str = "[package]\norganisation = \"acme\"\nname = \"x\"\nversion = \"1.0.0\"\n";
    let current = format!("abi = 2\n{CONFIG}");
    let attach = format!("{current}[attach]\nfs = \"missing\"\n");
    let misspelt = format!("{current}[capabilites]\n");
    type Files<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Files, &[&str], &[&str]); 8] = [
        (&[], &[], &["there is no surrealism.toml in", "surrealism new"]),
        (&[("surrealism.toml", CONFIG)], &[], &["is for ABI 0", "`abi = 2`"]),
        (&[("surrealism.toml", &misspelt)], &[], &["did you mean `capabilities`?"]),
        (&[("surrealism.toml", &attach)], &[], &["fs = \"missing\"", "is no folder"]),
        (&[("surrealism.toml", &current)], &[], &["there is no Cargo.toml", "--wasm"]),
        (
            &[("surrealism.toml", &current), ("logo.png", "GIF89a")],
            &[],
            &["cannot embed", "no PNG"],
        ),
        (
            &[("surrealism.toml", &current), ("x.wasm", "#!/bin/sh")],
            &["--wasm", "x.wasm"],
            &["it is no WebAssembly: it begins with [23, 21"],
        ),
        (
            &[("surrealism.toml", &current), ("x.wasm", "\0asm\u{1}\0\0\0")],
            &["--wasm", "x.wasm"],
            &["compilation failed", "exports no `invoke`"],
        ),
    ];
    for (files, args, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        for (file, content) in files {
            fs::write(folder.path().join(file), content).unwrap();
        }
        let args = [&["build"], args].concat();
        surrealism_in(folder.path(), &args).code(3).answers("").says(expected);
    }
}

#[test]
fn shells_get_completions() {
    for (shell, expected) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef surrealism"),
        ("fish", "complete -c surrealism"),
    ] {
        surrealism(&["completions", shell]).code(0).prints(&[expected]).says(&[]);
    }
}
