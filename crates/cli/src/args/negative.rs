//! Negative numbers of SurrealQL among the arguments of `run`, which look like flags.

use std::ffi::OsString;

/// Puts parentheses around them, so that they stay values: `-1.5f`, `-1.10dec`, `-Infinity`, `-(1)`.
///
/// The parser of arguments knows plain numbers alone. It cannot take everything with a hyphen for a value,
/// as flags may follow the arguments of a function.
pub(crate) fn protect(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.collect();
    let is_flag = |arg: &OsString| arg.to_str().is_some_and(|arg| arg.starts_with('-'));
    let command = args.iter().skip(1).find(|arg| !is_flag(arg));
    if command.is_some_and(|command| command == "run") {
        for arg in args.iter_mut().skip(1) {
            if let Some(text) = arg.to_str().filter(|text| is_negative_number(text)) {
                *arg = format!("({text})").into();
            }
        }
    }
    args
}

fn is_negative_number(text: &str) -> bool {
    let Some(number) = text.strip_prefix('-') else { return false };
    let is_plain = text.parse::<f64>().is_ok() && !number.starts_with(char::is_alphabetic);
    let is_number = number.starts_with(|c: char| c.is_ascii_digit() || c == '(')
        || number == "Infinity"
        || number == "NaN"
        || number.starts_with('-') && is_negative_number(number);
    is_number && !is_plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protected(args: &[&str]) -> Vec<String> {
        let args = protect(args.iter().map(OsString::from));
        args.into_iter().map(|arg| arg.into_string().unwrap()).collect()
    }

    #[test]
    fn numbers_are_values_and_flags_are_flags() {
        for (arg, expected) in [
            ("-1.5f", "(-1.5f)"),
            ("-1.10dec", "(-1.10dec)"),
            ("-Infinity", "(-Infinity)"),
            ("-(1)", "(-(1))"),
            ("--1f", "(--1f)"),
            // Known to the parser.
            ("-1", "-1"),
            ("-1.5", "-1.5"),
            ("-1e3", "-1e3"),
            ("-q", "-q"),
            ("--json", "--json"),
            ("--repeat=3", "--repeat=3"),
            ("--", "--"),
            ("-", "-"),
            ("'-1f'", "'-1f'"),
        ] {
            assert_eq!(protected(&["surrealism", "-q", "run", "x", arg])[4], expected, "{arg}");
            assert_eq!(protected(&["surrealism", "build", "--", arg])[3], arg, "{arg}");
        }
    }
}
