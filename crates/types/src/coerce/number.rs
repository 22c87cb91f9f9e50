//! Numbers as other kinds of numbers, without a loss.

use surrealdb_types::{Decimal, Number};

/// Returns a number as an int, if it has no fraction and is in range.
pub(super) fn to_int(number: Number) -> Option<i64> {
    match number {
        Number::Int(int) => Some(int),
        Number::Float(float) => float_to_int(float),
        Number::Decimal(decimal) if decimal.fract().is_zero() => decimal.try_into().ok(),
        Number::Decimal(_) => None,
    }
}

/// Returns a number as a float, if the float is exactly that int or holds all digits of that decimal.
pub(super) fn to_float(number: Number) -> Option<f64> {
    match number {
        Number::Int(int) => is_exact(int).then_some(int as f64),
        Number::Float(float) => Some(float),
        Number::Decimal(decimal) => decimal_to_float(decimal),
    }
}

/// Returns a number of a JSON document as a float. Such a number has digits and no kind, so that the
/// shortest digits of a float stand for it: 2^60 is often written as 1152921504606847000.
pub(super) fn json_to_float(number: Number) -> Option<f64> {
    match number {
        Number::Int(int) => to_float(number).or_else(|| decimal_to_float(int.into())),
        _ => to_float(number),
    }
}

/// Returns a number as a decimal, if that holds all of its digits.
pub(super) fn to_decimal(number: Number) -> Option<Decimal> {
    match number {
        Number::Int(int) => Some(int.into()),
        Number::Float(float) => float_to_decimal(float),
        Number::Decimal(decimal) => Some(decimal),
    }
}

fn float_to_int(float: f64) -> Option<i64> {
    // Floats are 2^63 and its negative exactly; of the largest int only the former.
    const END: f64 = 9_223_372_036_854_775_808.0;
    (float.fract() == 0.0 && (-END..END).contains(&float)).then_some(float as i64)
}

fn is_exact(int: i64) -> bool {
    int as f64 as i128 == i128::from(int)
}

fn decimal_to_float(decimal: Decimal) -> Option<f64> {
    // By way of its text, which is read to the nearest float; a decimal's own conversion is not exact.
    let float: f64 = decimal.to_string().parse().ok()?;
    let is_that_int = || decimal.fract().is_zero() && decimal.try_into() == Ok(float as i128);
    (float_to_decimal(float) == Some(decimal) || is_that_int()).then_some(float)
}

/// Returns the number with the fewest digits for which a float is the nearest, which is how it prints.
fn float_to_decimal(float: f64) -> Option<Decimal> {
    if float == 0.0 {
        return Some(Decimal::ZERO);
    }
    Decimal::from_str_exact(&float.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Number {
        Number::Decimal(text.parse().unwrap())
    }

    #[test]
    fn ints() {
        for (number, expected) in [
            (Number::Float(1.0), Some(1)),
            (Number::Float(-0.0), Some(0)),
            (Number::Float(1.5), None),
            (Number::Float(-9_223_372_036_854_775_808.0), Some(i64::MIN)),
            (Number::Float(9_223_372_036_854_775_808.0), None),
            (Number::Float(9_223_372_036_854_774_784.0), Some(9_223_372_036_854_774_784)),
            (Number::Float(f64::NAN), None),
            (Number::Float(f64::INFINITY), None),
            (Number::Float(f64::NEG_INFINITY), None),
            (dec("1.00"), Some(1)),
            (dec("1.01"), None),
            (dec("9223372036854775807"), Some(i64::MAX)),
            (dec("9223372036854775808"), None),
            (dec("-9223372036854775808.0"), Some(i64::MIN)),
        ] {
            assert_eq!(to_int(number), expected, "{number}");
        }
    }

    #[test]
    fn floats() {
        for (number, expected) in [
            (Number::Int(1), Some(1.0)),
            (Number::Int(i64::MIN), Some(-9_223_372_036_854_775_808.0)),
            (Number::Int(i64::MAX), None),
            (Number::Int((1 << 53) + 1), None),
            (Number::Int((1 << 53) + 2), Some(9_007_199_254_740_994.0)),
            (Number::Int(1_152_921_504_606_847_000), None),
            (dec("0.1"), Some(0.1)),
            (dec("1.50"), Some(1.5)),
            (dec("-0.000"), Some(-0.0)),
            (dec("0.1234567890123456789"), None),
            (dec("9007199254740993"), None),
            (dec("1152921504606846976"), Some(1_152_921_504_606_846_976.0)),
            (dec("79228162514264337593543950335"), None),
            (dec("0.0000000000000000000000000001"), Some(1e-28)),
        ] {
            let float = to_float(number);
            assert_eq!(float, expected, "{number}");
        }
        let json = json_to_float(Number::Int(1_152_921_504_606_847_000));
        assert_eq!(json, Some(1_152_921_504_606_846_976.0));
        assert_eq!(json_to_float(Number::Int((1 << 53) + 1)), None);
    }

    #[test]
    fn decimals() {
        for (number, expected) in [
            (Number::Int(i64::MIN), Some("-9223372036854775808")),
            (Number::Float(0.1), Some("0.1")),
            (Number::Float(0.1 + 0.2), Some("0.30000000000000004")),
            (Number::Float(-0.0), Some("0")),
            (Number::Float(1e28), Some("10000000000000000000000000000")),
            (Number::Float(1e29), None),
            (Number::Float(1e-28), Some("0.0000000000000000000000000001")),
            (Number::Float(1e-29), None),
            (Number::Float(f64::MAX), None),
            (Number::Float(f64::MIN_POSITIVE), None),
            (Number::Float(f64::NAN), None),
            (Number::Float(f64::INFINITY), None),
        ] {
            let decimal = to_decimal(number).map(|decimal| decimal.to_string());
            assert_eq!(decimal.as_deref(), expected, "{number}");
        }
    }
}
