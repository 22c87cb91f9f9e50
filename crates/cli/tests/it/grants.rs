//! What archives are granted on the command line.

use std::fs;
use std::path::Path;

use surrealism_runtime::SurrealismPackage;

use crate::support::{archive, surrealism, surrealism_without_grants};

#[test]
fn an_archive_that_asks_for_nothing_needs_no_grant() {
    let nowhere = tempfile::tempdir().unwrap();
    surrealism_without_grants(&["run", &archive("state"), "count"], nowhere.path()).code(0);
    assert!(fs::read_dir(nowhere.path()).unwrap().next().is_none());
}

#[test]
fn without_a_terminal_an_archive_is_refused_with_the_flags_to_pass() {
    let config = tempfile::tempdir().unwrap();
    let host = archive("host");
    for command in [&["run", &host, "print::line", "'x'"][..], &["repl", &host]] {
        surrealism_without_grants(command, config.path()).code(2).stderr_contains(&[
            "surrealism/host asks for what it is not granted: queries, functions *",
            "`--allow-sql` `--allow-functions`",
            "`--allow-all`",
        ]);
    }
}

#[test]
fn flags_grant_what_they_name_and_nothing_else() {
    let host = archive("host");
    let sql = |flag| surrealism(&["run", flag, &host, "sql", "'RETURN 1'"]).code(1);
    let none = "the host gave this call no database";
    sql("--allow-sql").stderr_contains(&[none]);
    sql("--allow-all").stderr_contains(&[none]);
    sql("--allow-functions").stderr_contains(&["does not grant it", "`--allow-sql`"]);

    let directory = tempfile::tempdir().unwrap();
    let net = directory.path().join("net.surli");
    let mut package = SurrealismPackage::from_file(archive("net").into()).unwrap();
    package.config.capabilities.allow_net = vec!["127.0.0.1".to_string()];
    package.pack(net.clone(), None).unwrap();
    let net = net.to_str().unwrap();
    surrealism(&["run", "--allow-net", "127.0.0.2", net, "talk", "'127.0.0.1:9'", "'x'"])
        .code(1)
        .stderr_contains(&["127.0.0.1:9", "does not grant it", "`--allow-net`"]);
}

#[test]
fn an_answer_is_remembered_for_the_component() {
    let config = tempfile::tempdir().unwrap();
    let (host, run) = (archive("host"), ["run", &archive("host"), "print::line", "'x'"]);
    let package = SurrealismPackage::from_file(host.clone().into()).unwrap();
    let digest: String = package.digest().iter().map(|byte| format!("{byte:02x}")).collect();
    let remember = |digest: &str, answer: &str| {
        let dir = config.path().join("surrealism");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("grants.toml"), format!("[{digest}]\n{answer}")).unwrap();
    };
    let info = |config: &Path| surrealism_without_grants(&["info", &host], config).code(0);
    info(config.path()).stdout_contains(&["granted        nothing: `run` and `repl` ask"]);

    let all = "sql = true\nfunctions = ['*']";
    remember(&digest, all);
    surrealism_without_grants(&run, config.path()).code(0);
    info(config.path()).stdout_contains(&["granted        queries, functions *"]);
    // Less than what it asks for, or another component.
    remember(&digest, "sql = true");
    surrealism_without_grants(&run, config.path())
        .code(2)
        .stderr_contains(&["`--allow-functions`"]);
    remember(&digest.replace(['0', '1'], "2"), all);
    surrealism_without_grants(&run, config.path()).code(2);
    // A file that cannot be read grants nothing.
    remember(&digest, "sql = 'yes'");
    surrealism_without_grants(&run, config.path()).code(2).stderr_contains(&["grants.toml"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_user_at_a_terminal_is_asked_once() {
    use crate::pty::Pty;

    let home = tempfile::tempdir().unwrap();
    let host = archive("host");
    let args = ["run", &host, "print::line", "'x'", "--quiet"];
    for (answer, code) in [(Some("n"), 1), (Some("y"), 0), (None, 0)] {
        let mut pty = Pty::start_without_grants(home.path(), &args);
        if let Some(answer) = answer {
            pty.expect("asks for queries, functions *").expect("Allow it").send(answer);
        }
        let (exit, output) = pty.end();
        assert_eq!((exit, output.contains("Allow it")), (code, answer.is_some()), "{output}");
    }
}
