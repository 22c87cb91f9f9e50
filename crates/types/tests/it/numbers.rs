//! Numbers as they cross: -0, integers that are out of range, and numbers of another kind than a type.

use std::ops::Bound;

use surrealdb_types::{
    Array, Decimal, Number, Object, Range, RecordId, RecordIdKey, RecordIdKeyRange, Set,
    SurrealValue, ToSql, Value,
};
use surrealism_types::codec::{self, Arguments, Native};

fn is_negative_zero(value: &Value) -> bool {
    matches!(value, Value::Number(Number::Float(float)) if float.to_bits() == (-0.0_f64).to_bits())
}

#[test]
fn the_sign_of_zero_crosses() {
    let zero = || Value::Number(Number::Float(-0.0));
    let bytes = codec::encode_value(&zero()).unwrap();
    assert!(is_negative_zero(&codec::decode_value(&bytes).unwrap()));
    assert!(is_negative_zero(&surrealdb_types::decode(&bytes).unwrap()), "a published host");

    let lists =
        [codec::encode_values(&[zero()]).unwrap(), codec::encode_native(&vec![-0.0]).unwrap()];
    assert!(is_negative_zero(&codec::decode_values(&lists[0]).unwrap()[0]));
    let Value::Array(array) = codec::decode_value(&lists[1]).unwrap() else { panic!("an array") };
    assert!(is_negative_zero(&array[0]));
    let object = Value::Object(Object::from_iter([("a".to_string(), zero())]));
    let object = codec::decode_value(&codec::encode_value(&object).unwrap()).unwrap();
    let Value::Object(object) = object else { panic!("an object") };
    assert!(is_negative_zero(&object["a"]));

    for bytes in [
        codec::encode_native(&-0.0_f64).unwrap(),
        codec::encode_native(&-0.0_f32).unwrap(),
        codec::encode_native(&Some(-0.0_f64)).unwrap(),
    ] {
        assert!(is_negative_zero(&codec::decode_value(&bytes).unwrap()));
    }
    assert_eq!(native::<f64>(&zero()).map(f64::to_bits), Ok((-0.0_f64).to_bits()));
    assert_eq!(native::<f32>(&zero()).map(f32::to_bits), Ok((-0.0_f32).to_bits()));

    let mut rows = Vec::new();
    codec::push_result(&mut rows, Ok(codec::encode_native(&-0.0_f64).unwrap())).unwrap();
    let codec::RowResult::Value(row) = codec::results(&rows).next().unwrap().unwrap() else {
        panic!("a value")
    };
    assert!(is_negative_zero(&codec::decode_value(row).unwrap()));
}

#[test]
fn an_integer_that_is_out_of_range_is_not_encoded() {
    const MAX: u64 = i64::MAX as u64;
    let error = |result: Result<Vec<u8>, codec::CodecError>| result.unwrap_err().to_string();
    for error in [
        error(codec::encode_native(&(MAX + 1))),
        error(codec::encode_native(&(MAX as usize + 1))),
        error(codec::encode_native(&Some(MAX + 1))),
        error(codec::encode_native(&vec![vec![0, MAX + 1]])),
    ] {
        assert!(
            error.starts_with("9223372036854775808 is out of range for a 64-bit signed integer"),
            "{error}"
        );
    }
    assert!(error(codec::encode_native(&u64::MAX)).starts_with("18446744073709551615 is out of"));
    let bytes = codec::encode_native(&MAX).unwrap();
    assert_eq!(codec::decode_value(&bytes).unwrap(), i64::MAX.into_value());
}

fn native<T: Native>(value: &Value) -> Result<T, String> {
    let bytes = codec::encode_values(std::slice::from_ref(value)).unwrap();
    let arguments = Arguments::new(&bytes);
    let [argument] = arguments.expect().unwrap();
    argument.native::<T>().map_err(|error| error.to_string())
}

