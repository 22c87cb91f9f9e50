//! Plugins that `new` creates.

use std::fs;

use crate::support::{snapshot, surrealism_in};

#[test]
fn the_files_of_a_plugin_are_created() {
    let dir = tempfile::tempdir().unwrap();
    let ran = surrealism_in(dir.path(), &["new", "greeter", "--organisation", "acme"]).code(0);
    let mut text = ran.stdout("").to_string();
    for file in
        ["Cargo.toml", "surrealism.toml", "src/lib.rs", "tests.toml", "README.md", ".gitignore"]
    {
        let content = fs::read_to_string(dir.path().join("greeter").join(file)).unwrap();
        assert!(!content.contains("{{"), "{file} has an unreplaced placeholder:\n{content}");
        text += &format!("\n--- {file}\n{content}");
    }
    snapshot("new", text);
}

#[test]
fn options_set_the_names() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["new", "--name", "names", "--organisation", "3d", "--version", "1.2.3-rc.1"];
    surrealism_in(dir.path(), &args).code(0);
    let manifest = fs::read_to_string(dir.path().join("names/Cargo.toml")).unwrap();
    for expected in ["name = \"plugin-3d-names\"", "version = \"1.2.3-rc.1\""] {
        assert!(manifest.contains(expected), "{manifest}");
    }
}

#[test]
fn existing_files_are_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("empty")).unwrap();
    fs::create_dir_all(dir.path().join("full/inner")).unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let cases: [(&[&str], i32, &str); 8] = [
        (&["empty"], 0, "Created"),
        (&["empty"], 2, "cannot create a plugin in empty: it exists and is not empty"),
        (&["full"], 2, "cannot create a plugin in full: it exists and is not empty"),
        (&["file"], 2, "cannot create a plugin in file: it is a file; choose another directory"),
        (&[], 2, "the plugin has no directory"),
        (&["two words"], 2, "invalid plugin name: pass another with `--name`"),
        (&["x", "--organisation", "../evil"], 2, "invalid organization: pass another"),
        (&["x", "--sdk-path", "full"], 2, "cannot use the SDK in full: no crate there"),
    ];
    for (args, code, expected) in cases {
        let args = [&["new"], args].concat();
        surrealism_in(dir.path(), &args).code(code).stdout("").stderr_contains(&[expected]);
    }
    assert!(!dir.path().join("x").exists());
}
