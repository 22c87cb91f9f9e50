//! Calls that are recorded, and made again.

use std::fs;
use std::path::Path;

use crate::support::{Ran, archive, snapshot_all, surrealism, surrealism_in, surrealism_with};

/// Records a call of `host`.
fn record(file: &Path, args: &[&str], code: i32) -> Ran {
    let file = file.to_str().unwrap();
    let host = archive("host");
    let args = [&["run", &host], args, &["--record", file]].concat();
    surrealism(&args).code(code)
}

#[test]
fn a_recorded_call_is_replayed_and_differences_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let (file, host) = (dir.path().join("calls.jsonl"), archive("host"));
    let answers = dir.path().join("answers");
    fs::write(&answers, "'Hello'\n").unwrap();
    let answers = answers.to_str().unwrap();
    record(&file, &["sql", "'RETURN $greeting'", "--answers", answers], 0).stdout("'Hello'");
    let replay = || surrealism_in(dir.path(), &["replay", "calls.jsonl", &host]);
    let same = replay().code(0);

    let recorded = fs::read_to_string(&file).unwrap();
    let change = |old: &str, new: &str| {
        assert!(recorded.contains(old), "{recorded}");
        fs::write(&file, recorded.replace(old, new)).unwrap();
    };
    change(
        "\"host\":[{\"host\":\"sql\",\"args\":[\"RETURN",
        "\"host\":[{\"host\":\"sql\",\"args\":[\"SELECT",
    );
    let diverged = replay().code(1);
    change("\"outcome\":{\"ok\":\"Hello\"}", "\"outcome\":{\"ok\":\"Bye\\u001b[31m\"}");
    let differs = replay().code(1);
    change("/host ", "/other ");
    let other = replay().code(1);
    fs::write(&file, "text").unwrap();
    let invalid = replay().code(2);
    snapshot_all("replay", [same, diverged, differs, other, invalid]);
}

#[test]
fn a_call_that_failed_is_replayed_as_it_failed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("calls.jsonl");
    record(&file, &["kv::get_int", "'a'"], 0);
    record(&file, &["sql", "'RETURN 1'"], 1);
    let args = ["replay", file.to_str().unwrap(), &archive("host")];
    surrealism(&args).code(0).stdout_contains(&["1 same sql(\"RETURN 1\") (host calls: 1)"]);
    let args = [&args[..], &["--call", "2"]].concat();
    surrealism(&args).code(1).stderr_contains(&["has no call 2 of host"]);
}

#[test]
fn a_recording_is_private_and_has_no_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let (file, host) = (dir.path().join("calls.jsonl"), archive("host"));
    let args = ["run", &host, "kv::set", "'a'", "'my hunter2'", "--record", "calls.jsonl"];
    let secret = ["--record-secret", "SHOP_PASSWORD"];
    let variables = [("SHOP_PASSWORD", "hunter2".as_ref())];
    surrealism_with(dir.path(), &[&args[..], &secret].concat(), &variables).code(0);
    let recorded = fs::read_to_string(&file).unwrap();
    assert!(recorded.contains("my [secret]") && !recorded.contains("hunter2"), "{recorded}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    surrealism_in(dir.path(), &[&args[..], &secret].concat())
        .code(2)
        .stderr_contains(&["cannot blank the environment variable SHOP_PASSWORD"]);
    surrealism_in(dir.path(), &["run", &host, "sql", "'RETURN 1'", "--record", "missing/calls"])
        .code(2)
        .stderr_contains(&["cannot write missing/calls"]);
}