#[test]
fn a_type_of_the_kind_number_takes_its_numbers() {
    let float = |float: f64| float.into_value();
    let decimal = || Value::Number(Number::Decimal(Decimal::from(1)));
    for (value, expected) in [
        (float(1.0), Ok(1)),
        (float(-0.0), Ok(0)),
        (float(255.0), Ok(255)),
        (float(256.0), Err("Value 256 is out of range for type u8")),
        (float(1.5), Err("Expected int for type u8, got float")),
        (float(f64::NAN), Err("Expected int for type u8, got float")),
        (decimal(), Err("Expected int for type u8, got decimal")),
        (Value::Bool(true), Err("Expected number, got bool")),
    ] {
        assert_eq!(native::<u8>(&value), expected.map_err(str::to_string), "{value:?}");
    }
    for (value, expected) in [
        (float(9_223_372_036_854_774_784.0), Some(9_223_372_036_854_774_784)),
        (float(9_223_372_036_854_775_808.0), None),
        (float(f64::INFINITY), None),
        (float(-1.0), None),
    ] {
        assert_eq!(native::<u64>(&value).ok(), expected, "{value:?}");
    }

    const TOO_LARGE: &str = "The number is out of range for type f32, or has more digits than it holds: \
        the function has to declare the parameter as f64";
    for (value, expected) in [
        (1_i64.into_value(), Ok(1.0)),
        (16_777_216_i64.into_value(), Ok(16_777_216.0)),
        (16_777_217_i64.into_value(), Err(TOO_LARGE)),
        (i64::MAX.into_value(), Err(TOO_LARGE)),
        (float(0.1), Ok(0.1)),
        (float(1e300), Err(TOO_LARGE)),
        (float(-1e39), Err(TOO_LARGE)),
        (float(f64::INFINITY), Ok(f32::INFINITY)),
        (decimal(), Err("Expected float for type f32, got decimal")),
    ] {
        assert_eq!(native::<f32>(&value), expected.map_err(str::to_string), "{value:?}");
    }
    assert_eq!(native::<Vec<f32>>(&vec![1_i64, 2].into_value()), Ok(vec![1.0, 2.0]));
    assert_eq!(native::<Option<u8>>(&float(7.0)), Ok(Some(7)));
    // Their kinds say which number is wanted.
    assert!(native::<i64>(&float(1.0)).is_err() && native::<f64>(&1_i64.into_value()).is_err());
}

/// Values that the fast path does not know, beside or around -0.
fn beside_rare_kinds() -> Vec<Value> {
    let zero = || Value::Number(Number::Float(-0.0));
    let decimal = || Value::Number(Number::Decimal(Decimal::from(1)));
    let array = |values: Vec<Value>| Value::Array(values.into());
    let range = |start: Value, end: Value| {
        Value::Range(Box::new(Range { start: Bound::Included(start), end: Bound::Excluded(end) }))
    };
    let record = |key: RecordIdKey| Value::RecordId(RecordId::new("t", key));
    let object = |value: Value| Object::from_iter([("a".to_string(), value)]);
    // Unlike -0, it is not replaced, and looks like what replaces it.
    let nan = Value::Number(Number::Float(f64::from_bits(f64::NAN.to_bits() | 0x5a65_726f_0000)));
    vec![
        array(vec![decimal(), zero()]),
        array(vec![decimal(), zero(), nan, zero()]),
        array(vec![decimal(), Value::Object(object(array(vec![zero()])))]),
        Value::Set(Set::from(vec![zero(), decimal()])),
        range(zero(), decimal()),
        range(decimal(), array(vec![zero()])),
        record(RecordIdKey::Array(Array::from(vec![zero()]))),
        record(RecordIdKey::Object(object(zero()))),
        record(RecordIdKey::Range(Box::new(RecordIdKeyRange {
            start: Bound::Unbounded,
            end: Bound::Included(RecordIdKey::Array(Array::from(vec![zero()]))),
        }))),
    ]
}

#[test]
fn the_sign_of_zero_crosses_beside_rare_kinds() {
    for value in beside_rare_kinds() {
        // The text has the sign, and equality has not.
        let expected = value.to_sql();
        let same = |decoded: anyhow::Result<Value>| assert_eq!(decoded.unwrap().to_sql(), expected);
        let bytes = codec::encode_value(&value).unwrap();
        same(codec::decode_value(&bytes));
        same(surrealdb_types::decode(&bytes));

        let bytes = codec::encode_values(std::slice::from_ref(&value)).unwrap();
        same(codec::decode_values(&bytes).map(|mut values| values.remove(0)));
        let bytes = codec::encode_optional_values(&[None, Some(value.clone())]).unwrap();
        same(codec::decode_optional_values(&bytes).map(|mut values| values.remove(1).unwrap()));
        let bytes = codec::encode_entries(&[("k".to_string(), value.clone())]).unwrap();
        same(codec::decode_entries(&bytes).map(|mut entries| entries.remove(0).1));
    }
}
