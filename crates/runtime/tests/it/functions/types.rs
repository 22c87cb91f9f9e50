//! Every type in every form, and the types that do not fit a signature.

use std::fmt::Debug;

use surrealdb_types::{Bytes, Datetime, Object, SurrealValue, Value};
use surrealism_runtime::{DetachedContext, Error, ErrorKind, Runtime};

use crate::support::{Transcript, shared};

/// Passes each value through a function by itself and all of them in one batch, and compares with a call.
async fn check<T: SurrealValue + Clone + Debug + Send + Sync + 'static>(
    runtime: &Runtime,
    function: &str,
    values: Vec<T>,
) {
    let typed = runtime.function::<(T,), T>(function).unwrap();
    let context = DetachedContext::new;
    for value in &values {
        let returned = typed.call((value.clone(),), context()).await.unwrap();
        assert_same(function, value, &returned);
        let called = runtime.call(function, (value.clone(),), context()).await.unwrap();
        assert_same(function, &returned.into_value(), &called);
    }
    for values in [values.clone(), repeated(&values, 7), vec![]] {
        let batch = typed.call_columns((&values,), context()).await.unwrap();
        assert_same(function, &values, &batch.into_values().unwrap());
    }
}

fn repeated<T: Clone>(values: &[T], times: usize) -> Vec<T> {
    values.iter().cycle().take(values.len() * times).cloned().collect()
}

/// Compares by the `Debug` text, since NaN does not equal itself.
fn assert_same(function: &str, expected: &impl Debug, got: &impl Debug) {
    let (expected, got) = (format!("{expected:?}"), format!("{got:?}"));
    assert!(expected == got, "{function}: {got} in place of {expected}");
}

macro_rules! forms {
    ($($name:literal: $ty:ty = [$($value:expr),*];)*) => {
        #[tokio::test]
        async fn every_type_crosses_in_every_form() {
            let runtime = shared("columns");
            $({
                let values: Vec<$ty> = vec![$($value),*];
                let named = |form: &str| format!(concat!($name, "_{}"), form);
                let some: Vec<Option<$ty>> =
                    values.iter().cloned().map(Some).chain([None, None]).collect();
                let lists = vec![vec![], values.clone(), values[..1].to_vec(), repeated(&values, 9)];
                check(runtime, &named("plain"), values).await;
                check(runtime, &named("option"), some.clone()).await;
                check(runtime, &named("list"), lists.clone()).await;
                check(runtime, &named("options"), vec![some.clone(), vec![], repeated(&some, 5)]).await;
                let some_lists = lists.iter().cloned().map(Some).chain([None]).collect();
                check(runtime, &named("some_list"), some_lists).await;
                check(runtime, &named("lists"), vec![lists.clone(), vec![], lists]).await;
            })*
        }
    };
}
forms! {
    "bool": bool = [true, false, true];
    "i8": i8 = [i8::MIN, -1, 0, i8::MAX];
    "i16": i16 = [i16::MIN, -1, 0, i16::MAX];
    "i32": i32 = [i32::MIN, -1, 0, i32::MAX];
    "i64": i64 = [i64::MIN, -1, 0, i64::MAX];
    "u8": u8 = [0, 1, u8::MAX];
    "u16": u16 = [0, 1, u16::MAX];
    "u32": u32 = [0, 1, u32::MAX];
    "u64": u64 = [0, 1, i64::MAX as u64];
    "f32": f32 = [0.0, -0.0, 0.1, f32::MAX, f32::MIN_POSITIVE, f32::INFINITY, f32::NAN];
    "f64": f64 = [0.0, -0.0, 0.1, f64::MAX, f64::MIN_POSITIVE, f64::NEG_INFINITY, f64::NAN];
    "string": String = [
        String::new(), "grüße".to_string(), "\0\u{10ffff}".to_string(), "line\n".repeat(30)
    ];
    "bytes": Bytes = [vec![].into(), vec![0, 255, 7].into(), vec![1; 300].into()];
}

#[derive(Clone, Debug, PartialEq, SurrealValue)]
#[surreal(crate = "surrealdb_types")]
struct Person {
    name: String,
    age: i64,
    tags: Vec<String>,
}

