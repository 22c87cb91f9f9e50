//! Source files that are namespaces: the names of their functions.

use surrealism::surrealdb_types::SurrealValue as _;
use surrealism::types::codec;
use surrealism::{__private as plugin, surrealism};

surrealism::namespace!(namespaces);

mod limits;
mod twins;

#[surrealism]
fn allow() -> String {
    "of the root".to_string()
}

fn call(name: &str) -> Result<String, String> {
    let args = codec::encode_values(&[]).unwrap();
    let result = plugin::invoke(Some(&format!("namespaces::{name}")), &args)?;
    Ok(String::from_value(codec::decode_value(&result).unwrap()).unwrap())
}

#[test]
fn functions_of_one_name_may_be_in_several_files() {
    for (name, expected) in [
        ("allow", "of the root"),
        ("limits::allow", "of the file"),
        ("limits", "the default"),
        ("limits::other", "renamed"),
        ("limits::inner::allow", "of a marked module"),
        ("limits::daily::usage::allow", "of a module below"),
        ("limits::made", "by a macro"),
    ] {
        assert_eq!(call(name).as_deref(), Ok(expected), "{name}");
        let name = format!("namespaces::{name}");
        assert!(plugin::names().contains(&Some(name.clone())), "{name}");
        plugin::args(Some(&name)).unwrap();
    }
    assert!(call("daily::usage::allow").is_err());
    assert!(!plugin::names().contains(&Some("limits::made".to_string())));
}

#[test]
fn one_name_twice_is_an_error_of_the_signature() {
    let error = plugin::args(Some("namespaces::twin")).unwrap_err();
    let expected = "`namespaces::twin` is exported more than once, in the modules ";
    assert!(error.starts_with(expected), "{error}");
    assert!(error.contains("::twins::one") && error.contains("::twins::other"), "{error}");
    assert!(error.contains("`surrealism::namespace!(…);`"), "{error}");
}
