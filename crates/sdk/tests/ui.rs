//! What compiles, and what every mistake is answered with.
//!
//! After a change of a message, `TRYBUILD=overwrite cargo test -p surrealism --test ui` writes the
//! `.stderr` files anew.

#[test]
fn mistakes_are_told() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/*.rs");
}
