//! `--config`: values for the keys that archives declare in `[config]`.

use std::env;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use surrealism_runtime::{ConfigKeys, ConfigValues, Secret, SurrealismPackage};

use crate::error::{CliResult, ExitCode, ExitContext};
use crate::ui::terminal::Terminal;
use crate::ui::text::text;

/// Bytes of a file with values.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Begins the names of environment variables with values.
const VARIABLE_PREFIX: &str = "SURREALISM_CONFIG_";

/// How to set a key, for errors about one.
pub(crate) const CONFIG_HINT: &str = "set a key by `--config KEY=VALUE`, by `--config-file FILE`, or by a \
    variable, as SURREALISM_CONFIG_API_URL for `api_url`";

/// Where the values of keys are.
#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigArgs {
    /// Set a key that the archive declares; of several archives, MODULE.KEY. Can be repeated. Set a secret
    /// by a variable, SURREALISM_CONFIG_API_KEY for `api_key`, since other users of this machine can see
    /// arguments
    #[arg(long, value_name = "KEY=VALUE")]
    config: Vec<String>,

    /// Read the values of keys from a file: TOML, or JSON if its name ends with .json
    #[arg(long, value_name = "FILE")]
    config_file: Option<PathBuf>,
}

/// Leaves out the values.
impl fmt::Debug for ConfigArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigArgs").field("config_file", &self.config_file).finish_non_exhaustive()
    }
}

/// An archive that takes values.
#[derive(Clone, Copy)]
struct Taker<'a> {
    module: &'a str,
    keys: &'a ConfigKeys,
}

impl ConfigArgs {
    /// Returns the values for an archive, from the command line, the environment and the file, in this order.
    pub(crate) fn values(
        &self,
        package: &SurrealismPackage,
        terminal: Terminal,
    ) -> CliResult<ConfigValues> {
        let mut values = self.values_of_all(&[package], terminal)?;
        Ok(values.pop().unwrap_or_default())
    }

    /// Returns the values for each of several archives. A key that two of them declare needs the name of a
    /// module, so that no archive gets what is meant for another.
    pub(crate) fn values_of_all(
        &self,
        packages: &[&SurrealismPackage],
        terminal: Terminal,
    ) -> CliResult<Vec<ConfigValues>> {
        let takers: Vec<_> = packages
            .iter()
            .map(|package| Taker {
                module: &package.config.meta.name,
                keys: &package.config.config,
            })
            .collect();
        self.assign(&takers, terminal).exit_code(ExitCode::Usage)
    }

    fn assign(&self, takers: &[Taker<'_>], terminal: Terminal) -> Result<Vec<ConfigValues>> {
        let mut flags = vec![ConfigValues::new(); takers.len()];
        for (name, text) in self.flags()? {
            let (index, key) = taker_of(&name, takers)?;
            flags[index] = std::mem::take(&mut flags[index]).text(key, text.expose());
        }
        let file = self.config_file.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let mut files = vec![ConfigValues::new(); takers.len()];
        for name in file.keys() {
            let (index, key) = taker_of(name, takers)?;
            let mut value = file.clone();
            value.retain(|other| other == name);
            ensure!(
                key == name,
                "{name:?} is not a key: write it without the module, or pass `--config`"
            );
            files[index] = std::mem::take(&mut files[index]).or(value);
        }
        let variables = variables(takers, terminal)?;
        let all = flags.into_iter().zip(variables).zip(files);
        Ok(all.map(|((flags, variables), file)| flags.or(variables).or(file)).collect())
    }

    /// Splits the arguments. An error shows nothing of one: it may be a secret.
    fn flags(&self) -> Result<Vec<(String, Secret<String>)>> {
        let split = |argument: &String| match argument.split_once('=') {
            Some((key, value)) => Ok((key.to_string(), Secret::new(value.to_string()))),
            None => bail!("an argument of `--config` has no `=`: write KEY=VALUE"),
        };
        self.config.iter().map(split).collect()
    }
}

/// Returns which archive takes a key, and the key's name there.
fn taker_of<'a>(name: &'a str, takers: &[Taker<'_>]) -> Result<(usize, &'a str)> {
    if takers.len() == 1 {
        // One that is not declared is an error of the load, with what is.
        return Ok((0, name));
    }
    if let Some((module, key)) = name.split_once('.') {
        let index = takers.iter().position(|taker| taker.module == module);
        let index = index.with_context(|| format!("{module:?} is not the name of an archive"))?;
        return Ok((index, key));
    }
    let mut found = takers.iter().enumerate().filter(|(_, taker)| taker.keys.contains_key(name));
    match (found.next(), found.next()) {
        (Some((index, _)), None) => Ok((index, name)),
        (None, _) => bail!("{name:?} is not declared in [config] of any archive"),
        (Some((_, one)), Some((_, other))) => bail!(
            "the key `{name}` is one of {} and one of {}: write {}.{name}",
            one.module,
            other.module,
            one.module
        ),
    }
}

fn read_file(file: &Path) -> Result<ConfigValues> {
    let shown = file.display();
    let mut text = String::new();
    File::open(file)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text))
        .with_context(|| format!("cannot read the configuration in {shown}"))?;
    ensure!(
        text.len() as u64 <= MAX_FILE_BYTES,
        "the configuration in {shown} takes more than {MAX_FILE_BYTES} bytes: remove what is not one"
    );
    let is_json = file.extension().is_some_and(|extension| extension == "json");
    let values = match is_json {
        true => ConfigValues::from_json(&text),
        false => ConfigValues::from_toml(&text),
    };
    values.with_context(|| format!("cannot use the configuration in {shown}"))
}

/// Reads the variables of all declared keys. Of several archives, the module is part of the name, or only one
/// of them declares the key.
fn variables(takers: &[Taker<'_>], terminal: Terminal) -> Result<Vec<ConfigValues>> {
    let mut known = Vec::new();
    let mut all = Vec::new();
    for taker in takers {
        let mut values = ConfigValues::new();
        for key in taker.keys.keys() {
            let of_module = variable(&format!("{}_{key}", taker.module));
            let names = if takers.len() == 1 {
                vec![variable(key)]
            } else {
                vec![of_module, variable(key)]
            };
            let found = names.iter().find_map(|name| Some((name, env::var_os(name)?)));
            known.extend(names.iter().cloned());
            let Some((name, value)) = found else { continue };
            if *name == variable(key) {
                taker_of(key, takers).with_context(|| format!("cannot use the variable {name}"))?;
            }
            let Ok(value) = value.into_string() else { bail!("the variable {name} is not UTF-8") };
            values = values.text(key, value);
        }
        all.push(values);
    }
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with(VARIABLE_PREFIX) && !known.iter().any(|known| *known == name) {
            terminal.warn(text!("the variable {} is of no key that an archive declares", name));
        }
    }
    Ok(all)
}

/// Returns the name of the variable of a key.
fn variable(key: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", key.replace('-', "_").to_uppercase())
}
