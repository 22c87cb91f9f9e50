//! How the values of a type cross as columns, found by the type.

use std::any::Any;

use surrealdb_types::{Bytes, Kind};
use surrealism_types::codec::CodecError;
use surrealism_types::codec::columns::{
    Column, ColumnReader, RowErrors, read_result, read_results,
};

/// What [`Column`] types know, for a `T` of which the compiler does not know that it is one.
#[doc(hidden)]
pub struct ColumnOps<T: 'static> {
    pub(super) push_type: fn(&mut Vec<u8>),
    pub(super) kind: fn() -> Kind,
    pub(super) check: fn(&[T]) -> Result<(), CodecError>,
    /// Checks values, and appends their column.
    pub(super) write: fn(&[T], &mut Vec<u8>) -> Result<(), CodecError>,
    pub(super) read_one:
        for<'m> fn(&mut ColumnReader<'m>) -> Result<Result<T, &'m str>, CodecError>,
    pub(super) read_all:
        for<'m> fn(&mut ColumnReader<'m>, usize, &mut Vec<T>) -> Result<RowErrors<'m>, CodecError>,
}

impl<T> Copy for ColumnOps<T> {}

impl<T> Clone for ColumnOps<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Column> ColumnOps<T> {
    const COLUMN: Self = Self {
        push_type: T::push_type,
        kind: T::kind,
        check: |values| values.iter().try_for_each(T::check),
        write: |values, out| {
            values.iter().try_for_each(T::check)?;
            T::write(values.iter().map(Some), values.len(), out)
        },
        read_one: read_result::<T>,
        read_all: read_results::<T>,
    };
}

/// Tries each type that hosts are likely to use. A deeper one crosses by the published interface.
macro_rules! find {
    ($($ty:ty),*) => {
        find! { @ $(
            $ty, Option<$ty>, Vec<$ty>, Option<Vec<$ty>>, Vec<Option<$ty>>, Vec<Vec<$ty>>,
        )* }
    };
    (@ $($ty:ty,)*) => {
        /// Returns how values of the type cross as columns, if they do.
        pub(super) fn find() -> Option<Self> {
            $(if let Some(ops) = (&ColumnOps::<$ty>::COLUMN as &dyn Any).downcast_ref::<Self>() {
                return Some(*ops);
            })*
            (&ColumnOps::<()>::COLUMN as &dyn Any).downcast_ref::<Self>().copied()
        }
    };
}

impl<T: 'static> ColumnOps<T> {
    find! { bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, String, Bytes }
}
