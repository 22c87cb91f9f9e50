//! The SDK's bindings of `wit/plugin.wit`, generated ahead: authors of plugins compile no generator.

use anyhow::{Context, Result};
use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator};
use wit_bindgen_rust::Opts;
use xshell::Shell;

use crate::step;

/// The interface between host and guest.
pub(crate) const WIT: &str = "wit/plugin.wit";

/// The file in the SDK.
pub(crate) const BINDINGS: &str = "crates/sdk/src/host/bindings.rs";

/// What a plugin of this SDK implements.
const WORLD: &str = "extended-plugin";

/// The SDK writes these exports by hand, since generated ones would have post-return functions.
const SKIPPED_EXPORTS: [&str; 2] = ["invoke-inline", "invoke-row"];

/// Writes the bindings.
///
/// # Errors
///
/// When the interface is not valid, or a file cannot be read or written.
pub(crate) fn write(shell: &Shell) -> Result<()> {
    step(&format!("generating {BINDINGS}"));
    let wit = shell.read_file(WIT)?;
    Ok(shell.write_file(BINDINGS, generate(&wit)?)?)
}

/// Generates the bindings of an interface.
///
/// # Errors
///
/// When the interface is not valid.
pub(crate) fn generate(wit: &str) -> Result<String> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str(WIT, wit)?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    let skip = SKIPPED_EXPORTS.map(str::to_string).to_vec();
    let options = Opts { format: true, generate_all: true, skip, ..Default::default() };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files)?;
    let (_, source) = files.iter().next().context("the generator wrote no file")?;
    Ok(String::from_utf8(source.to_vec())?)
}
