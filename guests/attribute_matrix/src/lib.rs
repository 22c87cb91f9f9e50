//! Every form of the attribute, and every kind of argument and result.

use surrealism::{SurrealValue, anyhow, surrealism};

#[derive(Clone, Debug, PartialEq, SurrealValue)]
struct Person {
    name: String,
    age: i64,
    tags: Vec<String>,
}

#[derive(SurrealValue)]
#[surreal(untagged, lowercase)]
enum Size {
    Small,
    Large,
}

type Maybe<T> = Result<T, NoLuck>;

#[derive(Debug)]
struct NoLuck;

impl std::fmt::Display for NoLuck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no luck")
    }
}

#[surrealism(default)]
fn greet(name: String) -> String {
    format!("hello {name}")
}

/// A doc comment.
///
/// Its second paragraph.
#[surrealism]
fn documented() {}

/// Not this.
#[surrealism(comment = "An explicit comment.")]
fn commented() {}

#[surrealism(writeable)]
fn writes() {}

#[surrealism(name = "other::renamed")]
fn unknown_under_this_name(#[name = "wire"] local: i64) -> i64 {
    local
}

#[surrealism]
fn optional(x: Option<i64>, otherwise: Option<i64>) -> Option<i64> {
    x.or(otherwise)
}

#[surrealism]
fn birthday(mut person: Person) -> Person {
    person.age += 1;
    person
}

#[surrealism]
fn oldest(people: Vec<Person>) -> Option<Person> {
    people.into_iter().max_by_key(|person| person.age)
}

#[surrealism]
fn flip(size: Size) -> Size {
    match size {
        Size::Small => Size::Large,
        Size::Large => Size::Small,
    }
}

#[surrealism]
async fn later(x: i64, ms: u64) -> Maybe<i64> {
    tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
    Ok(x * 2)
}

/// Exceeds a timeout of its own.
#[surrealism]
async fn too_late() -> Result<(), tokio::time::error::Elapsed> {
    let moment = std::time::Duration::from_millis(5);
    tokio::time::timeout(moment, std::future::pending()).await
}

/// Functions that fail.
#[surrealism]
mod fail {
    use super::*;

    #[surrealism]
    fn with_text(message: String) -> Result<i64, String> {
        Err(message)
    }

    #[surrealism]
    fn by_alias() -> Maybe<Person> {
        Err(NoLuck)
    }

    #[surrealism]
    fn with_context() -> anyhow::Result<()> {
        Err(anyhow::anyhow!("inner").context("outer"))
    }

    #[surrealism]
    fn parse(text: String) -> Result<i64, std::num::ParseIntError> {
        text.parse()
    }
}

/// A namespace with a default function and nested namespaces.
#[surrealism]
mod math {
    #[surrealism]
    pub(super) fn add(a: i64, b: i64) -> i64 {
        a + b
    }

    #[surrealism(default)]
    fn answer() -> i64 {
        42
    }

    #[surrealism]
    mod deep {
        #[surrealism]
        fn three() -> i64 {
            3
        }
    }

    #[surrealism(name = "renamed::twice")]
    mod nested {
        #[surrealism(name = "last")]
        fn four() -> i64 {
            4
        }
    }

    #[allow(dead_code)]
    fn not_exported() {}
}

/// Functions of zero to ten arguments. Each returns their sum.
#[surrealism]
#[allow(clippy::too_many_arguments)]
mod sum {
    #[surrealism]
    fn of_0() -> i64 {
        0
    }

    #[surrealism]
    fn of_1(a: i64) -> i64 {
        a
    }

    #[surrealism]
    fn of_2(a: i64, b: i64) -> i64 {
        a + b
    }

    #[surrealism]
    fn of_3(a: i64, b: i64, c: i64) -> i64 {
        a + b + c
    }

    #[surrealism]
    fn of_4(a: i64, b: i64, c: i64, d: i64) -> i64 {
        a + b + c + d
    }

    #[surrealism]
    fn of_5(a: i64, b: i64, c: i64, d: i64, e: i64) -> i64 {
        a + b + c + d + e
    }

    #[surrealism]
    fn of_6(a: i64, b: i64, c: i64, d: i64, e: i64, f: i64) -> i64 {
        a + b + c + d + e + f
    }

    #[surrealism]
    fn of_7(a: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64) -> i64 {
        a + b + c + d + e + f + g
    }

    #[surrealism]
    fn of_8(a: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64, h: i64) -> i64 {
        a + b + c + d + e + f + g + h
    }

    #[surrealism]
    fn of_9(a: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64, h: i64, i: i64) -> i64 {
        a + b + c + d + e + f + g + h + i
    }

    #[surrealism]
    fn of_10(
        a: i64,
        b: i64,
        c: i64,
        d: i64,
        e: i64,
        f: i64,
        g: i64,
        h: i64,
        i: i64,
        j: i64,
    ) -> i64 {
        a + b + c + d + e + f + g + h + i + j
    }
}

/// Functions that return their argument, one for each kind.
#[surrealism]
mod echo {
    use surrealism::surrealdb_types as types;

    #[surrealism]
    fn any(x: types::Value) -> types::Value {
        x
    }

    #[surrealism]
    fn none(x: ()) {
        x
    }

    #[surrealism]
    fn bool(x: bool) -> bool {
        x
    }

    #[surrealism]
    fn int(x: i64) -> i64 {
        x
    }

    #[surrealism]
    fn small_int(x: u8) -> u8 {
        x
    }

    #[surrealism]
    fn float(x: f64) -> f64 {
        x
    }

    #[surrealism]
    fn decimal(x: types::Decimal) -> types::Decimal {
        x
    }

    #[surrealism]
    fn number(x: types::Number) -> types::Number {
        x
    }

    #[surrealism]
    fn string(x: String) -> String {
        x
    }

    #[surrealism]
    fn bytes(x: types::Bytes) -> types::Bytes {
        x
    }

    #[surrealism]
    fn datetime(x: types::Datetime) -> types::Datetime {
        x
    }

    #[surrealism]
    fn duration(x: types::Duration) -> types::Duration {
        x
    }

    #[surrealism]
    fn uuid(x: types::Uuid) -> types::Uuid {
        x
    }

    #[surrealism]
    fn record(x: types::RecordId) -> types::RecordId {
        x
    }

    #[surrealism]
    fn table(x: types::Table) -> types::Table {
        x
    }

    #[surrealism]
    fn geometry(x: types::Geometry) -> types::Geometry {
        x
    }

    #[surrealism]
    fn range(x: types::Range) -> types::Range {
        x
    }

    #[surrealism]
    fn file(x: types::File) -> types::File {
        x
    }

    #[surrealism]
    fn object(x: types::Object) -> types::Object {
        x
    }

    #[surrealism]
    fn array(x: types::Array) -> types::Array {
        x
    }

    #[surrealism]
    fn set(x: types::Set) -> types::Set {
        x
    }

    #[surrealism]
    fn list(x: Vec<String>) -> Vec<String> {
        x
    }

    #[surrealism]
    fn map(x: std::collections::BTreeMap<String, i64>) -> std::collections::BTreeMap<String, i64> {
        x
    }

    #[surrealism]
    fn tuple(x: (i64, String)) -> (i64, String) {
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_stay_ordinary_functions() {
        let person = |age| Person { name: "Ada".to_string(), age, tags: vec![] };
        assert_eq!(birthday(person(36)), person(37));
        assert_eq!(oldest(vec![person(1), person(2)]), Some(person(2)));
        assert_eq!(math::add(1, 2), 3);
    }
}
