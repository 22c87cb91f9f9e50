//! An init that fails: no instance of this plugin ever comes to be.

use surrealism::surrealism;

#[surrealism(init)]
fn fail() -> Result<(), &'static str> {
    println!("about to fail");
    Err("the configuration is missing")
}

/// Is never reached.
#[surrealism]
fn unreachable() -> bool {
    true
}
