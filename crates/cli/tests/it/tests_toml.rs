//! `surrealism test`, and answers for `sql` and `run` without a database.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::support::{archive, snapshot, surrealism, surrealism_in, surrealism_reading};

/// Puts an archive and its tests into a directory.
fn suite(guest: &str, tests: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(archive(guest), dir.path().join("x.surli")).unwrap();
    fs::write(dir.path().join("tests.toml"), tests).unwrap();
    dir
}

/// Runs the tests, without their times.
fn test(dir: &Path, args: &[&str], code: i32) -> String {
    let ran = surrealism_in(dir, &[&["test", "x.surli"], args].concat()).code(code);
    let lines =
        ran.stdout.lines().map(|line| line.rsplit_once(" (").map_or(line, |(line, _)| line));
    lines.collect::<Vec<_>>().join("\n") + &ran.stderr
}

const TESTS: &str = r#"
[[test]]
name = "the default function"
args = ["'Ada'"]
expect = "'hello Ada'"

[[test]]
fn = "math::add"
args = ["1", "2"]
expect = "4"

[[test]]
name = "blanks do not matter"
fn = "echo::any"
args = ["{ a: [1, 2] }"]
expect = "{a:[1,2]}"

[[test]]
name = "one field differs"
fn = "echo::any"
args = ["{ a: 1, b: 2 }"]
expect = "{ a: 1, b: 3 }"

[[test]]
name = "an error is expected"
fn = "fail::with_text"
args = ["'no luck'"]
error = "no luck"

[[test]]
name = "an error is not expected"
fn = "fail::with_text"
args = ["'no luck'"]

[[test]]
name = "an argument is not a value"
fn = "echo::any"
args = ["hello world"]

[[test]]
name = "too slow"
fn = "later"
args = ["1", "60000"]
timeout = 0.2
error = "200ms"
"#;

#[test]
fn tests_pass_or_show_the_difference() {
    let dir = suite("attribute_matrix", TESTS);
    snapshot("test", test(dir.path(), &["--junit", "results.xml"], 1));
    let junit = fs::read_to_string(dir.path().join("results.xml")).unwrap();
    for expected in [
        "tests=\"8\" failures=\"4\"",
        "<testcase name=\"the default function\" time=\"",
        "<failure message=\"expected { a: 1, b: 3 }\">got { a: 1, b: 2 }</failure>",
    ] {
        assert!(junit.contains(expected), "{junit} lacks {expected}");
    }
    let filtered = test(dir.path(), &["--filter", "default"], 0);
    assert!(filtered.ends_with("1 passed, 0 failed, 7 filtered out"), "{filtered}");
}

#[test]
fn each_test_has_a_module_of_its_own() {
    let count = "[[test]]\nfn = \"count\"\nexpect = \"1\"\n";
    let dir = suite("state", &count.repeat(3));
    assert!(test(dir.path(), &[], 0).contains("3 passed"));
}

#[test]
fn invalid_suites_are_refused() {
    let no_tests = "cannot read tests.toml";
    for (tests, args, code, expected) in [
        ("[[test]]\nfn = \"f\"\nexpects = \"1\"\n", &[][..], 2, "unknown field `expects`"),
        ("[[tests]]\nfn = \"f\"\n", &[], 2, "unknown field `tests`"),
        (
            "[[test]]\nfn = \"count\"\n",
            &["--filter", "x"],
            1,
            "no test of tests.toml contains \"x\"",
        ),
        ("oops", &[], 2, no_tests),
    ] {
        let dir = suite("state", tests);
        let output = test(dir.path(), args, code);
        assert!(output.contains(expected), "{output}");
    }
    let dir = suite("state", "[[test]]\nfn = \"count\"\n");
    fs::write(dir.path().join("x.surli"), "text").unwrap();
    assert!(test(dir.path(), &[], 4).contains("it is a text file"));
    fs::remove_file(dir.path().join("tests.toml")).unwrap();
    assert!(test(dir.path(), &[], 2).contains("no tests: tests.toml does not exist"));
}

/// What cannot be known before is matched, and the tests run at once.
#[test]
fn patterns_match_what_cannot_be_compared() {
    let test = |like: &str| {
        format!("[[test]]\nfn = \"echo::any\"\nargs = [\"{{ at: time, id: 'x1' }}\"]\nlike = \"{like}\"\n")
            .replace("time", "d'2026-01-01T00:00:00Z'")
    };
    let tests = [test("{ at: d'*', id: '*' }"), test("{ at: d'*', id: 'y*' }")].concat().repeat(4);
    for jobs in ["1", "8"] {
        let dir = suite("attribute_matrix", &tests);
        let output = self::test(dir.path(), &["--jobs", jobs], 1);
        assert!(output.contains("4 passed, 4 failed"), "{output}");
        assert!(output.contains("a result like { at: d'*', id: 'y*' }"), "{output}");
        let order: Vec<_> = output.lines().filter_map(|line| line.split(' ').next()).collect();
        let order: Vec<_> = order.iter().filter(|word| ["ok", "FAILED"].contains(word)).collect();
        assert_eq!(order.len(), 8, "{output}");
        assert!(order.chunks(2).all(|pair| *pair[0] == "ok"), "{output}");
    }
}

#[test]
fn bless_writes_what_came() {
    let dir = suite("attribute_matrix", TESTS);
    let output = test(dir.path(), &["--bless"], 1);
    assert!(output.contains("Blessed"), "{output}");
    let tests = fs::read_to_string(dir.path().join("tests.toml")).unwrap();
    let expected = TESTS
        .replace("expect = \"4\"", "expect = \"3\"")
        .replace("expect = \"{ a: 1, b: 3 }\"", "expect = \"{ a: 1, b: 2 }\"");
    assert_eq!(tests, expected);
    // What is expected to fail, or to succeed, is not changed.
    let again = test(dir.path(), &["--bless"], 1);
    assert!(!again.contains("Blessed"), "{again}");
}

