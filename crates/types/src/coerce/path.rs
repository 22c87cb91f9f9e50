//! Where in a value a part of it is.

/// A step on the way from a value to a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PathSegment {
    /// A field of an object.
    Field(String),
    /// An element of an array or, in its order, of a set; the first is 0.
    Index(usize),
}
