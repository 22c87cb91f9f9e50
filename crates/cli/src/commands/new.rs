//! `surrealism new`: creates a plugin from templates.

use std::fs;
use std::io::{IsTerminal, stderr, stdin};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use dialoguer::Input;
use semver::Version;
use serde_json::json;
use surrealism_runtime::SDK_VERSION;
use surrealism_runtime::config::SurrealismMeta;

use crate::error::{CliResult, ExitCode, ExitContext};
use crate::languages::Lang;
use crate::ui::terminal::Terminal;
use crate::ui::text::{Text, text};

const DEFAULT_ORGANISATION: &str = "example";

/// A unit test with a host, which SurrealDB's own SDK does not have.
const HOST_TEST: &str = include_str!("../../templates/host_test.rs");

const HOST_IMPORT: &str = "    use surrealism::testing::{Expected, Host};\n\n";

/// Create a plugin
///
/// Prompts for options that are not set, if there is a terminal. Otherwise uses the defaults.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surrealism new demo
  surrealism new demo --lang ts
  surrealism new demo --organisation acme --yes")]
pub(crate) struct New {
    /// Directory to create the plugin in. It must be empty or not exist
    path: Option<PathBuf>,

    /// Language of the plugin
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,

    /// Organization that publishes the plugin [default: example]
    #[arg(long, value_name = "ORG")]
    organisation: Option<String>,

    /// Name of the plugin [default: the directory's name]
    #[arg(long)]
    name: Option<String>,

    /// Version of the plugin
    #[arg(long, value_name = "VERSION", default_value = "0.1.0", value_parser = parse_version)]
    version: Version,

    /// Depend on the `surrealism` crate in this directory instead of the one on crates.io, which is
    /// SurrealDB's own
    #[arg(long, value_name = "DIR")]
    sdk_path: Option<PathBuf>,

    /// Use the defaults without prompting
    #[arg(short, long)]
    yes: bool,
}

impl New {
    pub(crate) fn run(self, terminal: Terminal) -> CliResult {
        let depends_on_published = self.lang == Lang::Rust && self.sdk_path.is_none();
        let plugin = self.plugin().exit_code(ExitCode::Usage)?;
        plugin.write()?;
        terminal.status("Created", text!("plugin {}", plugin.dir.display()));
        if depends_on_published {
            terminal.warn(text!(
                "Cargo.toml depends on `surrealism` from crates.io, SurrealDB's own SDK, which lacks what \
                 this project's adds; depend on this one with `--sdk-path DIR`, its directory `crates/sdk`"
            ));
        }
        terminal.note(plugin.next_steps());
        Ok(())
    }

    fn plugin(self) -> Result<Plugin> {
        ensure!(
            self.lang == Lang::Rust || self.sdk_path.is_none(),
            "`--sdk-path` is for plugins in Rust: the SDK of other languages is in this command; leave it out"
        );
        let interactive = !self.yes && stdin().is_terminal() && stderr().is_terminal();
        let dir = match (&self.path, &self.name) {
            (Some(path), _) => path.clone(),
            (None, Some(name)) => name.into(),
            (None, None) if interactive => prompt("Directory", None, |_| Ok(()))?.into(),
            (None, None) => {
                bail!("the plugin has no directory: pass one, as in `surrealism new demo`")
            }
        };
        ensure_empty(&dir)?;

        let name = match self.name {
            Some(name) => name,
            None if interactive => {
                // A name of a directory may have any characters.
                let default = dir_name(&dir).ok().filter(|name| check_identifier(name).is_ok());
                prompt("Name", default, check_identifier)?
            }
            None => dir_name(&dir)?,
        };
        let organisation = match self.organisation {
            Some(organisation) => organisation,
            None if interactive => {
                prompt("Organization", Some(DEFAULT_ORGANISATION.to_string()), check_identifier)?
            }
            None => DEFAULT_ORGANISATION.to_string(),
        };
        check_identifier(&name).context("invalid plugin name: pass another with `--name`")?;
        check_identifier(&organisation)
            .context("invalid organization: pass another with `--organisation`")?;
        check_version(&self.version).context("invalid version: pass another with `--version`")?;
        let has_host = self.sdk_path.is_some();
        let sdk_dependency = sdk_dependency(self.sdk_path.as_deref())?;
        Ok(Plugin {
            dir,
            lang: self.lang,
            organisation,
            name,
            version: self.version,
            sdk_dependency,
            has_host,
        })
    }
}

