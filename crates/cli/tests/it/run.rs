//! Calls of functions in archives of `guests/`.

use crate::support::{archive, snapshot_all, surrealism};

#[test]
fn control_characters_are_escaped_in_output_and_kept_in_results() {
    let unsafe_text = "'\u{1b}[2J\u{7}'";
    surrealism(&["run", &archive("attribute_matrix"), "echo::any", unsafe_text])
        .code(0)
        .stdout(unsafe_text);
    surrealism(&["run", &archive("host"), "print::line", unsafe_text])
        .code(0)
        .stderr_contains(&["\\u{1b}[2J\\u{7}\n"]);
}

#[test]
fn literals_are_passed_and_results_are_surrealql() {
    let guest = archive("attribute_matrix");
    let cases: [(&[&str], &str); 11] = [
        (&["-", "'Ada'"], "'hello Ada'"),
        (&["math::add", "1", "-2"], "-1"),
        (&["math"], "42"),
        (&["echo::any", "[1, { a: NONE }]"], "[1, { a: NONE }]"),
        (&["echo::duration", "1h30m"], "1h30m"),
        (&["echo::record", "person:one"], "person:one"),
        (&["echo::datetime", "d'2024-01-01T00:00:00Z'"], "d'2024-01-01T00:00:00Z'"),
        (&["echo::float", "1.5"], "1.5f"),
        (&["other::renamed", "7"], "7"),
        (&["--json", "echo::any", r#"{"a":[1,null]}"#], r#"{"a":[1,null]}"#),
        (&["echo::string", "--json", "\"it's\""], r#""it's""#),
    ];
    for (args, expected) in cases {
        let args = [&["run", guest.as_str()], args].concat();
        surrealism(&args).code(0).stdout(expected);
    }
}

#[test]
fn failed_calls_print_a_reason() {
    let (matrix, host) = (archive("attribute_matrix"), archive("host"));
    let (hostile, broken) = (archive("hostile"), archive("broken-init"));
    let cases: [(&[&str], i32); 12] = [
        (&[&matrix, "math::ad"], 1),
        (&[&matrix, "'Ada'"], 1),
        (&[&matrix, "math::add", "1"], 1),
        (&[&matrix, "math::add", "1", "'x'"], 1),
        (&[&matrix, "fail::with_text", "'no luck'"], 1),
        (&[&hostile, "panics", "'at the disco'"], 1),
        (&[&broken, "unreachable"], 1),
        (&[&host, "sql", "'RETURN 1'"], 1),
        (&[&hostile, "spin_forever", "--timeout", "200ms"], 124),
        (&[&hostile, "sleep", "60000", "--timeout", "200ms"], 124),
        (&[&hostile, "hog", "--memory", "16MiB"], 1),
        (&[&hostile, "recurse"], 1),
    ];
    let runs =
        cases.map(|(args, code)| surrealism(&[&["run"], args].concat()).code(code).stdout(""));
    snapshot_all("run_errors", runs);
}

#[test]
fn a_guests_output_goes_to_stderr() {
    let host = archive("host");
    surrealism(&["run", &host, "print::line", "'hello'"])
        .code(0)
        .stdout("NONE")
        .stderr_contains(&["hello\n"]);
    surrealism(&["run", &host, "print::error_line", "'oh'"])
        .code(0)
        .stdout("NONE")
        .stderr_contains(&["oh\n"]);
}

#[test]
fn a_guest_has_a_store_and_attached_files() {
    surrealism(&["run", &archive("host"), "kv::set", "'a'", "1"]).code(0).stdout("NONE");
    surrealism(&["run", &archive("host"), "kv::get", "'a'"]).code(0).stdout("NONE");
    surrealism(&["run", &archive("files"), "list", "'/'"]).code(0).stdout_contains(&["hello.txt"]);
}

#[test]
fn a_store_persists_in_the_file_of_kv() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kv.redb");
    let guest = archive("kv_atomic");
    for sum in ["5", "10"] {
        surrealism(&["run", &guest, "increment", "'a'", "5", "--kv", file.to_str().unwrap()])
            .code(0)
            .stdout(sum);
    }
    surrealism(&["run", &guest, "increment", "'a'", "5"]).code(0).stdout("5");
    surrealism(&["run", &guest, "increment", "'a'", "5", "--kv", "redis://127.0.0.1:1"])
        .code(1)
        .stderr_contains(&["cannot connect to Redis at 127.0.0.1:1"]);
}

#[test]
fn repeated_calls_share_an_instance() {
    surrealism(&["run", &archive("state"), "count", "--repeat", "50"])
        .code(0)
        .stdout("50")
        .stderr_contains(&["Calls", "Median", "p99", "Calls per second", "50 "]);
    surrealism(&["run", &archive("state"), "count", "--repeat", "5", "--quiet"])
        .code(0)
        .stdout("5");
}
