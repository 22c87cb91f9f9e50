//! Each published crate with each of its features alone.
//!
//! A build of the workspace turns on every feature that any member asks for, and hides code that does not
//! compile without one. `cargo hack`, which CI runs, resolves each combination anew and compiles wasmtime
//! again for most of them. Here, dependencies stay as the lints have compiled them: Cargo calls this program
//! instead of rustc for the crates of this workspace, and it compiles each library once more for each
//! combination, without the features and the optional dependencies that are turned off.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use cargo_metadata::{MetadataCommand, Package};
use xshell::{Shell, cmd};

use crate::{clean_cargo_env, step};

/// Holds the [`Combination`]s for the calls of this program instead of rustc.
pub(crate) const PLAN: &str = "XTASK_FEATURES";

/// Features that bring a whole database engine. `cargo xtask drop-in` compiles and tests them.
const TESTED_ELSEWHERE: [&str; 1] = ["embedded"];

/// Compiles every combination: without features, and with each feature alone.
///
/// # Errors
///
/// When a crate does not compile, or has warnings.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    step("each feature of each published crate by itself");
    let metadata = MetadataCommand::new().current_dir(shell.current_dir()).no_deps().exec()?;
    let is_library = |package: &&Package| package.targets.iter().any(|target| target.is_lib());
    let published = metadata.packages.iter().filter(|package| package.publish.is_none());
    let combinations: Vec<Combination> =
        published.filter(is_library).flat_map(combinations).collect();
    let plan: Vec<String> = combinations.iter().map(Combination::to_line).collect();
    // With a bench, Cargo turns on the features of dev-dependencies, as it did for the lints.
    let cargo = cmd!(shell, "cargo check --quiet --workspace --lib --bench instructions");
    clean_cargo_env(cargo)
        .env(PLAN, plan.join("\n"))
        .env("RUSTC_WORKSPACE_WRAPPER", std::env::current_exe()?)
        .run()?;
    for Combination { package, enabled, .. } in combinations {
        println!("{package} [{}]", enabled.into_iter().collect::<Vec<_>>().join(", "));
    }
    Ok(())
}

/// The features of one package that are turned on, and the optional dependencies that are not there.
#[derive(Debug, PartialEq)]
struct Combination {
    package: String,
    enabled: BTreeSet<String>,
    missing: BTreeSet<String>,
}

impl Combination {
    fn to_line(&self) -> String {
        let join = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(",");
        format!("{}\t{}\t{}", self.package, join(&self.enabled), join(&self.missing))
    }

    fn from_line(line: &str) -> Option<Self> {
        let mut parts = line.split('\t');
        let package = parts.next()?.to_string();
        let mut names = || -> Option<BTreeSet<String>> {
            Some(
                parts
                    .next()?
                    .split(',')
                    .filter(|name| !name.is_empty())
                    .map(str::to_string)
                    .collect(),
            )
        };
        Some(Self { package, enabled: names()?, missing: names()? })
    }

    /// Takes from rustc's arguments the features and the dependencies that are turned off.
    fn apply(&self, arguments: &[String], directory: &str) -> Vec<String> {
        let mut kept = vec!["--deny=warnings".to_string()];
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let takes_value = matches!(argument.as_str(), "--cfg" | "--extern" | "--out-dir");
            let Some(value) = arguments.as_slice().first().filter(|_| takes_value) else {
                kept.push(argument.clone());
                continue;
            };
            arguments.next();
            let value = match argument.as_str() {
                "--cfg" if !self.has_feature(value) => continue,
                "--extern" if self.is_missing(value) => continue,
                "--out-dir" => directory,
                _ => value,
            };
            kept.extend([argument.clone(), value.to_string()]);
        }
        kept
    }

    /// Returns whether a `--cfg` stays: a feature that is turned on, or not a feature.
    fn has_feature(&self, cfg: &str) -> bool {
        let feature = cfg.strip_prefix("feature=\"").and_then(|rest| rest.strip_suffix('"'));
        feature.is_none_or(|feature| self.enabled.contains(feature))
    }

    /// Returns whether an `--extern` (`NAME=PATH`, `OPTIONS:NAME=PATH`) is of a missing dependency.
    fn is_missing(&self, dependency: &str) -> bool {
        let name = dependency.split('=').next().unwrap_or_default();
        let name = name.rsplit(':').next().unwrap_or_default();
        self.missing.contains(name)
    }
}

