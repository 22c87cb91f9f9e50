//! What compiles, and the compile errors for everything else.
//!
//! After a change of a message, `TRYBUILD=overwrite cargo test -p surrealism --test ui` updates the
//! `.stderr` files.

#[test]
fn compile_errors() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/*.rs");
}
