//! Functions whose arguments and result cross as columns.

use std::fmt::Display;
use std::marker::PhantomData;

use surrealism_types::codec::columns::{Column, ColumnList, RESULT_TYPE, call_columns};

/// Selects whether a function is called with columns. `A` lists the types of its parameters, as
/// `(i64, (String, ()))`, and `R` is what it returns.
pub struct ColumnsDispatch<A, R>(PhantomData<(A, R)>);

impl<A, R> ColumnsDispatch<A, R> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// Calls a function that returns a value.
pub trait Columns<A, R> {
    /// Returns the types of arguments and result.
    fn types(&self) -> Vec<u8>;

    /// Calls the function once for each row of a message, and appends the message of the results.
    ///
    /// # Errors
    ///
    /// When the message is malformed.
    fn invoke(
        &self,
        rows: usize,
        columns: &[u8],
        results: &mut Vec<u8>,
        call: impl FnMut(A) -> Result<R, String>,
    ) -> Result<(), String>;
}

impl<A: ColumnList, R: Column> Columns<A, R> for &&ColumnsDispatch<A, R> {
    fn types(&self) -> Vec<u8> {
        types::<A, R>()
    }

    fn invoke(
        &self,
        rows: usize,
        columns: &[u8],
        results: &mut Vec<u8>,
        call: impl FnMut(A) -> Result<R, String>,
    ) -> Result<(), String> {
        call_columns(rows, columns, results, call).map_err(|error| error.to_string())
    }
}

/// Calls a function that returns a `Result`.
pub trait FallibleColumns<A, R> {
    /// Returns the types of arguments and result.
    fn types(&self) -> Vec<u8>;

    /// Calls the function once for each row of a message, and appends the message of the results.
    ///
    /// # Errors
    ///
    /// When the message is malformed.
    fn invoke(
        &self,
        rows: usize,
        columns: &[u8],
        results: &mut Vec<u8>,
        call: impl FnMut(A) -> Result<R, String>,
    ) -> Result<(), String>;
}

impl<A: ColumnList, T: Column, E: Display> FallibleColumns<A, Result<T, E>>
    for &ColumnsDispatch<A, Result<T, E>>
{
    fn types(&self) -> Vec<u8> {
        types::<A, T>()
    }

    fn invoke(
        &self,
        rows: usize,
        columns: &[u8],
        results: &mut Vec<u8>,
        mut call: impl FnMut(A) -> Result<Result<T, E>, String>,
    ) -> Result<(), String> {
        let call = |args| call(args)?.map_err(|error| format!("{error:#}"));
        call_columns(rows, columns, results, call).map_err(|error| error.to_string())
    }
}

/// Refuses every other function, which is called with encoded values only.
pub trait NoColumns<A, R> {
    /// Returns no types.
    fn types(&self) -> Vec<u8>;

    /// Does nothing: no host has the function's number.
    ///
    /// # Errors
    ///
    /// Always.
    fn invoke(
        &self,
        rows: usize,
        columns: &[u8],
        results: &mut Vec<u8>,
        call: impl FnMut(A) -> Result<R, String>,
    ) -> Result<(), String>;
}

impl<A, R> NoColumns<A, R> for ColumnsDispatch<A, R> {
    fn types(&self) -> Vec<u8> {
        Vec::new()
    }

    fn invoke(
        &self,
        _: usize,
        _: &[u8],
        _: &mut Vec<u8>,
        _: impl FnMut(A) -> Result<R, String>,
    ) -> Result<(), String> {
        Err("the function does not take columns".to_string())
    }
}

fn types<A: ColumnList, R: Column>() -> Vec<u8> {
    let mut types = Vec::new();
    A::push_types(&mut types);
    types.push(RESULT_TYPE);
    R::push_type(&mut types);
    types
}
