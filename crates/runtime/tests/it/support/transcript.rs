//! Snapshots of messages.

use std::fmt::{Display, Write};

use surrealism_runtime::Error;

/// Cases and their messages, as one text for a snapshot.
///
/// `INSTA_UPDATE=always cargo test -p surrealism-runtime --test it` accepts changed snapshots.
#[derive(Default)]
pub(crate) struct Transcript(String);

impl Transcript {
    pub(crate) fn add(&mut self, case: impl Display, message: impl Display) {
        writeln!(self.0, "{case}").unwrap();
        for line in message.to_string().trim_end().lines() {
            writeln!(self.0, "  {line}").unwrap();
        }
        writeln!(self.0).unwrap();
    }

    /// Hands the text to `assert`, which compares it with a snapshot of the test's name. Offsets in code,
    /// lines in the source of guests and temporary directories are replaced.
    pub(crate) fn assert(self, assert: impl FnOnce(&str)) {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.add_filter(r"at 0x[0-9a-f]+", "at [offset]");
        settings.add_filter(r"lib\.rs:\d+:\d+", "lib.rs:[line]");
        settings.add_filter(r"\S*[/\\]\.tmp\w{6}[/\\]", "[temporary]/");
        settings.bind(|| assert(&self.0));
    }
}

/// The message of a trap in a guest of Rust, without its backtrace, which depends on the toolchain.
pub(crate) fn without_backtrace(error: &Error) -> String {
    let message = error.to_string();
    let (message, backtrace) = message.split_once("\nwasm backtrace:\n").expect("a backtrace");
    assert!(backtrace.contains(" at 0x"), "{backtrace}");
    message.to_string()
}
