//! The files that the command writes, reads and attaches, and the addresses that are no files.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::process::Command;

use surrealism_runtime::SurrealismPackage;

use crate::support::{Ran, archive, surrealism, surrealism_in};

const CONFIG: &str =
    "abi = 2\n[package]\norganisation = \"acme\"\nname = \"x\"\nversion = \"1.0.0\"\n";

/// Creates a project with a component that needs no compiler, and more lines of configuration.
fn project(dir: &Path, more: &str) {
    let guest = SurrealismPackage::from_file(archive("state").into()).unwrap();
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("x.wasm"), guest.wasm).unwrap();
    fs::write(dir.join("surrealism.toml"), format!("{CONFIG}{more}")).unwrap();
}

fn build(dir: &Path, out: &str) -> Ran {
    surrealism_in(dir, &["build", "--wasm", "x.wasm", "--out", out])
}

#[test]
fn an_archive_is_written_to_a_stream_and_its_path_is_not_printed() {
    let dir = tempfile::tempdir().unwrap();
    project(dir.path(), "");
    let fifo = dir.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let reader = {
        let fifo = fifo.clone();
        std::thread::spawn(move || fs::read(fifo).unwrap())
    };
    build(dir.path(), "fifo").code(0).stdout("").stderr_contains(&["Packed", "function"]);
    let written = reader.join().unwrap();
    build(dir.path(), "x.surli").code(0).stdout("x.surli");
    assert!(written == fs::read(dir.path().join("x.surli")).unwrap());
    assert!(fs::symlink_metadata(fifo).unwrap().file_type().is_fifo());

    build(dir.path(), "/dev/null").code(0).stdout("");
    assert!(fs::symlink_metadata("/dev/null").unwrap().file_type().is_char_device());
    symlink("nothing", dir.path().join("link")).unwrap();
    build(dir.path(), "link").code(3).stderr_contains(&["cannot write link", "a link to nothing"]);
}

#[test]
fn only_files_of_the_plugin_are_attached() {
    let base = tempfile::tempdir().unwrap();
    let (dir, outside) = (base.path().join("project"), base.path().join("outside"));
    fs::create_dir_all(outside.join("deep")).unwrap();
    fs::write(outside.join("id_rsa"), "a secret").unwrap();
    fs::create_dir_all(dir.join("assets/deep")).unwrap();
    fs::write(dir.join("assets/a.txt"), "a").unwrap();
    symlink(&outside, dir.join("link")).unwrap();
    symlink("../outside/deep", dir.join("relative")).unwrap();
    symlink("assets", dir.join("within")).unwrap();
    fs::create_dir(dir.join("bad")).unwrap();
    symlink("../../outside/id_rsa", dir.join("bad/key")).unwrap();
    let absolute = outside.display().to_string();
    for (name, expected) in [
        (absolute.as_str(), "is not a path inside the plugin's directory"),
        ("/", "is not a path inside"),
        ("..", "is not a path inside"),
        ("../outside", "is not a path inside"),
        ("assets/../../outside", "is not a path inside"),
        ("link", "leads out of the plugin's directory, to "),
        ("link/deep", "leads out of the plugin's directory, to "),
        ("./relative", "leads out of the plugin's directory, to "),
        ("missing", "is not a directory"),
        ("assets/a.txt", "is not a directory"),
        ("bad", "bad/key is neither a file nor a directory"),
    ] {
        project(&dir, &format!("[attach]\nfs = {name:?}\n"));
        build(&dir, "x.surli").code(3).stdout("").stderr_contains(&[expected, name]);
        assert!(!dir.join("x.surli").exists(), "{name}");
    }
    for name in ["assets", "./assets/", "within"] {
        project(&dir, &format!("[attach]\nfs = {name:?}\n"));
        build(&dir, "x.surli").code(0);
        let package = SurrealismPackage::from_file(dir.join("x.surli")).unwrap();
        let files = package.fs.as_ref().unwrap().path();
        assert_eq!(fs::read_to_string(files.join("a.txt")).unwrap(), "a", "{name}");
        fs::remove_file(dir.join("x.surli")).unwrap();
    }
}

#[test]
fn a_logo_is_a_file() {
    let dir = tempfile::tempdir().unwrap();
    project(dir.path(), "");
    let logo = dir.path().join("logo.png");
    assert!(Command::new("mkfifo").arg(&logo).status().unwrap().success());
    build(dir.path(), "x.surli")
        .code(3)
        .stderr_contains(&["logo.png as the logo: it is not a file"]);
    fs::remove_file(&logo).unwrap();
    symlink("/dev/zero", &logo).unwrap();
    build(dir.path(), "x.surli")
        .code(3)
        .stderr_contains(&["logo.png as the logo: it is not a file"]);
}

/// An archive that calls itself as another does not get its store, until the user says so.
#[test]
fn a_store_belongs_to_the_first_archive_that_used_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let (first, file) = (archive("kv_atomic"), at("kv.redb"));
    let mut thief = SurrealismPackage::from_file(archive("host").into()).unwrap();
    thief.config.meta = SurrealismPackage::from_file(first.clone().into()).unwrap().config.meta;
    thief.pack(at("thief.surli").into(), None).unwrap();
    let steal = [&at("thief.surli"), "kv::get", "'secret'", "--kv", &file];

    surrealism(&["run", &first, "set", "'secret'", "7", "--kv", &file]).code(0);
    surrealism(&[&["run"], &steal[..]].concat()).code(1).stdout("").stderr_contains(&[
        "belongs to another archive",
        "kv_atomic",
        "--kv-name",
    ]);
    surrealism(&["run", &first, "get", "'secret'", "--kv", &file]).code(0).stdout("7");
    let named = |name| surrealism(&[&["run", "--kv-name", name], &steal[..]].concat()).code(0);
    named("elsewhere").stdout("NONE");
    let name = surrealism(&["info", "--json", &first]).code(0).stdout;
    let info: serde_json::Value = serde_json::from_str(&name).unwrap();
    named(info["store"]["name"].as_str().unwrap()).stdout("7");
    let owner = info["store"]["owner"].as_str().unwrap();
    surrealism(&["info", &first]).code(0).stdout_contains(&[&format!("sha256:{owner}")]);
    let twice = ["run", "--kv-name", "a", "--kv-name", "b"];
    surrealism(&[&twice[..], &steal[..]].concat()).code(2).stderr_contains(&["2 times, for 1"]);
}

#[test]
fn addresses_with_secrets_are_refused_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let guest = archive("state");
    for (option, address) in [
        ("--kv", "redis:hunter2@host"),
        ("--kv", "redis:/:hunter2@host"),
        ("--kv", "redis://ada:2024/hunter2@host"),
        ("--kv", "redis://host?pass=hunter2"),
        ("--kv", "redis://host#hunter2"),
        ("--kv", "ada:hunter2@host"),
        ("--kv", ":hunter2@host"),
        ("--kv", "hunter2@host"),
        ("--db", "ws://ada:2024/hunter2@host"),
        ("--db", "ws://host/?user=ada&pass=hunter2"),
        ("--db", "ws://host/#hunter2"),
        ("--db", "ws:ada:hunter2@host"),
        ("--db", "ada:hunter2@host"),
        ("--db", "hunter2://host"),
    ] {
        let ran = surrealism_in(dir.path(), &["run", &guest, "count", option, address]);
        assert_ne!(ran.code, 0, "{address}");
        for secret in ["hunter2", "2024"] {
            assert!(!ran.stderr.contains(secret), "{address}: {}", ran.stderr);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{address} made a file");
    }
}
