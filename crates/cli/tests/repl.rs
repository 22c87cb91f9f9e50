//! Functions and queries line by line, as a script has them. With a database, it is tested against a
//! real server, in `tests/drop-in`.

mod support;

use std::fs;

use support::{archive, surrealism, surrealism_reading};

#[test]
fn lines_are_answered_in_order() {
    let (calls, host) = (archive("attribute_matrix"), archive("host"));
    let lines = "\
        mod::calls::math::add(1, 2)\n\
        \n\
        -- a comment\n\
        mod::calls('Ada');\n\
        mod::calls::echo::any([{ a: 1 }])\n\
        mod::host::run('mod::calls::math::add', NONE, [3, 4])\n\
        mod::host::print::line('aside')\n\
        :quit\n\
        mod::calls::fail::by_alias()\n";
    surrealism_reading(&["repl", &calls, &host], lines)
        .code(0)
        .answers("3\n'hello Ada'\n[{ a: 1 }]\n7\nNONE")
        .says(&["aside\n"]);
}

#[test]
fn modules_keep_their_keys_in_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kv.redb");
    let (counters, host) = (archive("kv_atomic"), archive("host"));
    let ask = |lines| {
        surrealism_reading(&["repl", &counters, &host, "--kv", file.to_str().unwrap()], lines)
    };
    ask("mod::counters::add('a', 5)\nmod::host::kv::set('a', 'mine')").code(0).answers("5\nNONE");
    ask("mod::counters::add('a', 5)\nmod::host::kv::get('a')").code(0).answers("10\n'mine'");
}

#[test]
fn functions_are_listed() {
    surrealism_reading(&["repl", &archive("attribute_matrix")], ":functions\n:help")
        .code(0)
        .prints(&[
            "\nmod::calls ",
            "\nmod::calls::math::add ",
            "a: int, b: int",
            "calls a function of the module",
        ]);
}

#[test]
fn the_first_line_that_fails_ends_it() {
    let calls = archive("attribute_matrix");
    for (line, expected) in [
        ("mod::calls::fail::with_text('no luck')", &["line 2", "no luck"][..]),
        ("mod::calls::math::ad(1, 2)", &["no function `math::ad`", "`math::add`"]),
        ("mod::call::math()", &["there is no module \"call\"; there is calls"]),
        ("mod::calls::math::add(1 + 1, 2)", &["no database here to compute it"]),
        ("SELECT * FROM page", &["it is for a database, and there is none", "`--db`"]),
        ("mod::calls::math() + 1", &["it is for a database, and there is none"]),
    ] {
        let lines = format!("mod::calls::math()\n{line}\nmod::calls::math()\n");
        surrealism_reading(&["repl", &calls], &lines).code(1).answers("42").says(expected);
    }
    let late = "mod::hostile::spin_forever()";
    surrealism_reading(&["repl", &archive("hostile"), "--timeout", "100ms"], late)
        .code(124)
        .says(&["line 1", "after 100ms", "help: give it more time with `--timeout`"]);
    surrealism_reading(&["repl", &calls, &calls], "")
        .code(2)
        .says(&["two archives are called calls"]);
}

#[test]
fn a_database_that_is_not_there_is_told_and_no_secret() {
    let calls = archive("attribute_matrix");
    let pem = tempfile::NamedTempFile::new().unwrap();
    let pem = pem.path().to_str().unwrap();
    fs::write(pem, "text").unwrap();
    let nobody = "ws://127.0.0.1:9";
    let token = ["--token", "hunter2"];
    let cases: [(&[&str], i32, &str); 7] = [
        (
            &[nobody, "--user", "ada", token[0], token[1]],
            2,
            "there is a token to sign in with, and a user",
        ),
        (&[nobody], 1, "the database at ws://127.0.0.1:9/ cannot be reached"),
        (&["ws://ada:hunter2@127.0.0.1:9"], 1, "has credentials in it"),
        (&[nobody, "--user", "ada"], 2, "the user needs a password: set SURREALISM_DB_PASS"),
        (&[nobody, "--pass", "hunter2"], 2, "the password needs a user: set SURREALISM_DB_USER"),
        (&[nobody, "--ca", "missing.pem"], 2, "cannot read missing.pem"),
        (&[nobody, "--ca", pem], 1, "it is no PEM with a certificate in it"),
    ];
    for (args, code, expected) in cases {
        for command in [&["run", &calls, "math"][..], &["repl", &calls]] {
            let ran = surrealism(&[command, &["--db"], args].concat()).code(code).answers("");
            assert!(!ran.stderr.contains("hunter2"), "{ran}");
            ran.says(&[expected]);
        }
    }
}
