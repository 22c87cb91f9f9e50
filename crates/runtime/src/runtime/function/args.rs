//! The arguments of a typed function.

use std::{any, slice};

use surrealdb_types::{Kind, SurrealValue};
use surrealism_types::args::Args;
use surrealism_types::codec::CodecError;

use super::ops::ColumnOps;

/// The arguments of a [`Function`](crate::Function): a tuple of up to ten [`SurrealValue`]s.
///
/// It cannot be implemented for other types.
pub trait FunctionArgs: Args + Send + 'static + Sealed {}

impl<T: Sealed> FunctionArgs for T {}

/// What [`FunctionArgs`] know. Not exported, which seals [`FunctionArgs`].
pub trait Sealed: Args + Send + 'static {
    /// How each argument crosses as a column.
    type Ops: Send + Sync + 'static;

    /// Returns how the arguments cross as columns, if all of them do.
    fn ops() -> Option<Self::Ops>;

    /// Appends the name of each type.
    fn push_types(ops: &Self::Ops, types: &mut Vec<u8>);

    /// Appends the columns of one row.
    fn write(&self, ops: &Self::Ops, out: &mut Vec<u8>) -> Result<(), CodecError>;

    /// Checks that the arguments can cross.
    fn check(&self, ops: &Self::Ops) -> Result<(), CodecError>;

    /// Returns the kind of each argument's values, and the name of its type.
    fn kinds_and_names() -> Vec<(Kind, String)>;
}

/// Returns the name of a type without the paths of its modules.
pub(super) fn type_name<T>() -> String {
    let full = any::type_name::<T>();
    let mut name = String::new();
    for part in full.split_inclusive(['<', '>', ',', ' ', '(', ')', '[', ']', '&', ';']) {
        name.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    name
}

/// Returns the kind of a type's values.
pub(super) fn kind<T: SurrealValue + 'static>() -> Kind {
    // That of an `i32` is int here, and number as `SurrealValue`.
    ColumnOps::<T>::find().map_or_else(T::kind_of, |ops| (ops.kind)())
}

macro_rules! impl_args {
    ($($name:ident $value:ident),*) => {
        #[allow(non_snake_case, unused_variables)]
        impl<$($name: SurrealValue + Send + 'static),*> Sealed for ($($name,)*) {
            type Ops = ($(ColumnOps<$name>,)*);

            fn ops() -> Option<Self::Ops> {
                Some(($(ColumnOps::<$name>::find()?,)*))
            }

            fn push_types(($($name,)*): &Self::Ops, types: &mut Vec<u8>) {
                $(($name.push_type)(types);)*
            }

            fn write(&self, ($($name,)*): &Self::Ops, out: &mut Vec<u8>) -> Result<(), CodecError> {
                let ($($value,)*) = self;
                $(($name.write)(slice::from_ref($value), out)?;)*
                Ok(())
            }

            fn check(&self, ($($name,)*): &Self::Ops) -> Result<(), CodecError> {
                let ($($value,)*) = self;
                $(($name.check)(slice::from_ref($value))?;)*
                Ok(())
            }

            fn kinds_and_names() -> Vec<(Kind, String)> {
                vec![$((kind::<$name>(), type_name::<$name>())),*]
            }
        }
    };
}

impl_args!();
impl_args!(A a);
impl_args!(A a, B b);
impl_args!(A a, B b, C c);
impl_args!(A a, B b, C c, D d);
impl_args!(A a, B b, C c, D d, E e);
impl_args!(A a, B b, C c, D d, E e, F f);
impl_args!(A a, B b, C c, D d, E e, F f, G g);
impl_args!(A a, B b, C c, D d, E e, F f, G g, H h);
impl_args!(A a, B b, C c, D d, E e, F f, G g, H h, I i);
impl_args!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j);
