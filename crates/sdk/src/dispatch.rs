//! Decodes arguments and encodes results whose types the attribute's output does not know.
//!
//! A macro sees the names of types, not the types. Those that the codec knows ([`Native`]) should cross
//! without a `Value` in between, and all others through one. So there is a trait for either case, with the
//! same method: the one for native types is implemented for `&XDispatch<T>`, the other for `XDispatch<T>`.
//! The attribute's output calls the method on `&&XDispatch<T>`, and the compiler picks the first
//! implementation that fits, with the fewest references removed. This is known as [autoref specialization].
//!
//! [`Native`]: surrealism_types::codec::Native
//! [autoref specialization]:
//!     https://github.com/dtolnay/case-studies/blob/master/autoref-specialization/README.md

pub(crate) mod arguments;
pub(crate) mod columns;
pub(crate) mod numbers;
pub(crate) mod returns;
