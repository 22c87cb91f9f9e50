//! A plugin as small as they are; a thousand of its like are loaded at once.

use surrealism::surrealism;

#[surrealism]
fn can_drive(age: i64) -> bool {
    age >= 18
}
