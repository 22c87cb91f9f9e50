//! A minimal plugin, of which a thousand are loaded at once.

use surrealism::surrealism;

#[surrealism]
fn can_drive(age: i64) -> bool {
    age >= 18
}
