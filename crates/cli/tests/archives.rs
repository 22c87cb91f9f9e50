//! What the command makes of archives that are built from `guests/`.

mod support;

use serde_json::Value;
use support::{archive, surrealism};
use surrealism_runtime::SurrealismPackage;

#[test]
fn what_a_guest_says_steers_no_terminal_and_reaches_a_pipe_unchanged() {
    let steering = "'\u{1b}[2J\u{7}'";
    surrealism(&["run", &archive("attribute_matrix"), "echo::any", steering])
        .code(0)
        .answers(steering);
    surrealism(&["run", &archive("host"), "print::line", steering])
        .code(0)
        .says(&["\\u{1b}[2J\\u{7}\n"]);
}

#[test]
fn functions_take_literals_and_answer_in_surrealql() {
    let calls = archive("attribute_matrix");
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
        let args = [&["run", calls.as_str()], args].concat();
        surrealism(&args).code(0).answers(expected);
    }
}

#[test]
fn calls_that_fail_say_why() {
    let (calls, host) = (archive("attribute_matrix"), archive("host"));
    let (hostile, broken) = (archive("hostile"), archive("broken-init"));
    let cases: [(&[&str], i32, &[&str]); 12] = [
        (&[&calls, "math::ad"], 1, &["no function `math::ad`", "`math::add`", "function is `-`"]),
        (&[&calls, "'Ada'"], 1, &["no function `'Ada'`", "default function is `-`"]),
        (&[&calls, "math::add", "1"], 1, &["takes 2 arguments, and the call has 1"]),
        (&[&calls, "math::add", "1", "'x'"], 1, &["error: argument `b`"]),
        (&[&calls, "fail::with_text", "'no luck'"], 1, &["error: no luck"]),
        (&[&hostile, "panics", "'at the disco'"], 1, &["panicked: at the disco"]),
        (&[&broken, "unreachable"], 1, &["about to fail", "the configuration is missing"]),
        (&[&host, "sql", "'RETURN 1'"], 1, &["`sql`"]),
        (
            &[&hostile, "spin_forever", "--timeout", "200ms"],
            124,
            &["stopped after 200ms", "help: give it more time with `--timeout`"],
        ),
        (&[&hostile, "sleep", "60000", "--timeout", "200ms"], 124, &["stopped after 200ms"]),
        (
            &[&hostile, "hog", "--memory", "16MiB"],
            1,
            &["ran out of memory", "help: give it more memory with `--memory`"],
        ),
        (&[&hostile, "recurse"], 1, &["ran out of stack"]),
    ];
    for (args, code, expected) in cases {
        let args = [&["run"], args].concat();
        surrealism(&args).code(code).answers("").says(expected);
    }
}

#[test]
fn what_guests_print_is_no_result() {
    let host = archive("host");
    surrealism(&["run", &host, "print::line", "'hello'"])
        .code(0)
        .answers("NONE")
        .says(&["hello\n"]);
    surrealism(&["run", &host, "print::error_line", "'oh'"])
        .code(0)
        .answers("NONE")
        .says(&["oh\n"]);
}

#[test]
fn a_guest_has_a_store_and_its_files() {
    surrealism(&["run", &archive("host"), "kv::set", "'a'", "1"]).code(0).answers("NONE");
    surrealism(&["run", &archive("host"), "kv::get", "'a'"]).code(0).answers("NONE");
    surrealism(&["run", &archive("files"), "list", "'/'"]).code(0).prints(&["hello.txt"]);
}

#[test]
fn a_store_lasts_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kv.redb");
    let counters = archive("kv_atomic");
    for sum in ["5", "10"] {
        surrealism(&["run", &counters, "increment", "'a'", "5", "--kv", file.to_str().unwrap()])
            .code(0)
            .answers(sum);
    }
    surrealism(&["run", &counters, "increment", "'a'", "5"]).code(0).answers("5");
    surrealism(&["run", &counters, "increment", "'a'", "5", "--kv", "redis://127.0.0.1:1"])
        .code(1)
        .says(&["cannot connect to Redis at 127.0.0.1:1"]);
}

#[test]
fn calls_are_repeated_in_one_instance() {
    surrealism(&["run", &archive("state"), "count", "--repeat", "50"])
        .code(0)
        .answers("50")
        .says(&["Calls", "Median", "p99", "Calls per second", "50 "]);
    surrealism(&["run", &archive("state"), "count", "--repeat", "5", "--quiet"])
        .code(0)
        .answers("5");
}

#[test]
fn an_archive_shows_what_it_holds() {
    surrealism(&["info", &archive("attribute_matrix")]).code(0).prints(&[
        "surrealism/calls 0.1.0 (ABI 2)",
        "(default)",
        "math::add ",
        "a: int, b: int",
        "An explicit comment.",
        "queries        denied",
    ]);
    surrealism(&["info", &archive("files")]).code(0).prints(&["in 4 files"]);
}

#[test]
fn an_archive_shows_that_it_cannot_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.surli");
    for (strict_timeout, told) in [
        (true, "stoppable      yes"),
        (false, "stoppable      NO: its code cannot be stopped while it computes"),
    ] {
        let mut package = SurrealismPackage::from_file(archive("state").into()).unwrap();
        package.config.capabilities.strict_timeout = strict_timeout;
        package.pack(file.clone(), None).unwrap();
        surrealism(&["info", file.to_str().unwrap()]).code(0).prints(&[told]);
    }
}

#[test]
fn an_archive_shows_what_it_holds_to_programs() {
    let told = surrealism(&["info", "--json", &archive("attribute_matrix")]).code(0).stdout;
    let info: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(info["name"], "calls");
    assert_eq!(info["abi"], 2);
    assert_eq!(info["capabilities"]["allow_net"], serde_json::json!([]));
    assert!(info["sizes"]["component"].as_u64() > Some(100_000), "{told}");

    let functions = info["functions"].as_array().unwrap();
    assert_eq!(functions[0]["name"], Value::Null);
    let add = functions.iter().find(|function| function["name"] == "math::add").unwrap();
    assert_eq!(add["args"][1], serde_json::json!({ "name": "b", "kind": "int" }));
    assert_eq!(add["returns"], "int");
    let commented = functions.iter().find(|function| function["name"] == "commented").unwrap();
    assert_eq!(commented["comment"], "An explicit comment.");
}

#[test]
fn every_guest_keeps_the_contract() {
    let told = surrealism(&["check", &archive("kv_atomic")]).code(0);
    told.prints(&["ok      code", "plugin/kv-atomic, which hosts of other makes lack", "kv-ttl"]);
    for guest in [
        "calls",
        "state",
        "host",
        "denied",
        "hostile",
        "files",
        "broken-init",
        "secrets",
        "net",
        "web",
    ] {
        let told = surrealism(&["check", &archive(guest)]).code(0).prints(&["ok      code"]);
        assert!(!told.stdout.contains("of other makes lack"), "{told}");
    }
}
