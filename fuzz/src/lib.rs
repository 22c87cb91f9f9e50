//! Fuzz targets. Each function is the body of one target: it takes any bytes, and panics if a property does
//! not hold.
//!
//! `cargo xtask fuzz` runs them. As ordinary tests they replay `seeds/`, and the failures in `artifacts/`
//! that fuzzing found on this machine.

mod archive;
mod calls;
mod columns;
pub mod compile;
mod config;
mod generators;
mod value;

pub use archive::archive;
pub use calls::calls;
pub use columns::columns;
pub use compile::compile;
pub use config::config;
pub use value::value;

/// Counts allocated bytes, so that a target can bound what a decoder takes.
#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// Ignores the panics that a target expects and catches: the hook of libFuzzer ends the process at the
/// first one, caught or not.
fn silence_panics(expected: &'static str) {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.payload_as_str().is_some_and(|text| text.contains(expected)) {
            previous(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    type Target = fn(&[u8]);

    // One test, since memory is measured for the whole process.
    #[test]
    fn seeds_and_artifacts_replay() {
        let targets: [(&str, Target); 6] = [
            ("archive", super::archive),
            ("config", super::config),
            ("value", super::value),
            ("calls", super::calls),
            ("columns", super::columns),
            ("compile", super::compile),
        ];
        for (name, target) in targets {
            assert!(replay("seeds", name, target) > 0, "{name} has no seeds");
            replay("artifacts", name, target);
        }
    }

    /// Runs a target on every file of its directory, and returns how many there are. Prints each name
    /// first, in case the target hangs.
    fn replay(directory: &str, name: &str, target: Target) -> usize {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory).join(name);
        let Ok(inputs) = fs::read_dir(directory) else { return 0 };
        let replayed = inputs.map(|input| {
            let input = input.unwrap().path();
            println!("{}", input.display());
            target(&fs::read(input).unwrap());
        });
        replayed.count()
    }
}