fn combinations(package: &Package) -> Vec<Combination> {
    let is_checked = |feature: &&str| *feature != "default" && !TESTED_ELSEWHERE.contains(feature);
    let features = package.features.keys().map(String::as_str).filter(is_checked);
    let optional = package.dependencies.iter().filter(|dependency| dependency.optional);
    // By the name that the code uses.
    let optional: Vec<(&str, String)> = optional
        .map(|dependency| {
            let name = dependency.rename.as_deref().unwrap_or(&dependency.name);
            (name, name.replace('-', "_"))
        })
        .collect();
    let alone = |feature: Option<&str>| {
        let mut enabled = BTreeSet::new();
        let mut present = BTreeSet::new();
        enable(package, feature, &mut enabled, &mut present);
        let missing = optional.iter().filter(|(name, _)| !present.contains(*name));
        let missing = missing.map(|(_, code_name)| code_name.clone()).collect();
        Combination { package: package.name.to_string(), enabled, missing }
    };
    let mut combinations: Vec<Combination> = features.map(|feature| alone(Some(feature))).collect();
    // Otherwise, the lints have compiled the only combination.
    if !combinations.is_empty() {
        combinations.push(alone(None));
    }
    combinations
}

/// Adds a feature, those that it turns on, and the optional dependencies that they bring.
fn enable(
    package: &Package,
    feature: Option<&str>,
    enabled: &mut BTreeSet<String>,
    present: &mut BTreeSet<String>,
) {
    let Some((name, parts)) = feature.and_then(|name| package.features.get_key_value(name)) else {
        return;
    };
    if !enabled.insert(name.clone()) {
        return;
    }
    for part in parts {
        match part.strip_prefix("dep:") {
            Some(dependency) => {
                present.insert(dependency.to_string());
            }
            None => enable(package, Some(part), enabled, present),
        }
    }
}

/// Runs instead of rustc: compiles each combination of a library, and then what Cargo asked for.
///
/// # Errors
///
/// When rustc cannot be started.
pub(crate) fn compile_instead_of_rustc(plan: &str) -> Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let rustc = arguments.next().context("Cargo names rustc first")?;
    let arguments: Vec<String> = arguments.collect();
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let is_library = arguments.windows(2).any(|pair| pair == ["--crate-type", "lib"]);
    let combinations = plan.lines().filter_map(Combination::from_line);
    let own = combinations.filter(|combination| is_library && combination.package == package);
    for combination in own {
        let directory = std::env::temp_dir().join(format!("xtask-features-{}", std::process::id()));
        std::fs::create_dir_all(&directory)?;
        let filtered = combination.apply(&arguments, &directory.display().to_string());
        let output = Command::new(&rustc).args(filtered).stdout(Stdio::inherit()).output()?;
        std::fs::remove_dir_all(&directory)?;
        if !output.status.success() {
            // Cargo shows the diagnostics of the compiler that it believes to have started.
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            eprintln!("{package} fails with only these features: {:?}", combination.enabled);
            return Ok(ExitCode::FAILURE);
        }
    }
    let status = Command::new(rustc).args(arguments.iter().map(OsString::from)).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_combination_survives_the_environment() {
        for (enabled, missing) in [(vec![], vec!["http", "hyper"]), (vec!["a", "b"], vec![])] {
            let (enabled, missing) = (set(&enabled), set(&missing));
            let combination = Combination { package: "surrealism".to_string(), enabled, missing };
            assert_eq!(Combination::from_line(&combination.to_line()), Some(combination));
        }
    }

    #[test]
    fn features_and_dependencies_that_are_off_are_not_passed() {
        let arguments = "--crate-name c --cfg feature=\"redb\" --cfg feature=\"redis\" --cfg unix \
                         --extern redb=/d/libredb.rmeta --extern priv:redis=/d/libredis.rmeta \
                         --out-dir /target --emit=metadata";
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_string).collect();
        let (enabled, missing) = (set(&["redb"]), set(&["redis"]));
        let combination = Combination { package: "c".to_string(), enabled, missing };
        assert_eq!(
            combination.apply(&arguments, "/tmp/x").join(" "),
            "--deny=warnings --crate-name c --cfg feature=\"redb\" --cfg unix \
             --extern redb=/d/libredb.rmeta --out-dir /tmp/x --emit=metadata"
        );
    }
}
