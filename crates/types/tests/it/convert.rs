//! Numbers that the conversions of `surrealdb_types` lose are errors.

use std::collections::{BTreeMap, HashMap};

use surrealdb_types::{Number, Object, SurrealValue, Value};
use surrealism_types::convert::{from_value, into_value, into_values};

const TOO_LARGE: u64 = 1 << 63;

#[derive(SurrealValue)]
#[surreal(crate = "surrealdb_types")]
struct Counted {
    label: String,
    counts: Vec<Option<u64>>,
}

#[derive(SurrealValue)]
#[surreal(crate = "surrealdb_types")]
enum Size {
    Known(u64),
    Range { from: i64, to: usize },
}

#[derive(SurrealValue)]
#[surreal(crate = "surrealdb_types")]
#[surreal(tag = "type")]
enum Tagged {
    Known { size: u64 },
}

fn counted(count: u64) -> Counted {
    Counted { label: "x".to_string(), counts: vec![None, Some(count)] }
}

/// Returns the error, of which the message begins with a place.
fn refused<T: SurrealValue>(value: T) -> String {
    into_value(value).unwrap_err().to_string()
}

#[test]
fn an_unsigned_integer_that_would_wrap_is_refused() {
    let map = |count| HashMap::from([("a".to_string(), count)]);
    for error in [
        refused(TOO_LARGE),
        refused(TOO_LARGE as usize),
        refused(Some(TOO_LARGE)),
        refused(vec![vec![1, TOO_LARGE]]),
        refused((1_i64, TOO_LARGE)),
        refused([TOO_LARGE; 2]),
        refused(Box::new(TOO_LARGE)),
        refused(map(TOO_LARGE)),
        refused(BTreeMap::from([("a".to_string(), counted(TOO_LARGE))])),
        refused(counted(TOO_LARGE)),
        refused(Size::Known(TOO_LARGE)),
        refused(Size::Range { from: -1, to: TOO_LARGE as usize }),
        refused(Tagged::Known { size: TOO_LARGE }),
    ] {
        let expected = "9223372036854775808 is out of range for a 64-bit signed integer";
        assert!(error.contains(expected), "{error}");
    }
    assert!(refused(u64::MAX).starts_with("18446744073709551615 is out of range"));

    // The largest that fits, and negative numbers of other types.
    for (value, expected) in [
        (into_value(TOO_LARGE - 1), i64::MAX.into_value()),
        (into_value(-1_i64), (-1_i64).into_value()),
        (into_value(vec![-1_i8]), vec![-1_i64].into_value()),
        (into_value((-1_i64).into_value()), (-1_i64).into_value()),
        (into_value(map(7)), map(7).into_value()),
    ] {
        assert_eq!(value.unwrap(), expected);
    }
    assert!(into_value(Size::Range { from: -1, to: 1 }).is_ok());
}

#[test]
fn arguments_that_would_wrap_are_refused() {
    let error = into_values(("x".to_string(), counted(TOO_LARGE))).unwrap_err().to_string();
    assert!(error.starts_with("argument 2: "), "{error}");
    assert!(error.contains("9223372036854775808 is out of range"), "{error}");
    assert!(into_values(vec![1, TOO_LARGE]).is_err());
    assert_eq!(into_values((-1_i64, 1_u64)).unwrap().len(), 2);
    assert_eq!(into_values(vec![Value::None, (-1_i64).into_value()]).unwrap().len(), 2);
}

#[derive(SurrealValue)]
#[surreal(crate = "surrealdb_types")]
struct Measured {
    weight: f32,
    others: Vec<Option<f32>>,
    double: f64,
}

fn measured(weight: f64, other: f64, double: f64) -> Value {
    let fields = [
        ("weight", weight.into_value()),
        ("others", vec![None, Some(other)].into_value()),
        ("double", double.into_value()),
    ];
    Value::Object(Object::from_iter(fields.map(|(name, value)| (name.to_string(), value))))
}

#[test]
fn a_float_that_would_become_infinite_is_refused() {
    let large = Value::Number(Number::Float(1e300));
    let error = |result: Result<(), surrealdb_types::Error>| result.unwrap_err().to_string();
    for (error, place) in [
        (error(from_value::<f32>(large.clone()).map(drop)), ""),
        (error(from_value::<Option<f32>>(large.clone()).map(drop)), ""),
        (error(from_value::<Vec<f32>>(vec![0.0, 1e300].into_value()).map(drop)), "[1]: "),
        (error(from_value::<Measured>(measured(1e300, 0.0, 0.0)).map(drop)), "weight: "),
        (error(from_value::<Measured>(measured(0.0, 1e300, 1e300)).map(drop)), "others[1]: "),
    ] {
        let expected = format!("{place}1e300 is out of range for type f32");
        assert!(error.starts_with(&expected), "{error}");
    }
    for value in [measured(1e38, f64::INFINITY, 1e300), measured(f64::NAN, -1e38, f64::INFINITY)] {
        let back = from_value::<Measured>(value).unwrap();
        assert!(back.others.len() == 2 && !back.weight.is_infinite() && back.double > 1e299);
    }
    assert_eq!(from_value::<f64>(large.clone()).unwrap(), 1e300);
    assert_eq!(from_value::<Value>(large.clone()).unwrap(), large);
}
