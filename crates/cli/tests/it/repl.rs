//! Scripts for the REPL, without a database. `tests/drop-in` tests it with a real server.

use std::fs;

use crate::support::{archive, snapshot, snapshot_all, surrealism, surrealism_reading};

#[test]
fn lines_are_evaluated_in_order() {
    let lines = "\
        mod::attribute_matrix::math::add(1, 2)\n\
        \n\
        -- a comment\n\
        mod::attribute_matrix('Ada');\n\
        mod::attribute_matrix::echo::any([{ a: 1 }])\n\
        mod::host::run('mod::attribute_matrix::math::add', NONE, [3, 4])\n\
        mod::host::print::line('aside')\n\
        :quit\n\
        mod::attribute_matrix::fail::by_alias()\n";
    surrealism_reading(&["repl", &archive("attribute_matrix"), &archive("host")], lines)
        .code(0)
        .stdout("3\n'hello Ada'\n[{ a: 1 }]\n7\nNONE")
        .stderr_contains(&["aside\n"]);
}

#[test]
fn a_line_of_a_script_goes_on_until_its_brackets_are_closed() {
    let lines = "\
        -- it's a comment\n\
        mod::attribute_matrix::echo::object({\n  a: 1, # don't\n  b: 2\n})\n\
        /* both */ mod::attribute_matrix::math(); mod::attribute_matrix::math() // twice\n\
        mod::attribute_matrix::math::add(\n1,\n'x')\n";
    surrealism_reading(&["repl", &archive("attribute_matrix")], lines)
        .code(1)
        .stdout("{ a: 1, b: 2 }\n42\n42")
        .stderr_contains(&["line 7"]);
    surrealism_reading(&["repl", &archive("attribute_matrix")], "mod::attribute_matrix::math(")
        .code(1)
        .stderr_contains(&["line 1", "cannot run"]);
}

#[test]
fn modules_share_the_file_of_kv_and_not_its_keys() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kv.redb");
    let (kv_atomic, host) = (archive("kv_atomic"), archive("host"));
    let run = |lines| {
        surrealism_reading(&["repl", &kv_atomic, &host, "--kv", file.to_str().unwrap()], lines)
    };
    run("mod::kv_atomic::increment('a', 5)\nmod::host::kv::set('a', 'mine')")
        .code(0)
        .stdout("5\nNONE");
    run("mod::kv_atomic::increment('a', 5)\nmod::host::kv::get('a')").code(0).stdout("10\n'mine'");
}

#[test]
fn functions_and_help_are_printed() {
    let archives = [archive("kv_atomic"), archive("state")];
    let ran = surrealism_reading(&["repl", &archives[0], &archives[1]], ":functions\n:help");
    snapshot("repl_functions", ran.code(0));
}

#[test]
fn a_script_stops_at_the_first_error() {
    let matrix = archive("attribute_matrix");
    let lines = [
        "mod::attribute_matrix::fail::with_text('no luck')",
        "mod::attribute_matrix::math::ad(1, 2)",
        "mod::matrix::math()",
        "mod::attribute_matrix::math::add(1 + 1.5, 2)",
        "SELECT * FROM page",
        "mod::attribute_matrix::math() + 1",
    ];
    let runs = lines.map(|line| {
        let script =
            format!("mod::attribute_matrix::math()\n{line}\nmod::attribute_matrix::math()\n");
        surrealism_reading(&["repl", &matrix], &script).code(1).stdout("42")
    });
    snapshot_all("repl_errors", runs);
}

#[test]
fn limits_and_names_of_modules_are_enforced() {
    let spin = "mod::hostile::spin_forever()";
    surrealism_reading(&["repl", &archive("hostile"), "--timeout", "100ms"], spin)
        .code(124)
        .stderr_contains(&["line 1", "100ms", "hint: raise the time limit with `--timeout`"]);
    let state = archive("state");
    surrealism_reading(&["repl", &state, &state], "")
        .code(2)
        .stderr_contains(&["duplicate module name state"]);
}

#[test]
fn an_unusable_database_is_reported_without_secrets() {
    let guest = archive("attribute_matrix");
    let pem = tempfile::NamedTempFile::new().unwrap();
    let pem = pem.path().to_str().unwrap();
    fs::write(pem, "text").unwrap();
    let unreachable = "ws://127.0.0.1:9";
    let token = ["--token", "hunter2"];
    let cases: [(&[&str], i32, &str); 7] = [
        (&[unreachable, "--user", "ada", token[0], token[1]], 2, "both a token and a user are set"),
        (&[unreachable], 1, "ws://127.0.0.1:9/"),
        (&["ws://ada:hunter2@127.0.0.1:9"], 1, "credentials"),
        (&[unreachable, "--user", "ada"], 2, "the user has no password; set SURREALISM_DB_PASS"),
        (
            &[unreachable, "--pass", "hunter2"],
            2,
            "the password has no user; set SURREALISM_DB_USER",
        ),
        (&[unreachable, "--ca", "missing.pem"], 2, "cannot read missing.pem"),
        (&[unreachable, "--ca", pem], 1, "PEM"),
    ];
    for (args, code, expected) in cases {
        for command in [&["run", &guest, "math"][..], &["repl", &guest]] {
            let ran = surrealism(&[command, &["--db"], args].concat()).code(code).stdout("");
            assert!(!ran.stderr.contains("hunter2"), "{ran}");
            ran.stderr_contains(&[expected]);
        }
    }
}

/// Sessions on a terminal.
#[cfg(target_os = "linux")]
mod interactive {
    use std::fs;

    use crate::pty::Pty;
    use crate::support::archive;

