//! Text of hostile guests and archives, on pipes and on a terminal: none of it controls the terminal, hides,
//! or looks like output of the command.

use std::fs::File;
use std::path::Path;

use surrealism_runtime::{ExportsManifest, SurrealismPackage};

#[cfg(target_os = "linux")]
use crate::pty::Pty;
use crate::support::{Ran, archive, surrealism, surrealism_reading};

/// Sets a terminal's title, colours, clears, reorders, hides, and ends lines.
const HOSTILE: &str =
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\u{2028}\r\nforged  line";

/// The same in escapes of SurrealQL and of JSON, as it can be typed.
const TYPED: &str = r"\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e\u200b\u2028\r\nforged  line";

/// Writes an archive with the component of a guest and these signatures, as no tool of ours does.
fn hostile_archive(file: &Path, edit: impl FnOnce(String) -> String) -> String {
    let package = SurrealismPackage::from_file(archive("state").into()).unwrap();
    let mut count = package.exports.get_signature(Some("count")).unwrap().clone();
    count.comment = None;
    let exports = ExportsManifest { functions: vec![count] };
    let exports = edit(exports.to_toml().unwrap());
    let parts = [
        ("surrealism.toml", package.config.to_toml().unwrap().into_bytes()),
        ("exports.toml", exports.into_bytes()),
        ("mod.wasm", package.wasm),
    ];
    let encoder = zstd::Encoder::new(File::create(file).unwrap(), 1).unwrap();
    let mut tar = tar::Builder::new(encoder);
    for (name, bytes) in parts {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("surrealism/{name}"), &*bytes).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
    file.display().to_string()
}

/// Quotes text for TOML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Asserts that output contains neither what controls a terminal nor a line that a guest wrote.
#[track_caller]
fn assert_harmless(output: &str) {
    let without_styles = output.replace("\u{1b}[", "\u{0}");
    for part in without_styles.split('\u{0}').skip(1) {
        let (style, _) = part.split_once('m').unwrap_or((part, ""));
        let is_style = style.chars().all(|c| c.is_ascii_digit() || c == ';');
        assert!(is_style, "an escape sequence in {output:?}");
    }
    for unsafe_char in ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{200b}', '\u{2028}', '\r'] {
        // A terminal ends lines with both.
        let text = without_styles.replace("\r\n", "\n");
        assert!(!text.contains(unsafe_char), "{unsafe_char:?} in {output:?}");
    }
    assert!(!output.lines().any(|line| line.starts_with("forged")), "{output:?}");
}

#[track_caller]
fn run_harmless(args: &[&str]) -> Ran {
    let ran = surrealism(args);
    assert_harmless(&ran.stdout);
    assert_harmless(&ran.stderr);
    on_a_terminal(args);
    ran
}

#[cfg(target_os = "linux")]
#[track_caller]
fn on_a_terminal(args: &[&str]) {
    let home = tempfile::tempdir().unwrap();
    let (_, output) = Pty::start(home.path(), &[args, &["--quiet"]].concat()).end();
    assert!(!output.is_empty());
    assert_harmless(&output);
}

#[cfg(not(target_os = "linux"))]
fn on_a_terminal(_: &[&str]) {}

#[test]
fn archives_whose_functions_have_no_names_of_functions_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for name in [HOSTILE, "f(); REMOVE TABLE page; --", "a b", ""] {
        let rename = |exports: String| exports.replace("\"count\"", &quoted(name));
        let file = hostile_archive(&dir.path().join("x.surli"), rename);
        for (args, code) in [
            (&["info", &file][..], 4),
            (&["info", &file, "--json"], 4),
            (&["check", &file], 1),
            (&["check", &file, "--json"], 1),
            (&["run", &file, "count"], 4),
            (&["repl", &file], 4),
        ] {
            let ran = run_harmless(args).code(code);
            let output = format!("{}{}", ran.stdout, ran.stderr);
            assert!(output.contains("is not the name of a function"), "{ran}");
        }
    }
}

#[test]
fn descriptions_in_an_archive_are_escaped() {
    let dir = tempfile::tempdir().unwrap();
    let describe = |exports: String| {
        let texts = format!(
            "comment = {0}\nargs_text = [{0}]\nreturns_text = {0}\nwriteable =",
            quoted(HOSTILE)
        );
        exports.replacen("writeable =", &texts, 1)
    };
    let file = hostile_archive(&dir.path().join("x.surli"), describe);
    let escaped = r"\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\u{2028}\r\nforged  line";
    run_harmless(&["info", &file]).code(0).stdout_contains(&[escaped]);
    run_harmless(&["check", &file]).code(0);
    let json = run_harmless(&["info", &file, "--json"]).code(0).stdout;
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(parsed["functions"][0]["comment"], HOSTILE);
    let functions = surrealism_reading(&["repl", &file], ":functions").code(0);
    assert_harmless(&functions.stdout);
}

#[test]
fn long_words_in_an_archive_are_cut() {
    let dir = tempfile::tempdir().unwrap();
    let comment = format!("comment = {}\nwriteable =", quoted(&"long".repeat(1 << 18)));
    let describe = |exports: String| exports.replacen("writeable =", &comment, 1);
    let file = hostile_archive(&dir.path().join("x.surli"), describe);
    let ran = run_harmless(&["info", &file]).code(0);
    assert!(ran.stdout.len() < 10_000, "{} bytes", ran.stdout.len());
}

#[test]
fn errors_and_output_of_guests_are_escaped() {
    let (matrix, host) = (archive("attribute_matrix"), archive("host"));
    let text = format!("\"{TYPED}\"");
    run_harmless(&["run", &matrix, "fail::with_text", &text])
        .code(1)
        .stderr_contains(&[r"error: \u{1b}]0;owned\u{7}", "\n    forged  line"]);
    run_harmless(&["run", &archive("hostile"), "panics", "'\u{202e}'"]).code(1);
    run_harmless(&["run", &host, "print::error_line", "'\u{1b}[2J\u{202e}'"])
        .code(0)
        .stderr_contains(&[r"\u{1b}[2J\u{202e}"]);
    let ran = run_harmless(&["run", &matrix, "--json", "echo::any", &text]).code(0);
    assert_eq!(serde_json::from_str::<String>(&ran.stdout).unwrap(), HOSTILE);
    run_harmless(&["run", &matrix, &format!("no{HOSTILE}")]).code(1);
    run_harmless(&["info", HOSTILE]).code(4);
}

#[cfg(target_os = "linux")]
#[test]
fn keys_and_values_of_objects_are_escaped_at_the_prompt() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = Pty::start(home.path(), &["repl", &archive("attribute_matrix"), "--quiet"]);
    let key = "\\u{1b}]0;owned\\u{7}\\u{202e}";
    for value in ["{ \"KEY\": 1 }", "[{ \"KEY\": \"KEY\" }]", "[\"KEY\"]"] {
        let value = value.replace("KEY", key);
        pty.expect("> ").send(&format!("mod::attribute_matrix::echo::any({value})\r"));
        // Once in the line that was typed, and once in the answer.
        pty.expect("echo::any").expect("owned").expect("\n").expect("owned");
    }
    let (_, output) = {
        pty.expect("> ").send("\u{4}");
        pty.end()
    };
    for unsafe_text in ["\u{1b}]0;owned", "\u{202e}"] {
        assert!(!output.contains(unsafe_text), "{output:?}");
    }
}
