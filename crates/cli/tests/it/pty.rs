//! Runs the command on a pseudo-terminal, as a user at a keyboard does.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};

use crate::support::with_grants;

/// What a test waits for at most. A loaded machine compiles guests slowly.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command on a terminal.
pub(crate) struct Pty {
    keyboard: File,
    screen: Arc<Screen>,
    child: Child,
    /// Bytes of the output that were expected before.
    seen: usize,
}

/// What the command wrote, and whether it has closed the terminal.
#[derive(Default)]
struct Screen {
    output: Mutex<(Vec<u8>, bool)>,
    changed: Condvar,
}

impl Pty {
    /// Starts the command in a directory, with what guests ask for. Its state and its history are in `home`.
    pub(crate) fn start<S: AsRef<OsStr>>(home: &Path, args: &[S]) -> Self {
        Self::start_without_grants(home, &with_grants(home, args))
    }

    /// Starts the command in a directory, without any grant.
    pub(crate) fn start_without_grants<S: AsRef<OsStr>>(home: &Path, args: &[S]) -> Self {
        let size = Winsize { ws_row: 50, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).unwrap();
        let terminal = File::from(pty.slave);
        let stdio = || terminal.try_clone().unwrap();
        // A session of its own, with this terminal, which sends it the signals of Ctrl-C.
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_surrealism")])
            .args(args)
            .current_dir(home)
            .env("XDG_STATE_HOME", home)
            .env("XDG_CONFIG_HOME", home)
            .env("XDG_CACHE_HOME", concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/cache"))
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .unwrap();
        let keyboard = File::from(pty.master);
        let screen = Arc::new(Screen::default());
        let (mut master, reader) = (keyboard.try_clone().unwrap(), screen.clone());
        thread::spawn(move || reader.read(&mut master));
        Self { keyboard, screen, child, seen: 0 }
    }

    /// Types text as it is: a line ends with `\r`.
    pub(crate) fn send(&mut self, keys: &str) -> &mut Self {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Waits for text that was not expected before.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) -> &mut Self {
        let find = |(output, _): &mut (Vec<u8>, bool)| {
            let new = &output[self.seen..];
            new.windows(text.len()).position(|window| window == text.as_bytes())
        };
        let output = self.screen.output.lock().unwrap();
        let (mut output, timeout) = self
            .screen
            .changed
            .wait_timeout_while(output, PATIENCE, |output| find(output).is_none() && !output.1)
            .unwrap();
        let Some(position) = find(&mut output) else {
            let shown = String::from_utf8_lossy(&output.0).into_owned();
            panic!("{text:?} was not printed (timeout: {}):\n{shown}", timeout.timed_out());
        };
        drop(output);
        self.seen += position + text.len();
        self
    }

    /// Waits until the terminal itself handles keys such as Ctrl-C: the command does not read a line.
    pub(crate) fn wait_for_canonical_mode(&mut self) -> &mut Self {
        use nix::sys::termios::{LocalFlags, tcgetattr};
        let begun = Instant::now();
        while !tcgetattr(&self.keyboard).unwrap().local_flags.contains(LocalFlags::ISIG) {
            assert!(begun.elapsed() < PATIENCE, "the command still reads a line");
            thread::sleep(Duration::from_millis(10));
        }
        self
    }

    /// Ends the command as `kill -9` does, and with it the terminal.
    pub(crate) fn kill(mut self) {
        // `setsid` has become the command.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the end of the command. Returns its exit code and all of its output.
    #[track_caller]
    pub(crate) fn end(mut self) -> (i32, String) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "the command does not end");
            thread::sleep(Duration::from_millis(10));
        };
        // The terminal is closed with the last descriptor of the child, and the rest can be read.
        let output = self.screen.output.lock().unwrap();
        let (output, _) =
            self.screen.changed.wait_timeout_while(output, PATIENCE, |output| !output.1).unwrap();
        // As a shell says it.
        let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap();
        (code, String::from_utf8_lossy(&output.0).into_owned())
    }
}

impl Screen {
    fn read(&self, master: &mut File) {
        let mut buffer = [0; 4096];
        loop {
            // On Linux, reading fails once the other side is closed.
            let length = master.read(&mut buffer).unwrap_or(0);
            let mut output = self.output.lock().unwrap();
            output.0.extend_from_slice(&buffer[..length]);
            output.1 = length == 0;
            self.changed.notify_all();
            if length == 0 {
                return;
            }
        }
    }
}

/// Stops the command if a test fails before its end.
impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
