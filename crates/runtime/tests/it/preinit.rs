//! Pre-initialization: fresh instances begin with the state that `init` left while the module was loaded,
//! unless that state could differ from one instance to the next.

mod caching;
mod equivalence;
mod failures;
mod files;
mod guest;
mod plugins;
mod supported;
mod unsupported;

use surrealdb_types::Value;
use surrealism_runtime::{
    Error, InvocationContext, Isolation, Runtime, RuntimeBuilder, SurrealismPackage,
};

use crate::support::{Recorder, trusted};

fn fresh(package: SurrealismPackage) -> RuntimeBuilder {
    trusted(package).isolation(Isolation::Fresh)
}

/// Calls a guest; the result of [`Guest`](guest::Guest) is whether it finds the state that `init` left.
async fn call(
    runtime: &Runtime,
    context: impl InvocationContext + 'static,
) -> Result<Value, Error> {
    runtime.call("find", (), context).await
}

async fn finds(runtime: &Runtime, context: impl InvocationContext + 'static) -> bool {
    call(runtime, context).await.unwrap().into_bool().unwrap()
}

/// Loads a guest, asserts whether it is pre-initialized, and that every call finds the state that `init`
/// left, though each call changes it.
async fn assert_preinitialized(case: &str, package: SurrealismPackage, expected: bool) {
    let runtime = fresh(package).build().unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!(runtime.usage().preinitialized, expected, "{case}");
    for number in 1..=3 {
        assert!(finds(&runtime, Recorder::new()).await, "{case}, call {number}");
    }
    assert_eq!(runtime.usage().instances.current, 0, "{case}");
}
