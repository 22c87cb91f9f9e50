//! The kinds of types that contain themselves.

use std::any::type_name;
use std::cell::RefCell;

use surrealdb_types::Kind;

thread_local! {
    /// The types whose kinds are being made, the outermost first.
    static IN_PROGRESS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Returns the kind of `T`, which `kind` makes. Within itself, it is `any`: kinds are trees.
pub fn kind_of<T>(kind: fn() -> Kind) -> Kind {
    let name = type_name::<T>();
    if IN_PROGRESS.with_borrow(|types| types.contains(&name)) {
        return Kind::Any;
    }
    IN_PROGRESS.with_borrow_mut(|types| types.push(name));
    let kind = kind();
    IN_PROGRESS.with_borrow_mut(Vec::pop);
    kind
}
