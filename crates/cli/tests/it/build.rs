//! Projects that `build` rejects.

use std::fs;

use crate::support::surrealism_in;

#[test]
fn invalid_projects_are_rejected_with_a_reason() {
    const CONFIG: &str = "[package]\norganisation = \"acme\"\nname = \"x\"\nversion = \"1.0.0\"\n";
    let current = format!("abi = 2\n{CONFIG}");
    let attach = format!("{current}[attach]\nfs = \"missing\"\n");
    let misspelt = format!("{current}[capabilites]\n");
    type Files<'a> = &'a [(&'a str, &'a str)];
    let (old, new) = (format!("abi = 0\n{CONFIG}"), format!("abi = 3\n{CONFIG}"));
    let cases: [(Files, &[&str], &[&str]); 10] = [
        (&[], &[], &["no surrealism.toml in", "surrealism new"]),
        // Without an ABI, as published projects are, it is the one that is built for.
        (&[("surrealism.toml", CONFIG)], &[], &["no Cargo.toml beside", "--wasm"]),
        (&[("surrealism.toml", &old)], &[], &["unsupported ABI 0", "`abi = 2`"]),
        (&[("surrealism.toml", &new)], &[], &["unsupported ABI 3", "remove the line"]),
        (&[("surrealism.toml", &misspelt)], &[], &["did you mean `capabilities`?"]),
        (&[("surrealism.toml", &attach)], &[], &["fs = \"missing\"", "is not a directory"]),
        (&[("surrealism.toml", &current)], &[], &["no Cargo.toml beside", "--wasm"]),
        (
            &[("surrealism.toml", &current), ("logo.png", "GIF89a")],
            &[],
            &["cannot use", "logo.png as the logo", "PNG"],
        ),
        (
            &[("surrealism.toml", &current), ("x.wasm", "#!/bin/sh")],
            &["--wasm", "x.wasm"],
            &["cannot pack x.wasm", "it is not WebAssembly: pass the core module or component"],
        ),
        (
            &[("surrealism.toml", &current), ("x.wasm", "\0asm\u{1}\0\0\0")],
            &["--wasm", "x.wasm"],
            &["exports no `invoke`"],
        ),
    ];
    for (files, args, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        for (file, content) in files {
            fs::write(dir.path().join(file), content).unwrap();
        }
        let args = [&["build"], args].concat();
        surrealism_in(dir.path(), &args).code(3).stdout("").stderr_contains(expected);
    }
}
