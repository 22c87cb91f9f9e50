//! Pages of the documentation that have measurements in them.

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

/// What a page has before and after what was measured.
const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

/// Puts what was measured, where, and of which versions, between the page's marks.
///
/// # Errors
///
/// When the page is not there, or has no marks.
pub(crate) fn write(shell: &Shell, page: &str, versions: &str, measured: &str) -> Result<()> {
    let text = shell.read_file(page)?;
    let (before, rest) = text.split_once(BEGIN).context("the page has no mark to begin at")?;
    let (_, after) = rest.split_once(END).context("the page has no mark to end at")?;
    let date = cmd!(shell, "date +%F").read()?;
    let kernel = cmd!(shell, "uname -sr").read()?;
    let rustc = cmd!(shell, "rustc --version").read()?;
    let cpuinfo = shell.read_file("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name\t: "));
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let machine = model.unwrap_or("a processor that does not tell its name");
    let text = format!(
        "{before}{BEGIN}\n{date}, {cores} cores of {machine}, {kernel}, {rustc}; {versions}.\n\n\
         {measured}\n{END}{after}"
    );
    shell.write_file(page, text)?;
    Ok(())
}
