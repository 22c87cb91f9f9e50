//! A namespace.

use surrealism::surrealism;

surrealism::namespace!(limits);

#[surrealism]
fn allow() -> String {
    "of the file".to_string()
}

#[surrealism(default)]
fn unnamed() -> String {
    "the default".to_string()
}

#[surrealism(name = "other")]
fn renamed() -> String {
    "renamed".to_string()
}

#[surrealism]
mod inner {
    #[surrealism]
    fn allow() -> String {
        "of a marked module".to_string()
    }
}

mod daily;

macro_rules! made {
    ($name:ident) => {
        #[surrealism]
        fn $name() -> String {
            "by a macro".to_string()
        }
    };
}

made!(made);
