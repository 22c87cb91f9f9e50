//! Types of every sort. Each function returns its argument.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use surrealism::surrealdb_types::{File, Range, Table};
use surrealism::{SurrealValue, surrealism};

surrealism::namespace!(kinds);

#[derive(SurrealValue)]
enum Shape {
    Point,
    Circle(f64),
    Line(f64, f64),
    Rect { width: f64, height: f64 },
}

#[derive(SurrealValue)]
#[surreal(untagged)]
enum Id {
    Number(i64),
    Text(String),
}

#[derive(SurrealValue)]
#[surreal(tag = "type", content = "of")]
enum Event {
    Opened,
    Named(String),
    Moved { by: f64 },
}

#[derive(SurrealValue)]
#[surreal(untagged)]
enum Level {
    #[surreal(value = 1)]
    Low,
    #[surreal(value = 2)]
    High,
}

#[derive(SurrealValue)]
struct Pair(i64, String);

#[derive(SurrealValue)]
struct Wrapper(Vec<f64>);

#[derive(SurrealValue)]
struct Empty {}

#[derive(SurrealValue)]
struct Unit;

#[derive(SurrealValue)]
struct Page<T> {
    items: Vec<T>,
    next: Option<i64>,
}

#[derive(SurrealValue)]
struct Address {
    #[surreal(rename = "post code")]
    code: String,
    #[surreal(flatten)]
    place: Place,
}

#[derive(SurrealValue)]
struct Place {
    lat: f64,
    long: f64,
}

#[derive(SurrealValue)]
struct Defaulted {
    name: String,
    #[surreal(default)]
    floor: i64,
}

macro_rules! echo {
    ($($name:ident: $ty:ty;)*) => {$(
        #[surrealism]
        fn $name(x: $ty) -> $ty {
            x
        }
    )*};
}

echo! {
    shape: Shape;
    id: Id;
    event: Event;
    level: Level;
    pair: Pair;
    wrapper: Wrapper;
    empty: Empty;
    unit: Unit;
    page: Page<Pair>;
    address: Address;
    defaulted: Defaulted;
    nested_option: Option<Option<i64>>;
    hash_set: HashSet<i64>;
    hash_map: HashMap<String, u32>;
    tree_map: BTreeMap<String, Vec<f64>>;
    three: [i64; 3];
    table: Table;
    file: File;
    range: Range;
    boxed: Box<i64>;
    size: usize;
    signed: isize;
    small: i8;
    nothing: ();
    matrix: Vec<Vec<f64>>;
    options: Vec<Option<i64>>;
    tuple: (i64, (String, bool), Option<f64>);
    time: Duration;
}
