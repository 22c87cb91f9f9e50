//! Values and JSON by the kinds of signatures.

mod document;
mod hostile;
mod json;
mod properties;
mod values;
