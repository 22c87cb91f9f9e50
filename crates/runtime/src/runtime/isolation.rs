//! What calls of one module share.

/// What a call sees of the calls before it.
///
/// ```no_run
/// # use surrealism_runtime::{Isolation, Runtime, SurrealismPackage, SurrealismResult};
/// # fn example(package: SurrealismPackage) -> SurrealismResult<()> {
/// let runtime = Runtime::builder(package).isolation(Isolation::Fresh).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Isolation {
    /// An instance serves one call after another and keeps its memory: statics persist, and so does
    /// everything else that the guest leaves in memory. The default, as in the published runtime.
    #[default]
    Reuse,
    /// Every call gets an instance of its own, in the state just after `init`. The key-value store is
    /// still shared.
    ///
    /// A module is [pre-initialized](crate::RuntimeBuilder::preinitialize) by default then, so that
    /// `init` need not run for every call.
    Fresh,
}
