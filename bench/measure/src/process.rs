//! A side in a process of its own, which takes its turn when it is asked: a line with the case in, a
//! line with the time out.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{Case, Side};

/// A side that runs elsewhere. It ends when this is dropped.
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
        let times = BufReader::new(child.stdout.take().context("its output is not piped")?);
        Ok(Self { child, cases, times })
    }
}

impl Side for Process {
    fn measure(&mut self, case: Case) -> Result<Option<f64>> {
        let cases = self.cases.as_mut().context("its input is not piped")?;
        writeln!(cases, "{}", serde_json::to_string(&case)?)?;
        let mut line = String::new();
        if self.times.read_line(&mut line)? == 0 {
            bail!("the other side ended in {case:?}: {}", self.child.wait()?);
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // At the end of its input it ends.
        drop(self.cases.take());
        let _ = self.child.wait();
    }
}

/// Measures what is asked for, until the input ends.
pub fn serve(mut side: impl Side) -> Result<()> {
    for case in std::io::stdin().lines() {
        let time = side.measure(serde_json::from_str(&case?)?)?;
        println!("{}", serde_json::to_string(&time)?);
    }
    Ok(())
}
