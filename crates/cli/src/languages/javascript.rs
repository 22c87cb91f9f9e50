//! Plugins written in TypeScript and JavaScript: packages with a `package.json` beside `surrealism.toml`.
//!
//! Both halves of the compiler are components that this command brings along: the front end, which this
//! command runs, and the engine, which is the component of every such plugin. `cargo xtask engines` builds
//! them from `engines/`.

mod files;
mod front_end;
mod sources;

use std::fs;
use std::path::{Component, Path};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value as Json;

use super::{Compiled, Language, Options, Template};
use crate::languages::javascript::front_end::FrontEnd;
use crate::languages::javascript::sources::Sources;
use crate::project::{CONFIG_FILE, Project};
use crate::ui::text::text;

const MANIFEST_FILE: &str = "package.json";

/// The entry of a package that names none.
const DEFAULT_ENTRIES: [&str; 2] = ["src/index.ts", "src/index.js"];

/// The engine for programs that any host can run.
const ENGINE: &[u8] = include_bytes!("../../engines/javascript.wasm.zst");

/// The engine for programs that call the store's extensions, which third-party hosts do not have.
const EXTENDED_ENGINE: &[u8] = include_bytes!("../../engines/javascript-extended.wasm.zst");

pub(super) const TYPESCRIPT: Template = Template {
    files: &[
        ("package.json", include_str!("../../templates/typescript/package.json")),
        ("tsconfig.json", include_str!("../../templates/typescript/tsconfig.json")),
        ("surrealism.toml", include_str!("../../templates/surrealism.toml")),
        ("src/index.ts", include_str!("../../templates/typescript/src/index.ts")),
        ("surrealism.d.ts", TYPES),
        ("README.md", include_str!("../../templates/typescript/README.md")),
        (".gitignore", include_str!("../../templates/typescript/gitignore")),
    ],
    next: "surrealism build\n  surrealism run {{archive}} greet \"'Ada'\"",
};

pub(super) const JAVASCRIPT: Template = Template {
    files: &[
        ("package.json", include_str!("../../templates/javascript/package.json")),
        ("jsconfig.json", include_str!("../../templates/typescript/tsconfig.json")),
        ("surrealism.toml", include_str!("../../templates/surrealism.toml")),
        ("src/index.js", include_str!("../../templates/javascript/src/index.js")),
        ("src/math.js", include_str!("../../templates/javascript/src/math.js")),
        ("surrealism.d.ts", TYPES),
        ("README.md", include_str!("../../templates/typescript/README.md")),
        (".gitignore", include_str!("../../templates/typescript/gitignore")),
    ],
    next: TYPESCRIPT.next,
};

/// The types of the module `surrealism`, for editors.
const TYPES: &str = include_str!("../../templates/typescript/surrealism.d.ts");

/// TypeScript and JavaScript.
pub(super) struct JavaScript;

impl Language for JavaScript {
    fn is_project(&self, dir: &Path) -> bool {
        dir.join(MANIFEST_FILE).is_file()
    }

    fn compile(&self, project: &Project, options: Options<'_>) -> Result<Compiled> {
        if let Some(option) = options.rust.first_set() {
            bail!(
                "`{option}` is for plugins in Rust, and this one has a {MANIFEST_FILE}; leave it out"
            );
        }
        let entry = entry(&project.dir)?;
        options.terminal.status("Compiling", text!("{}", entry));
        let front_end = FrontEnd::start(options)?;
        let program = front_end.compile(&mut Sources::new(&project.dir), &entry)?;
        let files = files::stage(project.attached_dir()?.as_deref(), &program.bytes)?;
        let engine = if program.is_extended { EXTENDED_ENGINE } else { ENGINE };
        Ok(Compiled { wasm: unpack(engine)?, files: Some(files) })
    }
}

fn unpack(engine: &[u8]) -> Result<Vec<u8>> {
    zstd::decode_all(engine).context("the command is damaged: install it again")
}

/// Returns the entry module, relative to the directory of the plugin.
fn entry(dir: &Path) -> Result<String> {
    let file = dir.join(MANIFEST_FILE);
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let manifest: Json =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?;
    if let Some(entry) = named_entry(&manifest) {
        return normalize(entry).with_context(|| {
            format!(
                "cannot use the entry {entry:?} of {}: it is not a path inside the plugin",
                file.display()
            )
        });
    }
    let found = DEFAULT_ENTRIES.iter().find(|entry| dir.join(entry).is_file());
    found.map(ToString::to_string).with_context(|| {
        format!(
            "cannot find the plugin's entry: {} has neither `exports` nor `main`, and none of {} exists; \
             create one, or set `main`",
            file.display(),
            DEFAULT_ENTRIES.join(", ")
        )
    })
}

/// Returns what `exports` or `main` names.
fn named_entry(manifest: &Json) -> Option<&str> {
    let root = match &manifest["exports"] {
        Json::Object(exports) => exports.get(".").unwrap_or(&manifest["exports"]),
        other => other,
    };
    let conditions = ["import", "module", "default"];
    let conditional = || conditions.iter().find_map(|condition| root[condition].as_str());
    root.as_str().or_else(conditional).or_else(|| manifest["main"].as_str())
}

fn normalize(entry: &str) -> Result<String> {
    let mut parts = Vec::new();
    for part in Path::new(entry).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::CurDir => {}
            _ => bail!("leave out `..`"),
        }
    }
    ensure!(!parts.is_empty(), "name a file beside {CONFIG_FILE}");
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_entry_is_what_the_package_exports() {
        for (manifest, expected) in [
            (json!({ "exports": "./a.ts", "main": "b.js" }), Some("./a.ts")),
            (json!({ "exports": { ".": "./a.ts" } }), Some("./a.ts")),
            (json!({ "exports": { ".": { "import": "./a.ts" } } }), Some("./a.ts")),
            (json!({ "exports": { "default": "./a.ts" } }), Some("./a.ts")),
            (json!({ "main": "b.js" }), Some("b.js")),
            (json!({}), None),
        ] {
            assert_eq!(named_entry(&manifest), expected, "{manifest}");
        }
        assert_eq!(normalize("./src/a.ts").unwrap(), "src/a.ts");
        assert!(normalize("../a.ts").is_err());
        assert!(normalize("/a.ts").is_err());
    }

    #[test]
    fn both_engines_and_the_front_end_are_components() {
        for engine in [ENGINE, EXTENDED_ENGINE, front_end::COMPONENT] {
            assert!(wasmparser::Parser::is_component(&unpack(engine).unwrap()));
        }
    }
}
