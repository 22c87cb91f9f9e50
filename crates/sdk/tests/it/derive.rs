//! The derive: as that of `surrealdb_types`, under every option, and what it adds.

use std::collections::{BTreeMap, HashMap};

use surrealism::surrealdb_types::{Kind, Object, ToSql, Value};
use surrealism::types::codec;
use surrealism::{__private as plugin, SurrealValue, surrealism};

surrealism::namespace!(derive);

/// Defines the same types with both derives.
macro_rules! types {
    ($($(#[$options:meta])* {$($item:tt)*})*) => {
        /// With ours, which nothing else has to be in scope for.
        mod ours {
            #![allow(dead_code)]

            $(
                #[derive(surrealism::SurrealValue)]
                $(#[$options])*
                $($item)*
            )*
        }

        mod theirs {
            #![allow(dead_code)]

            use surrealism::surrealdb_types::{SurrealValue, Value};

            $(
                #[derive(SurrealValue)]
                #[surreal(crate = "surrealism::surrealdb_types")]
                $(#[$options])*
                $($item)*
            )*
        }
    };
}

types! {
    { pub(super) struct Plain { name: String, age: i64, note: Option<String> } }
    #[surreal(rename_all = "camelCase")] { pub(super) struct Camel { first_name: String, r#type: i64 } }
    { pub(super) struct Renamed { #[surreal(rename = "x y")] name: String } }
    { pub(super) struct FieldDefault { #[surreal(default)] age: i64, name: String } }
    #[surreal(default)] { #[derive(Default)] pub(super) struct Defaults { age: i64, name: String } }
    { pub(super) struct Flat { title: String, #[surreal(flatten)] rest: Plain } }
    { pub(super) struct Pair(i64, String); }
    { pub(super) struct Wrapper(Vec<u32>); }
    { pub(super) struct Unit; }
    { pub(super) struct Own { plain: Plain, list: Vec<Plain>, map: std::collections::HashMap<String, Pair> } }
    { pub(super) enum Enum { A, B(i64), C { x: i64 }, D(i64, String), Deep(Plain) } }
    #[surreal(untagged)] {
        pub(super) enum Untagged {
            Small,
            #[surreal(rename = "l")]
            Large,
            #[surreal(value = 3)]
            Three,
        }
    }
    #[surreal(untagged, lowercase)] { pub(super) enum Lower { Small, Large } }
    #[surreal(tag = "type")] { pub(super) enum Tagged { A, C { x: i64 } } }
    #[surreal(lowercase, tag = "type")] {
        pub(super) enum LowerTagged { Card { number: String }, Cash { sum: f64 } }
    }
    #[surreal(tag = "t", content = "c")] { pub(super) enum Content { A, B(i64), C { x: i64 } } }
    { pub(super) struct Generic<T: surrealism::surrealdb_types::SurrealValue> { inner: Vec<T>, count: i64 } }
}

/// Checks that two types have the same kind, and make the same of some values.
fn check<Ours: SurrealValue, Theirs: SurrealValue>(values: &[Value]) {
    let name = std::any::type_name::<Theirs>();
    assert_eq!(Ours::kind_of(), Theirs::kind_of(), "{name}");
    let mut taken = 0;
    for value in values {
        let ours = Ours::from_value(value.clone()).map(Ours::into_value);
        let theirs = Theirs::from_value(value.clone()).map(Theirs::into_value);
        taken += usize::from(theirs.is_ok());
        let (ours, theirs) = (ours.map_err(|e| e.to_string()), theirs.map_err(|e| e.to_string()));
        assert_eq!(ours, theirs, "{name} of {}", value.to_sql());
        assert_eq!(Ours::is_value(value), Theirs::is_value(value), "{name} of {}", value.to_sql());
    }
    assert!(taken > 0, "no value is a {name}");
}

fn object(fields: &[(&str, Value)]) -> Value {
    let fields: BTreeMap<_, _> =
        fields.iter().map(|(name, value)| ((*name).to_string(), value.clone())).collect();
    Value::Object(Object::from(fields))
}

fn text(text: &str) -> Value {
    text.to_string().into_value()
}

#[test]
fn every_option_is_handed_on() {
    let (one, ada) = (1_i64.into_value(), text("Ada"));
    let plain = object(&[("name", ada.clone()), ("age", one.clone())]);
    let pair = (1_i64, "x".to_string()).into_value();
    let values = [
        Value::None,
        one.clone(),
        3_i64.into_value(),
        ada.clone(),
        text("Small"),
        text("small"),
        text("l"),
        pair.clone(),
        vec![1_u32, 2].into_value(),
        plain.clone(),
        object(&[]),
        object(&[("age", one.clone())]),
        object(&[("name", ada.clone())]),
        object(&[("firstName", ada.clone()), ("type", one.clone())]),
        object(&[("first_name", ada.clone()), ("type", one.clone())]),
        object(&[("x y", ada.clone())]),
        object(&[("title", ada.clone()), ("name", ada.clone()), ("age", one.clone())]),
        object(&[
            ("plain", plain.clone()),
            ("list", vec![plain.clone()].into_value()),
            ("map", object(&[("a", pair.clone())])),
        ]),
        object(&[("A", object(&[]))]),
        object(&[("B", one.clone())]),
        object(&[("C", object(&[("x", one.clone())]))]),
        object(&[("D", pair)]),
        object(&[("Deep", plain)]),
        object(&[("type", text("A"))]),
        object(&[("type", text("C")), ("x", one.clone())]),
        object(&[("type", text("card")), ("number", ada)]),
        object(&[("t", text("B")), ("c", one.clone())]),
        object(&[("inner", vec![1_i64].into_value()), ("count", one)]),
    ];
    check::<ours::Plain, theirs::Plain>(&values);
    check::<ours::Camel, theirs::Camel>(&values);
    check::<ours::Renamed, theirs::Renamed>(&values);
    check::<ours::FieldDefault, theirs::FieldDefault>(&values);
    check::<ours::Defaults, theirs::Defaults>(&values);
    check::<ours::Flat, theirs::Flat>(&values);
    check::<ours::Pair, theirs::Pair>(&values);
    check::<ours::Wrapper, theirs::Wrapper>(&values);
    check::<ours::Unit, theirs::Unit>(&values);
    check::<ours::Own, theirs::Own>(&values);
    check::<ours::Enum, theirs::Enum>(&values);
    check::<ours::Untagged, theirs::Untagged>(&values);
    check::<ours::Lower, theirs::Lower>(&values);
    check::<ours::Tagged, theirs::Tagged>(&values);
    check::<ours::LowerTagged, theirs::LowerTagged>(&values);
    check::<ours::Content, theirs::Content>(&values);
    check::<ours::Generic<i64>, theirs::Generic<i64>>(&values);
}

/// Types whose names mean something else to the derive.
mod names {
    pub(super) struct Text(pub(super) String);

    /// Not that of `surrealdb_types`.
    #[derive(surrealism::SurrealValue)]
    pub(super) struct Value {
        pub(super) text: String,
    }

    #[derive(surrealism::SurrealValue)]
    #[surreal(tag = "type")]
    pub(super) enum Error {
        Ok {
            value: Value,
            next: Option<Box<Self>>,
        },
        #[allow(dead_code)]
        Other,
    }

    impl From<Value> for Text {
        fn from(value: Value) -> Self {
            Self(value.text)
        }
    }
}

#[test]
fn the_author_s_names_are_the_author_s() {
    let value = || names::Value { text: "x".to_string() };
    let error = names::Error::Ok {
        value: value(),
        next: Some(Box::new(names::Error::Ok { value: value(), next: None })),
    };
    assert_eq!(
        error.into_value().to_sql(),
        "{ next: { next: NONE, type: 'Ok', value: { text: 'x' } }, type: 'Ok', value: { text: 'x' } }"
    );
    assert_eq!(names::Text::from(value()).0, "x");
}

#[test]
fn a_type_inside_of_a_function() {
    #[derive(SurrealValue)]
    struct Local<T> {
        inner: T,
    }
    assert_eq!(Local { inner: 1_i64 }.into_value().to_sql(), "{ inner: 1 }");
}

#[derive(SurrealValue)]
struct Node {
    name: String,
    children: Vec<Node>,
}

#[derive(SurrealValue)]
struct Folder {
    files: Vec<File>,
}

#[derive(SurrealValue)]
enum File {
    Text(String),
    Folder(Box<Folder>),
}

#[surrealism]
fn depth(node: Node) -> i64 {
    let depth = node.children.into_iter().map(depth).max().unwrap_or_default();
    depth + i64::from(!node.name.is_empty())
}

#[surrealism]
fn same(folder: Folder) -> Folder {
    folder
}

#[test]
fn types_may_contain_each_other() {
    assert_eq!(Node::kind_of().to_sql(), "{children: array<any>, name: string}");
    assert_eq!(Folder::kind_of().to_sql(), "{files: array<{Text: string} | {Folder: any}>}");
    assert_eq!(
        Vec::<File>::kind_of().to_sql(),
        "array<{Text: string} | {Folder: {files: array<any>}}>"
    );

    let leaf = || Node { name: "leaf".to_string(), children: Vec::new() };
    let tree = Node { name: "root".to_string(), children: vec![leaf(), leaf()] };
    assert_eq!(call("depth", &[tree.into_value()]), Ok(2_i64.into_value()));
    let inner = Folder { files: vec![File::Text("a".to_string())] };
    let folder = Folder { files: vec![File::Folder(Box::new(inner))] }.into_value();
    assert_eq!(call("same", std::slice::from_ref(&folder)), Ok(folder));
    let args = codec::decode_arguments(&plugin::args(Some("derive::same")).unwrap()).unwrap();
    assert_eq!(args[0].1, Folder::kind_of());
}

#[derive(SurrealValue)]
struct Counted<T> {
    count: u64,
    inner: Vec<T>,
}

#[derive(SurrealValue)]
enum Size {
    Known(u64),
    Range { from: usize, to: Option<u64> },
    Unknown,
}

/// Exports a function for each type, which returns its default or a value that is out of range.
macro_rules! returned {
    ($($name:ident: $ty:ty = $value:expr, $small:expr;)*) => {
        #[surrealism]
        mod returned {
            use super::*;

            $(
                #[surrealism]
                fn $name(large: bool) -> $ty {
                    if large { $value } else { $small }
                }
            )*
        }

        const RETURNED: &[&str] = &[$(stringify!($name)),*];
    };
}

const MAX: u64 = i64::MAX as u64;

returned! {
    of_u64: u64 = u64::MAX, MAX;
    of_usize: usize = usize::MAX, MAX as usize;
    of_result: Result<u64, String> = Ok(MAX + 1), Ok(MAX);
    of_option: Option<u64> = Some(MAX + 1), Some(MAX);
    of_list: Vec<Vec<u64>> = vec![vec![1, MAX + 1]], vec![vec![1, MAX]];
    of_pair: (String, u64) = (String::new(), MAX + 1), (String::new(), MAX);
    of_array: [u64; 2] = [1, MAX + 1], [1, MAX];
    of_box: Box<u64> = Box::new(MAX + 1), Box::new(MAX);
    of_map: BTreeMap<String, u64> = BTreeMap::from([("a".to_string(), MAX + 1)]), BTreeMap::new();
    of_hash_map: HashMap<String, Vec<u64>> =
        HashMap::from([("a".to_string(), vec![MAX + 1])]),
        HashMap::new();
    of_struct: Counted<i64> =
        Counted { count: MAX + 1, inner: vec![] },
        Counted { count: MAX, inner: vec![1] };
    of_inner: Result<Vec<Counted<Size>>, String> =
        Ok(vec![Counted { count: 1, inner: vec![Size::Known(MAX + 1)] }]),
        Ok(vec![Counted { count: 1, inner: vec![Size::Known(MAX), Size::Unknown] }]);
    of_variant: Size = Size::Range { from: 1, to: Some(MAX + 1) }, Size::Range { from: 1, to: None };
}

#[test]
fn an_integer_that_is_out_of_range_is_not_returned() {
    for name in RETURNED {
        let name = format!("returned::{name}");
        let of = |large: bool| call(&name, &[large.into_value()]);
        let error = of(true).unwrap_err();
        assert!(error.contains("is out of range for a 64-bit signed integer"), "{name}: {error}");
        let value = of(false).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!value.to_sql().contains('-'), "{name}: {}", value.to_sql());
    }
    let error = call("returned::of_inner", &[true.into_value()]).unwrap_err();
    assert!(error.starts_with("inner.0: 9223372036854775808 is out of range"), "{error}");
    let error = call("returned::of_variant", &[true.into_value()]).unwrap_err();
    assert!(error.starts_with("to: 9223372036854775808 is out of range"), "{error}");
}

#[test]
fn a_kind_of_numbers_is_named_by_its_error() {
    #[derive(SurrealValue)]
    struct Measured {
        count: u32,
        weight: f32,
    }
    let _ = |measured: Measured| (measured.count, measured.weight);
    let fields = [("count", 1.5_f64.into_value()), ("weight", 1.5_f64.into_value())];
    let error = <Measured as plugin::FromArgument>::from_argument(object(&fields)).err().unwrap();
    assert!(
        error.ends_with("got number: an integer type takes an int, and `f32` a float"),
        "{error}"
    );
    assert_eq!(u32::kind_of(), Kind::Number);
}

fn call(name: &str, args: &[Value]) -> Result<Value, String> {
    let args = codec::encode_values(args).unwrap();
    plugin::invoke(Some(&format!("derive::{name}")), &args)
        .map(|result| codec::decode_value(&result).unwrap())
}
