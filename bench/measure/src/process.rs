//! A contender in a process of its own: it reads a line with a case and writes a line with the time.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{Case, Contender};

/// A contender in another process, which ends when this is dropped.
pub struct Process {
    child: Child,
    cases: Option<ChildStdin>,
    times: BufReader<ChildStdout>,
}

impl Process {
    pub fn start(program: &Path, guest: &Path) -> Result<Self> {
        let mut child = Command::new(program)
            .arg(guest)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| program.display().to_string())?;
        let cases = child.stdin.take();
        let times =
            BufReader::new(child.stdout.take().context("the output of the process is not piped")?);
        Ok(Self { child, cases, times })
    }
}

impl Contender for Process {
    fn measure(&mut self, case: Case) -> Result<Option<f64>> {
        let cases = self.cases.as_mut().context("the input of the process is not piped")?;
        writeln!(cases, "{}", serde_json::to_string(&case)?)?;
        let mut line = String::new();
        if self.times.read_line(&mut line)? == 0 {
            bail!("the other process ended in {case:?}: {}", self.child.wait()?);
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process ends at the end of its input.
        drop(self.cases.take());
        let _ = self.child.wait();
    }
}

/// Measures each case on standard input, until it ends.
pub fn serve(mut contender: impl Contender) -> Result<()> {
    for case in std::io::stdin().lines() {
        let time = contender.measure(serde_json::from_str(&case?)?)?;
        println!("{}", serde_json::to_string(&time)?);
    }
    Ok(())
}