#[test]
fn lines_answer_queries_and_calls_in_order() {
    let tests = r#"
[[test]]
fn = "sql"
args = ["'SELECT * FROM page'"]
stdin = "[{ id: page:1 }]"
expect = "[{ id: page:1 }]"

[[test]]
name = "a line that is not a value is not an answer"
fn = "run"
args = ["'fn::greet'", "NONE", "['Ada']"]
stdin = "not a value\n'hello'\n'unused'"
expect = "'hello'"

[[test]]
name = "the end of the lines"
fn = "sql"
args = ["'RETURN 1'"]
error = "no answer"
"#;
    let dir = suite("host", tests);
    assert!(test(dir.path(), &[], 0).contains("3 passed"));
}

#[test]
fn run_takes_answers_from_a_file_or_stdin() {
    let host = archive("host");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("answers");
    fs::write(&file, "42\n").unwrap();
    let file = file.to_str().unwrap();
    surrealism(&["run", &host, "sql", "'RETURN 1'", "--answers", file])
        .code(0)
        .stdout("42")
        .stderr_contains(&["sql: RETURN 1"]);
    surrealism_reading(
        &["run", &host, "sql", "'RETURN 1'", "--answers", "-"],
        "oops oops\n{ a: 1 }\n",
    )
    .code(0)
    .stdout("{ a: 1 }")
    .stderr_contains(&["oops oops", "the next line has to answer"]);
    surrealism(&["run", &host, "sql", "'RETURN 1'", "--answers", "-"])
        .code(1)
        .stderr_contains(&["no answer: the lines of answers are at their end"]);
    surrealism(&["run", &host, "sql", "'RETURN 1'", "--answers", "missing"])
        .code(2)
        .stderr_contains(&["cannot read the answers in missing"]);
}

/// A sparse file, of which more than the limit is not read.
#[test]
fn too_many_answers_are_refused() {
    const LIMIT: u64 = 64 << 20;
    let dir = tempfile::tempdir().unwrap();
    let mut file = fs::File::create(dir.path().join("answers")).unwrap();
    file.write_all(b"42\n").unwrap();
    let host = archive("host");
    let run = || surrealism_in(dir.path(), &["run", &host, "sql", "'x'", "--answers", "answers"]);
    file.set_len(LIMIT + 1).unwrap();
    run().code(2).stderr_contains(&["more than 64.0 MiB", "`--answers -`"]);
    file.set_len(LIMIT).unwrap();
    run().code(0).stdout("42");
}

/// The flags of the published command, and what it prints.
#[test]
fn scripts_for_the_published_command_run() {
    let (matrix, host) = (archive("attribute_matrix"), archive("host"));
    surrealism(&["module", "run", "--arg", "'Ada'", &matrix]).code(0).stdout("✅ 'hello Ada'");
    surrealism(&["module", "run", "--fnc", "math::add", "--arg", "1", "--arg", "-2", &matrix])
        .code(0)
        .stdout("✅ -1");
    surrealism(&[
        "module",
        "--log",
        "debug",
        "run",
        "--fnc",
        "fail::with_text",
        "--arg",
        "'no'",
        &matrix,
    ])
    .code(1)
    .stdout("")
    .stderr_contains(&["❌ no"]);
    surrealism_reading(&["module", "run", "--fnc", "sql", "--arg", "'RETURN 1'", &host], "7\n")
        .code(0)
        .stdout("sql: RETURN 1\n✅ 7");
    surrealism(&["module", "run", "--fnc", "print::line", "--arg", "'said'", &host])
        .code(0)
        .stdout("[surli::out] said\n✅ NONE");
    surrealism(&["module", "run", "--fnc", "print::error_line", "--arg", "'said'", &host])
        .code(0)
        .stderr_contains(&["[surli::err] said"]);
    surrealism(&["module", "sig", "--fnc", "math::add", &matrix])
        .code(0)
        .stdout("math::add(a: int, b: int) -> int");
    surrealism(&["module", "sig", &matrix])
        .code(0)
        .stdout_contains(&["echo::any(x: any) -> any\n"]);
    surrealism(&["module", "sig", "--fnc", "nobody", &matrix])
        .code(1)
        .stderr_contains(&["has no function \"nobody\""]);
    surrealism(&["module", "info", &matrix]).code(0).stdout_contains(&["Capabilities"]);

    let dir = tempfile::tempdir().unwrap();
    let init = ["module", "init", "demo", "--headless", "--org", "acme", "--name", "x"];
    surrealism_in(dir.path(), &init).code(0);
    let config = fs::read_to_string(dir.path().join("demo/surrealism.toml")).unwrap();
    assert!(config.contains("organisation = \"acme\"\nname = \"x\""), "{config}");
    surrealism_in(dir.path(), &["module", "build", "--debug", "-o", "x.surli", "missing"])
        .code(3)
        .stderr_contains(&["cannot find missing"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_user_at_a_terminal_is_asked() {
    let home = tempfile::tempdir().unwrap();
    let host = archive("host");
    let args = ["run", &host, "sql", "'RETURN 1'", "--answers", "-"];
    let mut pty = crate::pty::Pty::start(home.path(), &args);
    pty.expect("sql: RETURN 1").send("what?\r").expect("the next line has to answer");
    pty.send("[4, 2]\r").expect("[4, 2]").expect("[4, 2]");
    assert_eq!(pty.end().0, 0);
}
