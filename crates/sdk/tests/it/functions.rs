//! Every form of the attribute, called through the registry as a host does.

use std::fmt;

use surrealism::surrealdb_types::{Kind, Value, object};
use surrealism::types::codec;
use surrealism::{__private as plugin, SurrealValue, surrealism};

#[derive(SurrealValue)]
struct Person {
    name: String,
    age: i64,
}

#[derive(Debug)]
struct Refused(&'static str);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", self.0)
    }
}

type Aliased<T> = Result<T, Refused>;

/// Whether someone may drive.
///
///   Indented.
#[surrealism]
fn can_drive(age: i64) -> bool {
    age >= 18
}

#[surrealism(default)]
fn greet(name: String) -> String {
    format!("hello {name}")
}

/// Not this.
#[surrealism(name = "other::renamed", writeable, comment = "But this.")]
fn long_name(#[name = "wire"] local: Option<i64>, r#type: String) -> Result<i64, String> {
    local.ok_or_else(|| format!("no {}", r#type))
}

#[surrealism]
fn birthday(mut person: Person) -> Person {
    person.age += 1;
    person
}

#[surrealism]
fn refuse() -> Aliased<()> {
    Err(Refused("as always"))
}

#[surrealism]
fn outermost_first() -> anyhow::Result<i64> {
    Err(anyhow::anyhow!("inner").context("outer"))
}

#[surrealism]
fn nothing(_ignored: Value) {}

#[surrealism]
fn text() -> &'static str {
    "static"
}

#[surrealism]
fn swap(#[name = "pair"] (a, b): (i64, String)) -> (String, i64) {
    (b, a)
}

#[surrealism]
async fn later(x: i64) -> Result<i64, Refused> {
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    tokio::spawn(async move { x * 2 }).await.map_err(|_| Refused("lost"))
}

#[surrealism]
#[allow(clippy::too_many_arguments)]
fn ten(a: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64, h: i64, i: i64, j: i64) -> Vec<i64> {
    vec![a, b, c, d, e, f, g, h, i, j]
}

#[cfg(any())]
#[surrealism]
fn absent() {}

#[surrealism]
#[cfg(any())]
fn absent() {}

#[surrealism]
fn ask() -> anyhow::Result<Value> {
    surrealism::sql("RETURN 1")
}

static INITIALIZED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[surrealism(init)]
async fn start() -> Result<(), Refused> {
    INITIALIZED.store(true, std::sync::atomic::Ordering::SeqCst);
    Err(Refused("not today"))
}

#[::surrealism::surrealism]
mod math {
    #[surrealism]
    fn add(a: i64, b: i64) -> i64 {
        a + b
    }

    #[surrealism(default)]
    fn unnamed() -> i64 {
        42
    }

    #[surrealism(name = "deep::er")]
    mod deep {
        #[::surrealism::surrealism(name = "a::b")]
        pub(super) fn c() -> i64 {
            7
        }

        #[surrealism]
        #[cfg(any())]
        fn absent() {}
    }

    #[allow(dead_code)]
    fn not_exported() {}

    pub(super) fn seven() -> i64 {
        deep::c()
    }
}

/// Shadows names that the attribute's output could refer to by mistake.
mod shadowed {
    #![allow(dead_code, non_camel_case_types)]

    struct Vec;
    struct String;
    struct Option;
    struct Result;
    mod std {}
    mod core {}

    #[surrealism::surrealism]
    fn args(args: i64) -> i64 {
        args
    }

    #[surrealism::surrealism]
    fn value_0(value_1: i64, value_0: i64) -> i64 {
        value_0 - value_1
    }

    #[surrealism::surrealism]
    fn invoke() {}
}

macro_rules! exported {
    ($name:ident, $parameter:ident: $type:ty) => {
        #[surrealism]
        fn $name($parameter: $type) -> $type {
            $parameter
        }
    };
}

exported!(from_macro, x: Option<i64>);

macro_rules! exported_with {
    ($function:ident, $name:literal, $comment:expr, $argument:literal, $doc:literal) => {
        #[surrealism(name = $name, writeable, comment = $comment)]
        fn $function(#[name = $argument] x: i64) -> i64 {
            x
        }

        #[doc = $doc]
        #[doc = concat!("of ", stringify!($function), ".")]
        #[surrealism]
        fn documented() {}
    };
}

exported_with!(made, "options::made", "By a macro.", "argument", " A function instead");

#[surrealism(comment = concat!("Adds ", "two."), crate = "crate::functions::reexport::sdk")]
fn concatenated() {}

mod reexport {
    pub(crate) use ::surrealism as sdk;
}

#[surrealism]
const extern "C" fn of_c(x: i64) -> i64 {
    x
}

fn _inside_of_a_function() {
    #[surrealism]
    fn inside() -> i64 {
        1
    }
}

fn call(name: impl Into<Option<&'static str>>, args: &[Value]) -> Result<Value, String> {
    let args = codec::encode_values(args).unwrap();
    plugin::invoke(name.into(), &args).map(|result| codec::decode_value(&result).unwrap())
}

fn int(value: i64) -> Value {
    value.into_value()
}

fn string(text: &str) -> Value {
    text.to_string().into_value()
}

#[test]
fn names_are_sorted_and_the_default_comes_first() {
    let names = plugin::names();
    let exported = names.iter().map(|name| name.as_deref().unwrap_or("(default)"));
    let others = |name: &&str| {
        ["derive::", "hosted::", "namespaces::"].iter().any(|it| name.starts_with(it))
    };
    let exported: Vec<_> = exported.filter(|name| !others(name)).collect();
    assert_eq!(
        exported,
        [
            "(default)",
            "args",
            "ask",
            "birthday",
            "can_drive",
            "concatenated",
            "documented",
            "from_macro",
            "inside",
            "invoke",
            "later",
            "math",
            "math::add",
            "math::deep::er::a::b",
            "nothing",
            "of_c",
            "options::made",
            "other::renamed",
            "outermost_first",
            "refuse",
            "swap",
            "ten",
            "text",
            "value_0",
        ]
    );
}

#[test]
fn calls_return_values() {
    let one_to_ten: Vec<Value> = (1..=10).map(int).collect();
    let person = |age: i64| Value::Object(object! { name: "Ada".to_string(), age: age });
    let cases: [(Option<&'static str>, &[Value], Value); 18] = [
        (None, &[string("Ada")], string("hello Ada")),
        (Some("can_drive"), &[int(18)], Value::Bool(true)),
        (Some("other::renamed"), &[int(3), string("x")], int(3)),
        (Some("birthday"), &[person(36)], person(37)),
        (Some("nothing"), &[Value::Null], Value::None),
        (Some("text"), &[], string("static")),
        (
            Some("swap"),
            &[(1_i64, "x".to_string()).into_value()],
            ("x".to_string(), 1_i64).into_value(),
        ),
        (Some("later"), &[int(4)], int(8)),
        (Some("later"), &[int(5)], int(10)),
        (Some("ten"), &one_to_ten, (1..=10_i64).collect::<Vec<_>>().into_value()),
        (Some("math"), &[], int(42)),
        (Some("math::add"), &[int(2), int(3)], int(5)),
        (Some("math::deep::er::a::b"), &[], int(7)),
        (Some("args"), &[int(1)], int(1)),
        (Some("value_0"), &[int(1), int(3)], int(2)),
        (Some("invoke"), &[], Value::None),
        (Some("from_macro"), &[Value::None], Value::None),
        (Some("from_macro"), &[int(1)], int(1)),
    ];
    for (name, args, result) in cases {
        assert_eq!(call(name, args), Ok(result), "{name:?}");
    }
}

#[test]
fn functions_stay_ordinary_functions() {
    assert!(can_drive(18) && !can_drive(17));
    assert_eq!(math::seven(), 7);
    assert_eq!(refuse().unwrap_err().to_string(), "refused: as always");
}

#[test]
fn errors_name_the_cause() {
    let cases: [(Option<&'static str>, &[Value], &str); 10] = [
        (Some("refuse"), &[], "refused: as always"),
        (Some("outermost_first"), &[], "outer: inner"),
        (Some("other::renamed"), &[Value::None, string("luck")], "no luck"),
        (Some("other::renamed"), &[string("x"), string("y")], "argument `wire`: "),
        (Some("can_drive"), &[string("x")], "argument `age`: "),
        (
            Some("math::add"),
            &[int(1)],
            "expected 2 arguments, got 1: the signature is `math::add(a, b)`",
        ),
        (None, &[], "expected 1 argument, got 0: the signature is `(name)`"),
        (Some("can_drove"), &[], "unknown function: can_drove"),
        (Some(""), &[], "unknown function: "),
        (Some("ask"), &[], "cannot call `sql`: this thread has no host"),
    ];
    for (name, args, expected) in cases {
        let error = call(name, args).unwrap_err();
        assert!(error.starts_with(expected), "{name:?}: {error:?}");
    }
    let error = plugin::invoke(None, b"rubbish").unwrap_err();
    assert!(error.starts_with("cannot decode the arguments"), "{error}");
}

#[test]
fn functions_describe_themselves() {
    let renamed = plugin::find(Some("other::renamed")).unwrap();
    assert!(renamed.writeable);
    assert_eq!(renamed.comment, Some("But this."));

    let can_drive = plugin::find(Some("can_drive")).unwrap();
    assert!(!can_drive.writeable);
    assert_eq!(can_drive.comment, Some("Whether someone may drive.\n\n  Indented."));
    assert_eq!(plugin::find(None).unwrap().comment, None);

    let made = plugin::find(Some("options::made")).unwrap();
    assert!(made.writeable);
    for (name, comment) in [
        ("options::made", "By a macro."),
        ("documented", "A function instead\nof made."),
        ("concatenated", "Adds two."),
    ] {
        assert_eq!(plugin::find(Some(name)).unwrap().comment, Some(comment), "{name}");
    }

    let args = plugin::args(Some("other::renamed")).unwrap();
    assert_eq!(
        codec::decode_arguments(&args).unwrap(),
        [
            ("wire".to_string(), Kind::Either(vec![Kind::None, Kind::Int])),
            ("type".to_string(), Kind::String)
        ]
    );
    for (name, kind) in
        [("refuse", Kind::None), ("outermost_first", Kind::Int), ("text", Kind::String)]
    {
        let returns = plugin::returns(Some(name)).unwrap();
        assert_eq!(codec::decode_kind(&returns).unwrap(), kind, "{name}");
    }
    assert!(plugin::args(Some("absent")).is_err() && plugin::returns(Some("absent")).is_err());
}

#[test]
fn init_runs_and_its_error_is_returned() {
    assert_eq!(plugin::init(), Err("refused: not today".to_string()));
    assert!(INITIALIZED.load(std::sync::atomic::Ordering::SeqCst));
}
