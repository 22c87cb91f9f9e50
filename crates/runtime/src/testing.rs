//! A plugin for tests of hosts (feature `testing`): no WebAssembly toolchain is needed.
//!
//! ```no_run
//! use surrealism_runtime::{DetachedContext, ErrorKind, Runtime, testing};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::builder(testing::package()).build_async().await?;
//! let error = runtime.call("fail", (), DetachedContext::new()).await.unwrap_err();
//! assert!(matches!(error.kind(), ErrorKind::Guest { text } if text == "the plugin says no"));
//! # Ok(())
//! # }
//! ```
//!
//! | function | outcome |
//! |---|---|
//! | `answer()` | 42 |
//! | `answer_to(question: string)` | 42; without a text, an error of the arguments |
//! | `fail()` | an error of the guest |
//! | `panic()` | a trap, after a panic's message on the error output |
//! | `trap()` | a trap at unreachable code |
//! | `spin()` | computes without an end |
//! | `hog()` | takes memory until it is denied, and traps |
//! | `recurse()` | a trap, since the stack ends |
//! | `sleep()` | sleeps for an hour |
//! | `print()` | a line of output, and 42 |
//! | `sql()` | what the context answers to `sql("RETURN 42")` |
//! | `run()` | what the context answers to `run("fn::outcome")` |
//! | `kv()` | sets the key `outcome` to 42, and returns what it reads |

use semver::Version;
use surrealdb_types::Kind;

use crate::package::SurrealismPackage;
use crate::package::capabilities::{FunctionTargets, SurrealismCapabilities};
use crate::package::config::{
    AbiVersion, SurrealismAttach, SurrealismConfig, SurrealismMeta, Target,
};
use crate::package::config_key::ConfigKeys;
use crate::package::exports::{ExportsManifest, FunctionExport};

/// The component of [`package`], 3 KiB.
const OUTCOMES: &[u8] = include_bytes!("testing/outcomes.wasm");

/// Returns the package `surrealism/outcomes`. It asks for queries, for every function, and for 16 MiB; what
/// it does not get by the [grants](crate::Grants) of the host is an error of the kind
/// [`Denied`](crate::ErrorKind::Denied).
pub fn package() -> SurrealismPackage {
    let returning_int = [
        "answer", "fail", "panic", "trap", "spin", "hog", "recurse", "sleep", "print", "sql",
        "run", "kv",
    ];
    let mut functions: Vec<_> = returning_int.map(|name| function(name, Vec::new())).into();
    functions.push(function("answer_to", vec![("question".to_string(), Kind::String)]));
    SurrealismPackage {
        config: SurrealismConfig {
            target: Target::Rust,
            meta: SurrealismMeta {
                organisation: "surrealism".to_string(),
                name: "outcomes".to_string(),
                version: Version::new(1, 0, 0),
            },
            capabilities: SurrealismCapabilities {
                allow_arbitrary_queries: true,
                allow_functions: FunctionTargets::All,
                max_memory_bytes: Some(16 << 20),
                ..SurrealismCapabilities::default()
            },
            abi: AbiVersion::CURRENT,
            config: ConfigKeys::new(),
            attach: SurrealismAttach::default(),
        },
        wasm: OUTCOMES.to_vec(),
        exports: ExportsManifest { functions },
        fs: None,
        logo: None,
    }
}

fn function(name: &str, args: Vec<(String, Kind)>) -> FunctionExport {
    FunctionExport {
        name: Some(name.to_string()),
        args,
        returns: Kind::Int,
        args_text: None,
        returns_text: None,
        writeable: name == "kv",
        comment: None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::executor::block_on;
    use surrealdb_types::{SurrealValue, Value};

    use super::*;
    use crate::{DetachedContext, ErrorKind, Grants, Runtime, TrapKind};

    #[test]
    fn the_component_is_that_of_its_text() {
        let assembled = wat::parse_str(include_str!("testing/outcomes.wat")).unwrap();
        assert!(assembled == OUTCOMES, "assemble outcomes.wasm from outcomes.wat again");
    }

    #[test]
    fn each_function_has_the_outcome_that_it_documents() {
        let runtime = Runtime::builder(package()).grants(Grants::as_requested()).build().unwrap();
        let call = |function: &str, args: Vec<Value>| {
            let store = runtime.kv_store().clone();
            let call = runtime.call(function, args, DetachedContext::new().kv(store));
            block_on(async { call.timeout(Duration::from_secs(1)).await })
        };
        for function in ["answer", "print", "kv"] {
            assert_eq!(call(function, vec![]).unwrap(), 42_i64.into_value(), "{function}");
        }
        let question = vec!["what?".to_string().into_value()];
        assert_eq!(call("answer_to", question).unwrap(), 42_i64.into_value());

        let trap = ErrorKind::Trap;
        for (function, expected) in [
            ("panic", trap(TrapKind::Panic)),
            ("trap", trap(TrapKind::Unreachable)),
            ("hog", trap(TrapKind::OutOfMemory)),
            ("recurse", trap(TrapKind::StackOverflow)),
            ("fail", ErrorKind::Guest { text: "the plugin says no".to_string() }),
        ] {
            let error = call(function, vec![]).unwrap_err();
            assert_eq!(format!("{:?}", error.kind()), format!("{expected:?}"), "{function}");
        }
        for (function, status) in
            [("answer_to", 400), ("sql", 403), ("run", 403), ("spin", 504), ("sleep", 504)]
        {
            let error = call(function, vec![]).unwrap_err();
            assert_eq!(error.http_status(), status, "{function}: {error:?}");
        }
    }
}
