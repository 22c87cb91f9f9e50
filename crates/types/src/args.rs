//! Function arguments as Rust types.

use surrealdb_types::{Error, Kind, SurrealValue, Value};

/// The arguments of one call.
///
/// Implemented for `()`, for tuples of one to ten [`SurrealValue`]s, and for `Vec<T>`, whose arguments are
/// all of one type. `Vec<Value>` takes arguments of any types.
///
/// ```
/// use surrealism_types::args::Args;
///
/// let values = ("Ada".to_string(), 36_i64).to_values();
/// let (name, age) = <(String, i64)>::from_values(values).unwrap();
/// assert_eq!((name.as_str(), age), ("Ada", 36));
/// ```
pub trait Args: Sized {
    /// Converts the arguments to values, in order.
    fn to_values(self) -> Vec<Value>;

    /// Converts values to arguments.
    ///
    /// # Errors
    ///
    /// When there are more or fewer values than arguments, and when a value is of another kind, which the
    /// message names by its position.
    fn from_values(values: Vec<Value>) -> Result<Self, Error>;

    /// Returns the kind of each argument, in order. `Vec<T>` returns one kind, which is that of every
    /// argument.
    fn kinds() -> Vec<Kind>;
}

impl<T: SurrealValue> Args for Vec<T> {
    fn to_values(self) -> Vec<Value> {
        self.into_iter().map(T::into_value).collect()
    }

    fn from_values(values: Vec<Value>) -> Result<Self, Error> {
        values.into_iter().enumerate().map(|(index, value)| argument(index, value)).collect()
    }

    fn kinds() -> Vec<Kind> {
        vec![T::kind_of()]
    }
}

/// Converts the argument at `index`, and counts from 1 in the error.
fn argument<T: SurrealValue>(index: usize, value: Value) -> Result<T, Error> {
    T::from_value(value)
        .map_err(|error| Error::validation(format!("argument {}: {error}", index + 1), None))
}

fn count_mismatch(expected: usize, got: usize) -> Error {
    let arguments = if expected == 1 { "argument" } else { "arguments" };
    Error::validation(format!("expected {expected} {arguments}, got {got}"), None)
}

macro_rules! impl_args {
    ($count:literal: $($name:ident),*) => {
        impl<$($name: SurrealValue),*> Args for ($($name,)*) {
            #[allow(non_snake_case)]
            fn to_values(self) -> Vec<Value> {
                let ($($name,)*) = self;
                vec![$($name.into_value()),*]
            }

            #[allow(non_snake_case, unused_mut, unused_variables)]
            fn from_values(values: Vec<Value>) -> Result<Self, Error> {
                let [$($name),*] = <[Value; $count]>::try_from(values)
                    .map_err(|values| count_mismatch($count, values.len()))?;
                let mut index = 0..$count;
                $(let $name = argument(index.next().unwrap_or_default(), $name)?;)*
                Ok(($($name,)*))
            }

            fn kinds() -> Vec<Kind> {
                vec![$($name::kind_of()),*]
            }
        }
    };
}

impl_args!(0:);
impl_args!(1: A);
impl_args!(2: A, B);
impl_args!(3: A, B, C);
impl_args!(4: A, B, C, D);
impl_args!(5: A, B, C, D, E);
impl_args!(6: A, B, C, D, E, F);
impl_args!(7: A, B, C, D, E, F, G);
impl_args!(8: A, B, C, D, E, F, G, H);
impl_args!(9: A, B, C, D, E, F, G, H, I);
impl_args!(10: A, B, C, D, E, F, G, H, I, J);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tuple_round_trips() {
        macro_rules! round_trip {
            ($($tuple:ty = $value:expr),* $(,)?) => {$(
                let values = Args::to_values($value);
                assert_eq!(values.len(), <$tuple>::kinds().len());
                assert_eq!(<$tuple>::from_values(values).unwrap(), $value);
            )*};
        }
        round_trip! {
            () = (),
            (i64,) = (1,),
            (i64, bool) = (1, true),
            (i64, bool, String) = (1, true, "x".to_string()),
            (i64, i64, i64, i64) = (1, 2, 3, 4),
            (i64, i64, i64, i64, i64) = (1, 2, 3, 4, 5),
            (i64, i64, i64, i64, i64, i64) = (1, 2, 3, 4, 5, 6),
            (i64, i64, i64, i64, i64, i64, i64) = (1, 2, 3, 4, 5, 6, 7),
            (i64, i64, i64, i64, i64, i64, i64, i64) = (1, 2, 3, 4, 5, 6, 7, 8),
            (i64, i64, i64, i64, i64, i64, i64, i64, i64) = (1, 2, 3, 4, 5, 6, 7, 8, 9),
            (i64, i64, i64, i64, i64, i64, i64, i64, i64, i64) = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
        }
    }

    #[test]
    fn a_list_takes_any_number_of_arguments() {
        for list in [vec![], vec![1_i64], vec![1, 2, 3]] {
            assert_eq!(<Vec<i64>>::from_values(list.clone().to_values()).unwrap(), list);
        }
    }

    #[test]
    fn errors_name_the_argument() {
        let cases: [(Vec<Value>, &str); 3] = [
            (vec![], "expected 2 arguments, got 0"),
            (vec![1_i64.into_value(); 3], "expected 2 arguments, got 3"),
            (vec![1_i64.into_value(), 2_i64.into_value()], "argument 2: "),
        ];
        for (values, expected) in cases {
            let error = <(i64, String)>::from_values(values).unwrap_err().to_string();
            assert!(error.contains(expected), "{error:?} lacks {expected:?}");
        }
    }
}
