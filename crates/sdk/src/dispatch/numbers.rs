//! Integers that SurrealDB cannot represent, found in what a function returns.
//!
//! `SurrealValue::into_value` cannot fail, and wraps an integer that is out of range. So it is checked
//! before.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use surrealdb_types as types;
use surrealism_types::codec::CodecError;

/// A type that may hold integers which are out of range. The derive implements it.
pub trait CheckNumbers {
    /// Finds an integer that is out of range.
    ///
    /// # Errors
    ///
    /// When there is one.
    fn check_numbers(&self) -> Result<(), OutOfRange>;
}

/// An integer that is out of range for a 64-bit signed integer.
#[derive(Debug)]
pub struct OutOfRange {
    value: u64,
    /// From the innermost to the outermost.
    path: Vec<&'static str>,
}

impl OutOfRange {
    /// Returns the error of the type that has this one's in a field.
    #[must_use]
    pub fn within(mut self, field: &'static str) -> Self {
        self.path.push(field);
        self
    }
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, field) in self.path.iter().rev().enumerate() {
            f.write_str(if index > 0 { "." } else { "" })?;
            f.write_str(field)?;
        }
        f.write_str(if self.path.is_empty() { "" } else { ": " })?;
        CodecError::IntegerOutOfRange(self.value).fmt(f)
    }
}

impl From<OutOfRange> for String {
    fn from(error: OutOfRange) -> Self {
        error.to_string()
    }
}

/// Selects whether values of type `T` are checked.
pub struct NumbersDispatch<T>(PhantomData<T>);

impl<T> NumbersDispatch<T> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// Checks a type that may hold integers.
pub trait CheckedNumbers<T> {
    /// Finds an integer that is out of range.
    ///
    /// # Errors
    ///
    /// When there is one.
    fn check(&self, value: &T) -> Result<(), OutOfRange>;
}

impl<T: CheckNumbers> CheckedNumbers<T> for &NumbersDispatch<T> {
    fn check(&self, value: &T) -> Result<(), OutOfRange> {
        value.check_numbers()
    }
}

/// Accepts any other type.
pub trait UncheckedNumbers<T> {
    /// Returns `Ok`.
    ///
    /// # Errors
    ///
    /// None.
    fn check(&self, value: &T) -> Result<(), OutOfRange>;
}

impl<T> UncheckedNumbers<T> for NumbersDispatch<T> {
    fn check(&self, _: &T) -> Result<(), OutOfRange> {
        Ok(())
    }
}

macro_rules! unsigned {
    ($($int:ty),*) => {$(
        impl CheckNumbers for $int {
            fn check_numbers(&self) -> Result<(), OutOfRange> {
                let value = *self as u64;
                if i64::try_from(value).is_ok() {
                    return Ok(());
                }
                Err(OutOfRange { value, path: Vec::new() })
            }
        }
    )*};
}
unsigned! { u64, usize }

macro_rules! without {
    ($($ty:ty),* $(,)?) => {$(
        impl CheckNumbers for $ty {
            fn check_numbers(&self) -> Result<(), OutOfRange> {
                Ok(())
            }
        }
    )*};
}
// So that tuples, maps and the author's generic types of these are checked in their other parts.
without! {
    (), bool, i8, i16, i32, i64, isize, u8, u16, u32, f32, f64, String, &str, std::time::Duration,
    types::Value, types::Object, types::Array, types::Set, types::Number, types::Decimal,
    types::Datetime, types::Duration, types::Uuid, types::Bytes, types::RecordId, types::Table,
    types::File, types::Range, types::Geometry,
}

macro_rules! lists {
    ($($list:ident),*) => {$(
        impl<T: CheckNumbers> CheckNumbers for $list<T> {
            fn check_numbers(&self) -> Result<(), OutOfRange> {
                self.iter().try_for_each(T::check_numbers)
            }
        }
    )*};
}
lists! { Option, Vec, VecDeque, LinkedList, BinaryHeap, BTreeSet }

impl<T: CheckNumbers, S> CheckNumbers for HashSet<T, S> {
    fn check_numbers(&self) -> Result<(), OutOfRange> {
        self.iter().try_for_each(T::check_numbers)
    }
}

impl<T: CheckNumbers, const N: usize> CheckNumbers for [T; N] {
    fn check_numbers(&self) -> Result<(), OutOfRange> {
        self.iter().try_for_each(T::check_numbers)
    }
}

impl<K, T: CheckNumbers> CheckNumbers for BTreeMap<K, T> {
    fn check_numbers(&self) -> Result<(), OutOfRange> {
        self.values().try_for_each(T::check_numbers)
    }
}

impl<K, T: CheckNumbers, S> CheckNumbers for HashMap<K, T, S> {
    fn check_numbers(&self) -> Result<(), OutOfRange> {
        self.values().try_for_each(T::check_numbers)
    }
}

macro_rules! pointers {
    ($($pointer:ident),*) => {$(
        impl<T: CheckNumbers> CheckNumbers for $pointer<T> {
            fn check_numbers(&self) -> Result<(), OutOfRange> {
                T::check_numbers(self)
            }
        }
    )*};
}
pointers! { Box, Rc, Arc }

impl<T: CheckNumbers, E> CheckNumbers for Result<T, E> {
    fn check_numbers(&self) -> Result<(), OutOfRange> {
        self.as_ref().map_or(Ok(()), T::check_numbers)
    }
}

macro_rules! tuples {
    ($($first:ident $($rest:ident)*)?) => {$(
        impl<$first: CheckNumbers, $($rest: CheckNumbers),*> CheckNumbers for ($first, $($rest),*) {
            #[allow(non_snake_case, reason = "named after the types")]
            fn check_numbers(&self) -> Result<(), OutOfRange> {
                let ($first, $($rest),*) = self;
                $first.check_numbers()?;
                $($rest.check_numbers()?;)*
                Ok(())
            }
        }

        tuples! { $($rest)* }
    )?};
}
tuples! { A B C D E F G H I J }
