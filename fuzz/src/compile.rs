//! What compiling an untrusted component costs.

mod mixed;
mod shapes;

use std::num::NonZero;
use std::sync::Once;
use std::thread::available_parallelism;
use std::time::Duration;

use arbitrary::Unstructured;
use surrealism_runtime::limits::{COMPILE_MEMORY_PER_THREAD_BYTES, CompileLimits};
use surrealism_runtime::{ExportsManifest, Runtime, SurrealismConfig, SurrealismPackage};

use mixed::mixed;
pub use shapes::{SHAPES, Shape, largest};

/// No limits.
pub const UNLIMITED: CompileLimits = CompileLimits {
    max_time: Duration::MAX,
    max_memory_bytes: u64::MAX,
    max_function_bytes: u32::MAX,
    max_locals: u32::MAX,
    max_nesting: u32::MAX,
    max_loop_nesting: u32::MAX,
    max_instances: u32::MAX,
    max_parts: u32::MAX,
};

/// Far below the time after which a fuzzer takes an input for one that hangs.
const LIMITS: CompileLimits = CompileLimits {
    max_time: Duration::from_secs(1),
    max_memory_bytes: 128 << 20,
    max_function_bytes: 2 << 20,
    max_locals: 10_000,
    max_nesting: 4_000,
    max_loop_nesting: 100,
    max_instances: 2_000,
    max_parts: 20_000,
};

/// Memory of the rest of a load: the component itself, and what is counted for all components.
const OTHER_BYTES: u64 = 32 << 20;

const MAX_SIZE: u32 = 200_000;
const MAX_FRAGMENTS: usize = 10_000;

/// CPU time that a compilation may take to its estimate: the machine may be slower than that of the weights,
/// and its cores may share their units.
const MAX_TIME_RATIO: f64 = 3.0;

/// CPU time of the rest of a load in seconds, on any machine.
const OTHER_SECONDS: f64 = 1.0;

/// Compiles what the limits admit, and checks that it takes no more memory than estimated, and not much more
/// CPU time.
///
/// The input chooses a shape, of which the largest component is taken that is admitted, or it is a function
/// of fragments that are mixed.
pub fn compile(input: &[u8]) {
    let Ok(Some(wasm)) = component(&mut Unstructured::new(input)) else { return };
    let Ok(cost) = LIMITS.check(&wasm) else { return };
    crate::MEMORY.reset_peak_usage();
    static SILENCED: Once = Once::new();
    // The runtime catches it.
    SILENCED.call_once(|| crate::silence_panics("invalid adapter module"));
    let (before, begin) = (crate::MEMORY.current_usage(), cpu_seconds());
    // Most are not plugins, which is found out after they were compiled.
    let _ = load(wasm, LIMITS);
    let took = cpu_seconds() - begin;
    let most = cost.time.as_secs_f64() * MAX_TIME_RATIO + OTHER_SECONDS;
    assert!(took <= most, "compiling took {took} s of CPU time, and the estimate is {cost:?}");
    let used = crate::MEMORY.peak_usage().saturating_sub(before) as u64;
    let threads = available_parallelism().map_or(1, NonZero::get) as u64;
    let bound = cost.memory_bytes + threads * COMPILE_MEMORY_PER_THREAD_BYTES + OTHER_BYTES;
    assert!(used <= bound, "compiling took {used} bytes, and the estimate is {cost:?}");
}

fn component(input: &mut Unstructured<'_>) -> arbitrary::Result<Option<Vec<u8>>> {
    let shape = usize::from(input.arbitrary::<u8>()?);
    if let Some(shape) = SHAPES.get(shape) {
        let numbers: [u16; 2] = input.arbitrary()?;
        let admits = |wasm: &[u8]| LIMITS.check(wasm).is_ok();
        return Ok(largest(shape, numbers.map(u32::from), MAX_SIZE, admits));
    }
    let mut fragments = Vec::new();
    while !input.is_empty() && fragments.len() < MAX_FRAGMENTS {
        fragments.push(input.arbitrary()?);
    }
    Ok(Some(mixed(&fragments)))
}

/// Returns a component that contains a core module.
pub fn component_around(module: &[u8]) -> Vec<u8> {
    let mut component = wasm_encoder::Component::new();
    let id = wasm_encoder::ComponentSectionId::CoreModule as u8;
    component.section(&wasm_encoder::RawSection { id, data: module });
    component.finish()
}

/// Returns the CPU time that this process took, in seconds.
pub fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, in parentheses, may have blanks.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// Loads a component that need not be a plugin.
///
/// # Errors
///
/// When it is over the limits or, after it was compiled, not a plugin.
pub fn load(wasm: Vec<u8>, limits: CompileLimits) -> Result<Runtime, String> {
    let config = "abi = 2\n[package]\norganisation = 'acme'\nname = 'x'\nversion = '1.0.0'";
    let package = SurrealismPackage {
        config: SurrealismConfig::parse(config).map_err(|error| error.to_string())?,
        wasm,
        exports: ExportsManifest::empty(),
        fs: None,
        logo: None,
    };
    Runtime::builder(package).compile_limits(limits).build().map_err(|error| format!("{error:#}"))
}
