//! Help, invalid command lines and completions.

use std::fs;

use crate::support::{snapshot, snapshot_all, surrealism, surrealism_in};

const COMMANDS: [&str; 11] = [
    "new",
    "build",
    "info",
    "diff",
    "run",
    "repl",
    "replay",
    "test",
    "check",
    "module",
    "completions",
];

#[test]
fn help_lists_the_commands_the_cache_and_the_exit_codes() {
    let long = surrealism(&["--help"]).code(0);
    let short = surrealism(&["-h"]).code(0);
    snapshot_all("help", [long, short]);
}

#[test]
fn each_command_has_help_with_examples() {
    for command in COMMANDS {
        let ran = surrealism(&[command, "--help"]).code(0).stdout_contains(&[
            "Usage: surrealism",
            "Examples:",
            &format!("  surrealism {command} "),
        ]);
        snapshot(&format!("help_{command}"), ran);
    }
}

#[test]
fn an_invalid_command_line_exits_with_2() {
    let cases: [&[&str]; 12] = [
        &[],
        &["biuld"],
        &["info"],
        &["run", "x.surli", "f", "--repeat", "0"],
        &["run", "x.surli", "f", "--timeout", "soon"],
        &["run", "x.surli", "f", "--memory", "much"],
        &["run", "x.surli", "f", "--ns", "n"],
        &["run", "x.surli", "f", "--db", "ws://x", "--database", "d"],
        &["repl"],
        &["repl", "x.surli", "--auth-level", "boss"],
        &["build", "--wasm", "x.wasm", "--debug"],
        &["new", "demo", "--version", "one"],
    ];
    let runs = cases.map(|args| surrealism(args).code(2).stdout(""));
    snapshot_all("invalid_command_lines", runs);
}

#[test]
fn arguments_are_parsed_before_the_archive_is_opened() {
    let cases: [&[&str]; 5] =
        [&["hello"], &["[1, 2"], &["1 + 1.5"], &["--json", "'x'"], &["1", "rand()"]];
    let runs = cases.map(|args| {
        surrealism(&[&["run", "missing.surli", "f"], args].concat()).code(2).stdout("")
    });
    snapshot_all("invalid_arguments", runs);
}

#[test]
fn files_that_are_not_archives_are_rejected() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("text.surli"), "not an archive").unwrap();
    for command in ["info", "run"] {
        surrealism_in(dir.path(), &[command, "missing.surli"])
            .code(4)
            .stdout("")
            .stderr_contains(&["error: cannot open missing.surli", "No such file"]);
        surrealism_in(dir.path(), &[command, "text.surli"])
            .code(4)
            .stdout("")
            .stderr_contains(&["error: ", "text.surli"]);
    }
    surrealism_in(dir.path(), &["check", "text.surli"])
        .code(1)
        .stdout_contains(&["FAILED  archive", "text.surli"]);
}

#[test]
fn completions_are_generated_for_shells() {
    for (shell, expected) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef surrealism"),
        ("fish", "complete -c surrealism"),
    ] {
        surrealism(&["completions", shell]).code(0).stdout_contains(&[expected]);
    }
}
