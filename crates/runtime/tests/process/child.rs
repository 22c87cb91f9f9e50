//! Scenarios, each run in a process of its own: this program, with the scenario's name in the environment.

use std::env;
use std::process::{Command, Output, Stdio};

const SCENARIO: &str = "SURREALISM_TEST_SCENARIO";

/// Returns the command that runs a scenario.
pub(crate) fn command(scenario: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "child::scenario", "--nocapture", "--test-threads=1"]);
    command.env(SCENARIO, scenario).stdin(Stdio::null());
    command
}

/// Runs a scenario, which must succeed, and returns what it printed.
#[track_caller]
pub(crate) fn run(scenario: &str) -> String {
    assert_success(&command(scenario).output().unwrap())
}

#[track_caller]
pub(crate) fn assert_success(output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}:\n{stdout}\n{stderr}", output.status);
    assert!(stdout.contains("1 passed"), "the scenario did not run:\n{stdout}\n{stderr}");
    stdout
}

/// Not a test of its own: it runs the scenario that [`command`] named.
#[test]
fn scenario() {
    let Ok(scenario) = env::var(SCENARIO) else { return };
    match scenario.as_str() {
        "fork after load" => crate::fork::after_load(),
        "fork before load" => crate::fork::before_load(),
        "hold files" => crate::unpacked::hold(),
        "load files" => drop(crate::package("files")),
        "little address space" => crate::address_space::little(),
        "no reservation" => crate::address_space::no_reservation(),
        "handlers after load" => crate::signals::handlers_after_load(),
        "handlers before load" => crate::signals::handlers_before_load(),
        "shared pool" => crate::places::shared_pool(),
        "many instances" => crate::places::many_instances(),
        #[cfg(target_os = "linux")]
        "rest" => crate::idle::rest(),
        other => panic!("no scenario {other:?}"),
    }
}
