//! `surrealism new`: the first plugin of an author.

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

use crate::exit::{Code, OrExit, Outcome};
use crate::terminal::Terminal;

const DEFAULT_ORGANISATION: &str = "example";

/// The files of a plugin; `{{…}}` in them is filled in.
const TEMPLATES: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("../templates/Cargo.toml")),
    ("surrealism.toml", include_str!("../templates/surrealism.toml")),
    ("src/lib.rs", include_str!("../templates/src/lib.rs")),
    ("README.md", include_str!("../templates/README.md")),
    (".gitignore", include_str!("../templates/gitignore")),
];

/// Scaffold a plugin
///
/// Asks for what the flags leave open if there is a terminal to ask on, and takes defaults if not.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surrealism new demo
  surrealism new demo --organisation acme --yes")]
pub(crate) struct New {
    /// The folder to make, or an empty one
    path: Option<PathBuf>,

    /// Who makes the plugin [default: example]
    #[arg(long, value_name = "ORG")]
    organisation: Option<String>,

    /// What the plugin is called [default: the folder's name]
    #[arg(long)]
    name: Option<String>,

    /// The plugin's version
    #[arg(long, value_name = "VERSION", default_value = "0.1.0")]
    version: Version,

    /// Depend on the `surrealism` crate in this folder instead of the registry's
    #[arg(long, value_name = "DIR")]
    sdk_path: Option<PathBuf>,

    /// Ask nothing and take the defaults
    #[arg(short, long)]
    yes: bool,
}

impl New {
    pub(crate) fn run(self, terminal: Terminal) -> Outcome {
        let plugin = self.plugin().or_exit(Code::Usage)?;
        plugin.write()?;
        terminal.status("Created", format!("the plugin {}", plugin.folder.display()));
        terminal.note(plugin.next_steps());
        Ok(())
    }

    fn plugin(self) -> Result<Plugin> {
        let ask = !self.yes && stdin().is_terminal() && stderr().is_terminal();
        let folder = match (&self.path, &self.name) {
            (Some(path), _) => path.clone(),
            (None, Some(name)) => name.into(),
            (None, None) if ask => prompt("Folder", None, |_| Ok(()))?.into(),
            (None, None) => bail!("name the folder of the plugin: `surrealism new demo`"),
        };
        ensure_free(&folder)?;

        let name = match self.name {
            Some(name) => name,
            None if ask => prompt("Name", Some(name_of(&folder)?), identifier)?,
            None => name_of(&folder)?,
        };
        let organisation = match self.organisation {
            Some(organisation) => organisation,
            None if ask => {
                prompt("Organisation", Some(DEFAULT_ORGANISATION.to_string()), identifier)?
            }
            None => DEFAULT_ORGANISATION.to_string(),
        };
        identifier(&name)
            .context("the plugin's name cannot be used, choose another with --name")?;
        identifier(&organisation).context("the organisation's name cannot be used")?;
        let surrealism = sdk(self.sdk_path.as_deref())?;
        Ok(Plugin { folder, organisation, name, version: self.version, surrealism })
    }
}

/// What the templates are filled with.
struct Plugin {
    folder: PathBuf,
    organisation: String,
    name: String,
    version: Version,
    /// The dependency on the SDK, as TOML.
    surrealism: String,
}

impl Plugin {
    fn write(&self) -> Result<()> {
        for (file, template) in TEMPLATES {
            let file = self.folder.join(file);
            let parent = file.parent().unwrap_or(&self.folder);
            fs::create_dir_all(parent)
                .and_then(|()| fs::write(&file, self.fill(template)))
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(())
    }

    fn fill(&self, template: &str) -> String {
        let Self { organisation, name, version, surrealism, folder: _ } = self;
        template
            .replace("{{package}}", &self.cargo_package())
            .replace("{{archive}}", &format!("{organisation}-{name}-{version}.surli"))
            .replace("{{organisation}}", organisation)
            .replace("{{name}}", name)
            .replace("{{version}}", &version.to_string())
            .replace("{{surrealism}}", surrealism)
    }

    /// Cargo's name for the plugin. With two parts it is no keyword, nor that of the SDK itself.
    fn cargo_package(&self) -> String {
        let name = format!("{}-{}", self.organisation, self.name);
        if name.starts_with(|c: char| c.is_ascii_digit()) { format!("plugin-{name}") } else { name }
    }

    fn next_steps(&self) -> String {
        format!(
            "\nNext:\n  cd {}\n  cargo test\n  surrealism build\n  {}",
            self.folder.display(),
            self.fill("surrealism run {{archive}} greet \"'Ada'\"")
        )
    }
}

fn prompt(
    what: &str,
    default: Option<String>,
    check: impl Fn(&str) -> Result<()>,
) -> Result<String> {
    let mut input = Input::new().with_prompt(what);
    if let Some(default) = default {
        input = input.default(default);
    }
    Ok(input.validate_with(|text: &String| check(text)).interact_text()?)
}

fn name_of(folder: &Path) -> Result<String> {
    let absolute = std::path::absolute(folder)?;
    Ok(absolute.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

fn ensure_free(folder: &Path) -> Result<()> {
    let occupied = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => folder.exists(),
    };
    ensure!(!occupied, "{} is there and not empty: choose a folder that is not", folder.display());
    Ok(())
}

/// Whether hosts take this for an organisation's or a plugin's name.
fn identifier(name: &str) -> Result<()> {
    let meta = json!({ "organisation": name, "name": name, "version": "0.1.0" });
    serde_json::from_value::<SurrealismMeta>(meta)?;
    Ok(())
}

fn sdk(path: Option<&Path>) -> Result<String> {
    let Some(path) = path else {
        let Version { major, minor, .. } = SDK_VERSION.parse()?;
        return Ok(format!("\"{major}.{minor}\""));
    };
    let path = path
        .canonicalize()
        .ok()
        .filter(|path| path.join("Cargo.toml").is_file())
        .with_context(|| format!("there is no crate in {}", path.display()))?;
    Ok(format!("{{ path = {} }}", json!(path.display().to_string())))
}
