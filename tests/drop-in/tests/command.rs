//! The command `surrealism` with a real server.

mod database;

use std::path::{Path, PathBuf};
use std::process::Command;

use database::{PASSWORD, Server, archive};

/// Returns the path of the command that `cargo xtask guests` built.
fn surrealism() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/debug/surrealism");
    assert!(path.exists(), "{} is missing: run `cargo xtask guests` first", path.display());
    path
}

/// Runs the command with a database and `lines` as its input. Returns the exit code, stdout and stderr.
fn run(server: &Server, args: &[&str], lines: &str) -> (i32, String, String) {
    let directory = std::env::temp_dir();
    let input = directory.join(format!("surrealism-lines-{}-{}", std::process::id(), server.port));
    std::fs::write(&input, lines).unwrap();
    let output = Command::new(surrealism())
        .args(args)
        .args(["--db", &server.address("ws"), "--ns", "test", "--database", "test"])
        .env("SURREALISM_DB_USER", "root")
        .env("SURREALISM_DB_PASS", PASSWORD)
        .stdin(std::fs::File::open(&input).unwrap())
        .output()
        .unwrap();
    std::fs::remove_file(input).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn run_uses_the_database_of_its_options() {
    let server = Server::start();
    let host = archive("host");
    let host = host.to_str().unwrap();
    for (args, code, expected) in [
        (&["sql", "'RETURN session::db()'"][..], 0, "'test'"),
        (&["sql_with_vars", "'RETURN $x + 1'", "{ x: 1 }"], 0, "2"),
        (&["run", "'string::len'", "NONE", "['four']"], 0, "4"),
        (&["sql", "\"THROW 'no luck'\""], 1, "no luck"),
    ] {
        let (exit, stdout, stderr) =
            run(&server, &[&["run", "--allow-all", host], args].concat(), "");
        let output = if code == 0 { stdout.trim_end() } else { stderr.as_str() };
        assert!(exit == code && output.contains(expected), "{args:?}: {exit}\n{stdout}\n{stderr}");
    }
}

#[test]
fn repl_lines_reach_modules_and_the_database() {
    let server = Server::start();
    let (host, text) = (archive("host"), archive("text"));
    let archives = ["repl", "--allow-all", host.to_str().unwrap(), text.to_str().unwrap()];
    let lines = "\
        CREATE page:one SET title = 'Grüße aus Köln'\n\
        mod::text::slug('Hello, world')\n\
        mod::text::slug((SELECT VALUE title FROM ONLY page:one))\n\
        mod::host::sql('SELECT VALUE title FROM page')\n\
        mod::host::run('mod::text::slug', NONE, ['A B'])\n\
        SELECT VALUE title FROM page;\n\
        mod::text::slug(no_such(1))\n\
        RETURN 'never'\n";
    let (code, stdout, stderr) = run(&server, &archives, lines);
    assert_eq!(
        stdout.lines().collect::<Vec<_>>(),
        [
            "[{ id: page:one, title: 'Grüße aus Köln' }]",
            "'hello-world'",
            "'grusse-aus-koln'",
            "['Grüße aus Köln']",
            "'a-b'",
            "['Grüße aus Köln']",
        ],
        "{stderr}"
    );
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("line 7") && stderr.contains("no_such"), "{stderr}");
    assert!(!stderr.contains(PASSWORD), "{stderr}");
}