/// Types without a column cross by the published interface.
#[tokio::test]
async fn a_type_of_the_host_crosses_as_its_value() {
    let runtime = shared("attribute_matrix");
    let person = |age| Person { name: "Ada".to_string(), age, tags: vec!["x".to_string()] };
    let birthday = runtime.function::<(Person,), Person>("birthday").unwrap();
    let context = DetachedContext::new;
    assert_eq!(birthday.call((person(36),), context()).await.unwrap(), person(37));
    let people = [person(1), person(2)];
    let older = birthday.call_columns((&people,), context()).await.unwrap();
    assert_eq!(older.into_values().unwrap(), [person(2), person(3)]);
    let oldest = runtime.function::<(Vec<Person>,), Option<Person>>("oldest").unwrap();
    assert_eq!(oldest.call((people.to_vec(),), context()).await.unwrap(), Some(person(2)));
    assert_eq!(oldest.call((vec![],), context()).await.unwrap(), None);

    let any = runtime.function::<(Value,), Value>("echo::any").unwrap();
    for value in [Value::None, Value::Bool(true), Value::Datetime(Datetime::now())] {
        assert_eq!(any.call((value.clone(),), context()).await.unwrap(), value);
    }
    let any = runtime.function::<(i64,), String>("echo::any").unwrap();
    let error = any.call((1,), context()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidResult), "{error:?}");
    let batch = any.call_columns(([1, 2].as_slice(),), context()).await.unwrap();
    assert_eq!(batch.errors().len(), 2);
}

/// The host may have another integer than the guest: values are converted, and one that does not fit fails.
#[tokio::test]
async fn another_width_crosses_by_the_published_interface() {
    let runtime = shared("columns");
    let context = DetachedContext::new;
    let narrow = runtime.function::<(i64,), i64>("u8_plain").unwrap();
    assert_eq!(narrow.call((255,), context()).await.unwrap(), 255);
    let typed = narrow.call((256,), context()).await.unwrap_err();
    let called = runtime.call("u8_plain", (256_i64,), context()).await.unwrap_err();
    assert_eq!(typed.to_string(), called.to_string());
    let batch = narrow.call_columns((&[1, 256, 2],), context()).await.unwrap();
    let results: Vec<_> = batch.into_results().map(|result| result.ok()).collect();
    assert_eq!(results, [Some(1), None, Some(2)]);
}

#[test]
fn types_that_do_not_fit_are_refused_before_a_call() {
    fn error<A: surrealism_runtime::FunctionArgs, R: SurrealValue + Send + 'static>(
        function: &str,
    ) -> Error {
        shared("columns").function::<A, R>(function).unwrap_err()
    }
    let mut transcript = Transcript::default();
    for (case, error) in [
        ("another argument", error::<(String,), bool>("can_drive")),
        ("a float for an int", error::<(f64,), bool>("can_drive")),
        ("an int for a float", error::<(i64,), f64>("f64_plain")),
        ("a dynamic value", error::<(Value,), bool>("can_drive")),
        ("another result", error::<(i64,), String>("can_drive")),
        ("too few arguments", error::<(), bool>("can_drive")),
        ("too many arguments", error::<(i64, i64), bool>("can_drive")),
        ("an argument that may be NONE", error::<(Option<i64>,), bool>("can_drive")),
        ("a result that may be NONE", error::<(Option<i64>,), i64>("i64_option")),
        ("a list of another type", error::<(Vec<Option<bool>>,), Vec<bool>>("bool_list")),
        ("an object", error::<(Object,), bool>("can_drive")),
        ("texts for bytes", error::<(String,), Bytes>("bytes_plain")),
    ] {
        assert!(matches!(error.kind(), ErrorKind::Types { .. }), "{error:?}");
        assert_eq!(error.http_status(), 500);
        transcript.add(case, error);
    }
    transcript.add("an unknown function", error::<(i64,), bool>("can_drove"));
    transcript.assert(|text| insta::assert_snapshot!(text));
}

#[test]
fn types_that_take_more_than_the_signature_says_are_accepted() {
    let runtime = shared("columns");
    runtime.function::<(i64,), Option<i64>>("i64_plain").unwrap();
    runtime.function::<(i64,), Option<i64>>("i64_option").unwrap();
    runtime.function::<(Vec<i64>,), Value>("i64_options").unwrap();
    runtime.function::<(u8,), i64>("i64_plain").unwrap();
}
