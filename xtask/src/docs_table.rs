//! Measured tables in documents.

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

/// The lines before and after what was measured.
pub(crate) const BEGIN: &str = "<!-- measured: begin -->";
pub(crate) const END: &str = "<!-- measured: end -->";

/// Replaces what is between the page's markers: the date, the machine, the versions and the tables.
///
/// # Errors
///
/// When the page or a marker is missing.
pub(crate) fn write(shell: &Shell, page: &str, versions: &str, measured: &str) -> Result<()> {
    let text = shell.read_file(page)?;
    let (before, rest) = text.split_once(BEGIN).context("the page lacks the first marker")?;
    let (_, after) = rest.split_once(END).context("the page lacks the last marker")?;
    let date = cmd!(shell, "date +%F").read()?;
    let kernel = cmd!(shell, "uname -sr").read()?;
    let rustc = cmd!(shell, "rustc --version").read()?;
    let cpuinfo = shell.read_file("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name\t: "));
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let machine = model.unwrap_or("an unnamed processor");
    let text = format!(
        "{before}{BEGIN}\n{date}, {cores} cores of {machine}, {kernel}, {rustc};\n{versions}.\n\n\
         {measured}\n{END}{after}"
    );
    shell.write_file(page, text)?;
    Ok(())
}
