//! Values that are easily lost on their way in or out.

use surrealism::surrealdb_types::{Datetime, Decimal, Geometry, RecordId};
use surrealism::{SurrealValue, surrealism};

mod kinds;
mod numbers;

#[derive(SurrealValue)]
#[surreal(rename_all = "camelCase")]
struct Order {
    placed: Datetime,
    lines: Vec<Line>,
    note: Option<String>,
}

#[derive(SurrealValue)]
#[surreal(rename_all = "camelCase")]
struct Line {
    product: RecordId,
    unit_price: Decimal,
    quantity: f64,
}

#[derive(SurrealValue)]
#[surreal(untagged, lowercase)]
enum Shipping {
    Normal,
    Express,
}

/// A folder of files and folders.
#[derive(SurrealValue)]
struct Folder {
    name: String,
    entries: Vec<Entry>,
}

#[derive(SurrealValue)]
#[surreal(tag = "type")]
enum Entry {
    File { name: String },
    Folder { folder: Folder },
}

/// Returns the order as it came.
#[surrealism]
fn order(order: Order) -> Order {
    order
}

/// Exported without a name.
#[surrealism(default)]
fn price(quantity: f64, discount: Option<Decimal>) -> String {
    let discount = discount.map_or_else(|| "none".to_string(), |discount| discount.to_string());
    format!("{quantity} at {discount}")
}

#[surrealism]
fn ship(shipping: Shipping) -> Shipping {
    match shipping {
        Shipping::Normal => Shipping::Express,
        Shipping::Express => Shipping::Normal,
    }
}

/// Returns how many files are in a folder, at all depths.
#[surrealism]
fn count_files(folder: Folder) -> i64 {
    let count = |entry| match entry {
        Entry::File { name } => i64::from(!name.is_empty()),
        Entry::Folder { folder } => count_files(folder),
    };
    let here: i64 = folder.entries.into_iter().map(count).sum();
    here + i64::from(folder.name == "counted")
}

#[surrealism]
fn shape(shape: Geometry) -> Geometry {
    shape
}

#[surrealism]
fn person(id: RecordId) -> RecordId {
    id
}
