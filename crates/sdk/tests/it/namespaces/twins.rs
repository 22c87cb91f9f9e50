//! Two files that export the same name.

mod one;
mod other;
