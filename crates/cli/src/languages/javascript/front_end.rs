//! The front end: a component that reads the author's files and makes the engine's program of them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use bytesize::ByteSize;
use surrealdb_types::Value;
use surrealism_runtime::{
    DetachedContext, ExportsManifest, Runtime, SurrealismConfig, SurrealismPackage,
};

use super::sources::Sources;
use super::unpack;
use crate::args::limits::LimitArgs;
use crate::error::flatten;
use crate::executor::block_on;
use crate::languages::Options;
use crate::load::load;
use crate::ui::terminal;

/// The component.
pub(super) const COMPONENT: &[u8] = include_bytes!("../../../engines/typescript.wasm.zst");

/// The name of the component, for errors.
const CONFIG: &str = "\
abi = 2
[package]
organisation = 'surrealism'
name = 'typescript'
version = '0.0.0'
";

/// The limits of the component.
const LIMITS: LimitArgs = LimitArgs { timeout: Duration::from_secs(60), memory: ByteSize(1 << 30) };

/// The front end, without any capability.
pub(super) struct FrontEnd(Runtime);

/// What the engine runs.
pub(super) struct Program {
    pub(super) bytes: Vec<u8>,
    /// Whether it calls the store's extensions.
    pub(super) is_extended: bool,
}

enum Outcome {
    Program(Program),
    /// For each import without a file, the paths that it may have.
    Wanted(Vec<Vec<String>>),
}

impl FrontEnd {
    pub(super) fn start(options: Options<'_>) -> Result<Self> {
        let package = SurrealismPackage {
            config: SurrealismConfig::parse(CONFIG).map_err(flatten)?,
            wasm: unpack(COMPONENT)?,
            exports: ExportsManifest::empty(),
            fs: None,
            logo: None,
        };
        let runtime = load(package, Default::default(), LIMITS, options.cache, options.terminal);
        let failed = |error: crate::error::CliError| {
            anyhow!("cannot start the front end of TypeScript: {}", error.text().as_str())
        };
        runtime.map(Self).map_err(failed)
    }

    /// Compiles the program that starts with a module, and reads the files that it imports.
    pub(super) fn compile(&self, sources: &mut Sources<'_>, entry: &str) -> Result<Program> {
        if !sources.add_first(&[entry.to_string()])? {
            bail!(
                "cannot find the plugin's entry {entry}: correct `exports` or `main` in package.json"
            );
        }
        let mut is_complete = false;
        loop {
            match self.try_compile(entry, sources.files(), is_complete)? {
                Outcome::Program(program) => return Ok(program),
                Outcome::Wanted(imports) => {
                    let before = sources.files().len();
                    for paths in &imports {
                        sources.add_first(paths)?;
                    }
                    is_complete = sources.files().len() == before;
                }
            }
        }
    }

    fn try_compile(
        &self,
        entry: &str,
        files: &BTreeMap<String, String>,
        is_complete: bool,
    ) -> Result<Outcome> {
        let context = DetachedContext::new().output(terminal::print_guest_line);
        let call = async {
            let mut controller = self.0.new_controller(Box::new(context)).await?;
            let args = (entry.to_string(), files.clone(), is_complete);
            controller.invoke(Some("compile".to_string()), args).await
        };
        let result =
            block_on(call)?.map_err(flatten).context("the front end of TypeScript failed")?;
        outcome(result)
    }
}

fn outcome(result: Value) -> Result<Outcome> {
    let Value::Object(mut result) = result else { bail!(UNEXPECTED) };
    if let Some(Value::Bytes(bytes)) = result.get("program") {
        let is_extended = result.get("extended") == Some(&Value::Bool(true));
        return Ok(Outcome::Program(Program { bytes: bytes.to_vec(), is_extended }));
    }
    if let Some(errors) = result.remove("errors") {
        let errors = errors.into_t::<Vec<String>>()?;
        let count = match errors.len() {
            1 => "1 error".to_string(),
            count => format!("{count} errors"),
        };
        bail!("the plugin does not compile: {count}\n\n{}", errors.join("\n\n"));
    }
    let wanted = result.remove("wanted").context(UNEXPECTED)?;
    Ok(Outcome::Wanted(wanted.into_t()?))
}

const UNEXPECTED: &str =
    "the front end of TypeScript is of another version than the command: install it again";
