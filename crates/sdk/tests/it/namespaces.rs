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

macro_rules! make {
    ($answer:literal) => {
        #[surrealism]
        fn made() -> String {
            $answer.to_string()
        }

        #[surrealism(name = "by::name")]
        fn named() -> String {
            $answer.to_string()
        }
    };
    ($name:ident = $answer:literal) => {
        #[surrealism(default)]
        fn $name() -> String {
            $answer.to_string()
        }
    };
}

#[surrealism]
mod first {
    use super::*;

    make!("first");

    #[surrealism]
    fn written() -> String {
        "written".to_string()
    }

    #[surrealism(name = "deep::er")]
    mod inner {
        use super::*;

        make!("inner");
        make!(answer = "the default of inner");
    }
}

#[surrealism(name = "other")]
mod second {
    use super::*;

    make!("second");
    make!(answer = "the default of second");
}

#[test]
fn functions_that_macros_make_have_the_name_of_their_marked_module() {
    for (name, expected) in [
        ("first::made", "first"),
        ("first::by::name", "first"),
        ("first::written", "written"),
        ("first::deep::er::made", "inner"),
        ("first::deep::er", "the default of inner"),
        ("other::made", "second"),
        ("other", "the default of second"),
    ] {
        assert_eq!(call(name).as_deref(), Ok(expected), "{name}");
        plugin::args(Some(&format!("namespaces::{name}"))).unwrap();
    }
    let names = plugin::names();
    let is_made = |name: &&String| name.starts_with("namespaces::") && name.ends_with("::made");
    assert_eq!(names.iter().flatten().filter(is_made).count(), 4, "{names:?}");
    for wrong in ["made", "other::other", "first::first::written"] {
        assert!(call(wrong).is_err(), "{wrong}");
    }
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