/// The values for the templates.
struct Plugin {
    dir: PathBuf,
    lang: Lang,
    organisation: String,
    name: String,
    version: Version,
    /// The dependency on the SDK, as a TOML value.
    sdk_dependency: String,
    /// Whether the SDK has a host for unit tests.
    has_host: bool,
}

impl Plugin {
    fn write(&self) -> Result<()> {
        for (file, template) in self.lang.template().files {
            let file = self.dir.join(file);
            let parent = file.parent().unwrap_or(&self.dir);
            fs::create_dir_all(parent)
                .and_then(|()| fs::write(&file, self.render(template)))
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(())
    }

    fn render(&self, template: &str) -> String {
        let Self { organisation, name, version, sdk_dependency, dir: _, lang: _, has_host } = self;
        let (dev_dependencies, host_import, host_test) = match has_host {
            true => (dev_dependencies(sdk_dependency), HOST_IMPORT, HOST_TEST),
            false => Default::default(),
        };
        template
            .replace("{{package}}", &self.cargo_package())
            .replace("{{archive}}", &format!("{organisation}-{name}-{version}.surli"))
            .replace("{{organisation}}", organisation)
            .replace("{{name}}", name)
            .replace("{{version}}", &version.to_string())
            .replace("{{host_import}}", host_import)
            .replace("{{host_test}}", host_test)
            .replace("{{sdk_dependency}}", sdk_dependency)
            .replace("{{dev_dependencies}}", &dev_dependencies)
    }

    /// Returns the name of the Cargo package. Two parts never form a keyword or the name of the SDK.
    fn cargo_package(&self) -> String {
        let name = format!("{}-{}", self.organisation, self.name);
        if name.starts_with(|c: char| c.is_ascii_digit()) { format!("plugin-{name}") } else { name }
    }

    fn next_steps(&self) -> Text {
        text!(
            "\nNext:\n  cd {}\n  {}",
            self.dir.display(),
            Text::lines(self.render(self.lang.template().next))
        )
    }
}

fn prompt(
    label: &str,
    default: Option<String>,
    check: impl Fn(&str) -> Result<()>,
) -> Result<String> {
    let mut input = Input::new().with_prompt(label);
    if let Some(default) = default {
        input = input.default(default);
    }
    Ok(input.validate_with(|text: &String| check(text)).interact_text()?)
}

fn dir_name(dir: &Path) -> Result<String> {
    let absolute = std::path::absolute(dir)?;
    Ok(absolute.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

fn ensure_empty(dir: &Path) -> Result<()> {
    let occupied = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => dir.exists(),
    };
    ensure!(
        !occupied,
        "cannot create a plugin in {}: it exists and is not empty; choose another directory",
        dir.display()
    );
    Ok(())
}

/// Checks a name of an organization or a plugin by the rules of the package format.
fn check_identifier(name: &str) -> Result<()> {
    check_meta(name, "0.1.0")
}

fn parse_version(text: &str) -> Result<Version, String> {
    text.parse().map_err(|error| format!("{error}; write three numbers, as in 1.0.0"))
}

/// Checks a version by the rules of the package format, which limits its length.
fn check_version(version: &Version) -> Result<()> {
    check_meta("x", &version.to_string())
}

fn check_meta(name: &str, version: &str) -> Result<()> {
    let meta = json!({ "organisation": name, "name": name, "version": version });
    serde_json::from_value::<SurrealismMeta>(meta)?;
    Ok(())
}

/// Returns the section that gives the SDK its host for unit tests.
fn dev_dependencies(sdk: &str) -> String {
    let sdk = sdk.trim_end_matches(" }");
    format!("\n[dev-dependencies]\nsurrealism = {sdk}, features = [\"testing\"] }}\n")
}

/// Returns the dependency on the SDK as a TOML value.
fn sdk_dependency(path: Option<&Path>) -> Result<String> {
    let Some(path) = path else {
        let Version { major, minor, .. } = SDK_VERSION.parse()?;
        return Ok(format!("\"{major}.{minor}\""));
    };
    let path = path
        .canonicalize()
        .ok()
        .filter(|path| path.join("Cargo.toml").is_file())
        .with_context(|| format!("cannot use the SDK in {}: no crate there", path.display()))?;
    let path = path.to_str().with_context(|| {
        format!("cannot use the SDK in {}: the path is not UTF-8", path.display())
    })?;
    // Strings of JSON are strings of TOML, except for this character.
    Ok(format!("{{ path = {} }}", json!(path).to_string().replace('\u{7f}', "\\u007f")))
}
