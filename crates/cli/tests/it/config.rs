//! `--config`, `--config-file` and the variables: values for the keys of `[config]`.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use surrealism_runtime::SurrealismPackage;

use crate::support::{Ran, archive, snapshot_all, surrealism, surrealism_in, surrealism_with};

/// What no output may have.
const SECRET: &str = "hunter2";

/// Runs the command with variables, beside the arguments.
fn with(variables: &[(&str, &str)], args: &[&str]) -> Ran {
    let variables: Vec<_> =
        variables.iter().map(|(name, value)| (*name, OsStr::new(*value))).collect();
    surrealism_with(Path::new("."), args, &variables)
}

fn file(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(name);
    fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    (dir, file)
}

const URL: (&str, &str) = ("SURREALISM_CONFIG_API_URL", "from-variable");
const KEY: (&str, &str) = ("SURREALISM_CONFIG_API_KEY", SECRET);

#[test]
fn values_come_from_arguments_then_variables_then_the_file_then_defaults() {
    let guest = archive("config");
    let run = ["run", guest.as_str(), "url"];
    let (_toml, toml) = file("x.toml", "api_url = 'from-file'\nretries = 7\napi_key = 'k'");
    let (_json, json) =
        file("x.json", r#"{ "api_url": "from-json", "timeout": "2s", "api_key": "k" }"#);
    let flags = ["--config", "api_url=from-flag", "--config", "note=a=b"];
    with(&[KEY, URL], &run).code(0).stdout("'from-variable 3 1s None'");
    with(&[], &[&run[..], &["--config-file", &toml]].concat()).stdout("'from-file 7 1s None'");
    with(&[], &[&run[..], &["--config-file", &json]].concat()).stdout("'from-json 3 2s None'");
    with(&[URL], &[&run[..], &["--config-file", &toml]].concat())
        .stdout("'from-variable 7 1s None'");
    with(&[URL], &[&run[..], &["--config-file", &toml], &flags].concat())
        .stdout(r#"'from-flag 7 1s Some("a=b")'"#);
}

#[test]
fn wrong_values_are_errors_with_kinds_and_comments() {
    let guest = archive("config");
    let run = |args: &[&str]| with(&[], &[&["run", &guest, "url"], args].concat()).code(2);
    let (_broken, broken) = file("x.toml", "api_url = 'x'\napi_key = hunter2");
    let (_large, large) = file("x.toml", &"#".repeat((1 << 20) + 1));
    let key = ["--config", "api_key=k"];
    let runs = [
        run(&[]),
        run(&[&key[..], &["--config", "api_ur=x"]].concat()),
        run(&[&key[..], &["--config", "api_url=x", "--config", "retries=many"]].concat()),
        run(&["--config", SECRET]),
    ];
    snapshot_all("config_errors", runs);
    run(&["--config-file", &broken]).stderr_contains(&["line 2 is not TOML"]);
    run(&["--config-file", &large]).stderr_contains(&["takes more than 1048576 bytes"]);
    run(&["--config-file", "/nowhere"])
        .stderr_contains(&["cannot read the configuration in /nowhere"]);
}

#[test]
fn info_shows_the_keys_and_whether_they_are_set() {
    let guest = archive("config");
    snapshot_all("config_info", [with(&[KEY], &["info", &guest, "--config", "retries=5"]).code(0)]);
    let json = with(&[KEY], &["info", "--json", &guest]).code(0).stdout;
    let info: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        info["config"][0],
        serde_json::json!({
            "name": "api_key", "kind": "string", "comment": "The key of the weather service",
            "secret": true, "required": true, "set": true
        })
    );
    assert_eq!(info["config"][3]["default"], "3", "{json}");
    assert!(!json.contains(SECRET), "{json}");
}

#[test]
fn a_misspelt_variable_is_a_warning() {
    let guest = archive("config");
    with(&[KEY, URL, ("SURREALISM_CONFIG_RETIRES", SECRET)], &["run", &guest, "url"])
        .code(0)
        .stderr_contains(&["the variable SURREALISM_CONFIG_RETIRES is of no key"]);
}

#[test]
fn of_several_archives_only_the_one_that_is_meant_gets_a_value() {
    let dir = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| {
        let mut package = SurrealismPackage::from_file(archive("config").into()).unwrap();
        package.config.meta.name = name.to_string();
        let file = dir.path().join(format!("{name}.surli"));
        package.pack(file.clone(), None).unwrap();
        file.display().to_string()
    });
    let lines = dir.path().join("lines");
    fs::write(&lines, "mod::one::get('api_key')\nmod::other::get('api_key')").unwrap();
    let repl = |variables: &[(&str, &str)], args: &[&str]| {
        let all = [&["repl", "--allow-all", &one, &other], args].concat();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_surrealism"));
        let command = command.args(&all).envs(variables.iter().copied());
        let output = command.stdin(fs::File::open(&lines).unwrap()).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    let urls = ["--config", "one.api_url=x", "--config", "other.api_url=x"];
    let keys = ["--config", "one.api_key=a"];
    let both = repl(&[("SURREALISM_CONFIG_OTHER_API_KEY", "b")], &[&urls[..], &keys].concat());
    assert_eq!(both, "'a'\n'b'\n");
    for variables in [&[KEY][..], &[]] {
        let refused = repl(variables, &["--config", "api_key=hunter2"]);
        assert!(refused.contains("one of one and one of other: write one.api_key"), "{refused}");
        assert!(!refused.contains(SECRET), "{refused}");
    }
    let unknown = repl(&[], &["--config", "third.api_key=hunter2"]);
    assert!(unknown.contains("\"third\" is not the name of an archive"), "{unknown}");
}

#[test]
fn every_command_that_calls_takes_values() {
    let guest = archive("config");
    let flags = ["--config", "api_url=x", "--config", "api_key=k"];
    let dir = tempfile::tempdir().unwrap();
    fs::copy(&guest, dir.path().join("x.surli")).unwrap();
    let tests = "[[test]]\nfn = 'url'\nexpect = \"'x 3 1s None'\"";
    fs::write(dir.path().join("tests.toml"), tests).unwrap();
    surrealism_in(dir.path(), &[&["test", "x.surli"], &flags[..]].concat()).code(0);
    surrealism_in(dir.path(), &["test", "x.surli"]).code(2).stderr_contains(&["`api_url`"]);
    with(&[KEY, URL], &["module", "run", "--fnc", "url", &guest])
        .code(0)
        .stdout("✅ 'from-variable 3 1s None'");
    // These run nothing, and need no value.
    surrealism(&["check", &guest])
        .code(0)
        .stdout_contains(&["third-party hosts lack wasi:config/store@0.2.0-rc.1"]);
    assert!(!surrealism(&["check", &archive("state")]).code(0).stdout.contains("wasi:config"));
}

#[test]
fn no_command_shows_a_secret() {
    let guest = archive("config");
    let (_broken, broken) = file("x.json", r#"{ "api_key": hunter2 }"#);
    let server = format!("server={{ \"host\": \"{SECRET}\" }}");
    let flags = ["--config", "api_url=x"];
    let cases: [&[&str]; 12] = [
        &["info", &guest],
        &["info", "--json", &guest],
        &["check", &guest],
        &["run", &guest, "url"],
        &["run", &guest, "url", "--repeat", "3"],
        &["run", &guest, "mistyped"],
        &["run", &guest, "fail"],
        &["run", &guest, "trap"],
        &["run", &guest, "nothing"],
        &["run", &guest, "url", "--config", &server],
        &["run", &guest, "url", "--config-file", &broken],
        &["module", "run", "--fnc", "trap", &guest],
    ];
    for args in cases {
        let is_call = args[0] == "run";
        let args = if is_call { [args, &flags].concat() } else { args.to_vec() };
        let ran = with(&[KEY, ("RUST_BACKTRACE", "full"), ("RUST_LOG", "trace")], &args);
        let output = ran.stdout + &ran.stderr;
        assert!(!output.contains(SECRET), "{args:?}: {output}");
    }
}
