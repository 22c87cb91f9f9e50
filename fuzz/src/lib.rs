//! What fuzzing holds the project to: each function here is the body of one fuzz target, takes any
//! bytes, and panics if something is not as it should be.
//!
//! `cargo xtask fuzz` runs them at length. As ordinary tests they replay `seeds/`, and whatever has
//! been found on this machine and not yet been mended.

mod archive;
mod calls;
mod config;
mod generators;
mod value;

pub use archive::archive;
pub use calls::calls;
pub use config::config;
pub use value::value;

/// Counts, so that a target can say what a decoder may take.
#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// Lets panics pass that a target expects and catches: libFuzzer's hook ends the process at the first
/// one, caught or not.
fn hush_panics(expected: &'static str) {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.payload_as_str().is_some_and(|text| text.contains(expected)) {
            tell(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    type Target = fn(&[u8]);

    /// In turn: what is measured is measured for the whole process.
    #[test]
    fn everything_known_replays() {
        let targets: [(&str, Target); 4] = [
            ("archive", super::archive),
            ("config", super::config),
            ("value", super::value),
            ("calls", super::calls),
        ];
        for (name, target) in targets {
            assert!(replay("seeds", name, target) > 0, "{name} has no seeds");
            replay("artifacts", name, target);
        }
    }

    /// Runs a target on every file of its folder, and tells which, for when it does not come back.
    fn replay(folder: &str, name: &str, target: Target) -> usize {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(name);
        let Ok(inputs) = fs::read_dir(folder) else { return 0 };
        let replayed = inputs.map(|input| {
            let input = input.unwrap().path();
            println!("{}", input.display());
            target(&fs::read(input).unwrap());
        });
        replayed.count()
    }
}
