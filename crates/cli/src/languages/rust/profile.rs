//! The cargo profile that a plugin is built with.

/// How much work the compiler does.
#[derive(Debug)]
pub(super) enum Profile {
    /// The project's release profile without the passes over the whole program, and incremental: a change
    /// compiles the plugin's own crate only.
    Quick,
    /// The project's release profile.
    Release,
    /// The project's dev profile.
    Debug,
    /// The user's arguments for cargo select one.
    OfCargoArgs,
}

impl Profile {
    pub(super) fn cargo_args(&self) -> &'static [&'static str] {
        match self {
            Self::Quick => &[
                "--config=profile.quick.inherits='release'",
                "--config=profile.quick.lto='off'",
                "--config=profile.quick.codegen-units=16",
                "--config=profile.quick.incremental=true",
                "--profile=quick",
            ],
            Self::Release => &["--release"],
            Self::Debug | Self::OfCargoArgs => &[],
        }
    }

    /// Says what the profile costs, if the user did not choose it.
    pub(super) fn meaning(&self) -> Option<&'static str> {
        match self {
            Self::Quick => Some(
                "quick: rebuilds in seconds; `--release` makes it smaller, a new plugin 90 instead of \
                 137 KiB",
            ),
            Self::Release | Self::Debug | Self::OfCargoArgs => None,
        }
    }
}