    #[test]
    fn ctrl_c_stops_a_call_and_not_the_session() {
        let home = tempfile::tempdir().unwrap();
        let mut pty = Pty::start(
            home.path(),
            &["repl", &archive("hostile"), &archive("state"), "--timeout", "1h", "--quiet"],
        );
        for call in ["mod::hostile::spin_forever()", "mod::hostile::sleep(3600000)"] {
            pty.expect("> ").send(&format!("{call}\r")).expect(")").expect("\n");
            // The terminal is in canonical mode while the call runs, and sends SIGINT for the key.
            pty.wait_for_canonical_mode().send("\u{3}").expect("interrupted");
        }
        pty.expect("> ").send("mod::state::count()\r").expect("count()").expect("\n").expect("1");
        pty.expect("> ").send("\u{3}").expect("> ").send(":quit\r");
        let (code, output) = pty.end();
        assert_eq!(code, 0, "{output}");
        let history = fs::read_to_string(home.path().join("surrealism/history")).unwrap();
        assert!(history.contains("spin_forever") && history.contains("count"), "{history}");
    }

    #[test]
    fn pasted_calls_run_one_after_the_other() {
        let home = tempfile::tempdir().unwrap();
        let mut pty = Pty::start(home.path(), &["repl", &archive("state"), "--quiet"]);
        let paste = "mod::state::count()\nmod::state::count()";
        pty.expect("> ").send(&format!("\u{1b}[200~{paste}\u{1b}[201~")).expect("count()");
        pty.expect("count()").send("\r").expect("\n1\r\n").expect("2\r\n").expect("> ");
        pty.send("\u{4}");
        let (code, output) = pty.end();
        assert_eq!(code, 0, "{output}");
    }

    #[test]
    fn pastes_may_have_comments_and_calls_over_several_lines() {
        let home = tempfile::tempdir().unwrap();
        let archives = [archive("state"), archive("attribute_matrix")];
        let mut pty = Pty::start(home.path(), &["repl", &archives[0], &archives[1], "--quiet"]);
        let paste = "-- it's a comment\n\
            mod::attribute_matrix::echo::object({\n  a: 1, // don't\n  b: [\n    2,\n  ],\n});\n\
            mod::state::count(); mod::state::count() # twice";
        pty.expect("> ").send(&format!("\u{1b}[200~{paste}\u{1b}[201~")).expect("# twice");
        pty.send("\r").expect("\n{ a: 1, b: [2] }\r\n").expect("\n1\r\n2\r\n").expect("> ");

        // Typed, or pasted into a terminal that does not mark pastes: each line ends with Enter.
        pty.send("mod::attribute_matrix::math::add(\r").expect("add(");
        pty.send("1, -- (one\r").expect("one").send("2)\r").expect("\n3\r\n").expect("> ");
        // A bracket too many is left by Ctrl-C.
        pty.send("mod::state::count((\r").expect("count((").send("\u{3}");
        // The line ends before the next prompt; it has one of its own, which is drawn again.
        pty.expect("?2004l").expect("> ");
        pty.send("mod::state::count()\r").expect("\n3\r\n").expect("> ");
        pty.send("\u{4}");
        let (code, output) = pty.end();
        assert_eq!(code, 0, "{output}");
    }

    #[test]
    fn a_killed_session_leaves_its_history() {
        let home = tempfile::tempdir().unwrap();
        let args = ["repl", &archive("state"), "--quiet"];
        let mut sessions = [0, 1].map(|_| Pty::start(home.path(), &args));
        for (number, session) in sessions.iter_mut().enumerate() {
            session.expect("> ").send(&format!("-- line of {number}\r")).expect("of").expect("> ");
        }
        sessions.into_iter().for_each(Pty::kill);
        let mut later = Pty::start(home.path(), &args);
        later.expect("> ").send("\u{1b}[A").expect("line of 1");
        later.send("\u{1b}[A").expect("line of 0").send("\u{3}").expect("> ").send("\u{4}");
        assert_eq!(later.end().0, 0);
    }

    /// The command ends, and the next one loads.
    #[test]
    fn ctrl_c_ends_a_load() {
        let home = tempfile::tempdir().unwrap();
        let args = ["repl", &archive("text"), "--no-cache"];
        let mut pty = Pty::start(home.path(), &args);
        pty.expect("Compiling").send("\u{3}");
        let (code, output) = pty.end();
        assert_eq!(code, 130, "{output}");
        assert!(!output.contains("> "), "{output}");
        let mut later = Pty::start(home.path(), &["repl", &archive("text"), "--quiet"]);
        later.expect("> ").send("\u{4}");
        assert_eq!(later.end().0, 0);
    }

    #[test]
    fn sessions_at_the_same_time_share_the_history() {
        let home = tempfile::tempdir().unwrap();
        let args = ["repl", &archive("state"), "--quiet"];
        let mut sessions = [0, 1].map(|_| Pty::start(home.path(), &args));
        for session in &mut sessions {
            session.expect("> ");
        }
        for round in ["first", "second"] {
            for (number, session) in sessions.iter_mut().enumerate() {
                session.send(&format!("-- {round} of {number}\r")).expect("of").expect("> ");
            }
        }
        for mut session in sessions {
            session.send(":quit\r");
            assert_eq!(session.end().0, 0);
        }
        let mut later = Pty::start(home.path(), &args);
        // The lines before `:quit`, which both sessions added.
        later.expect("> ").send("\u{1b}[A\u{1b}[A\u{1b}[A").expect("second of 1");
        later.send("\u{1b}[A").expect("second of 0").send("\u{3}").expect("> ").send("\u{4}");
        later.end();
        let history = fs::read_to_string(home.path().join("surrealism/history")).unwrap();
        for line in ["first of 0", "first of 1", "second of 0", "second of 1"] {
            assert!(history.contains(line), "{history}");
        }
    }
}
