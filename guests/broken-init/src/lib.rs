//! An `init` that fails, so that no instance of this plugin can be used.

use surrealism::surrealism;

#[surrealism(init)]
fn fail() -> Result<(), &'static str> {
    println!("about to fail");
    Err("the configuration is missing")
}

/// Is never called.
#[surrealism]
fn unreachable() -> bool {
    true
}
