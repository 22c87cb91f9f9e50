//! A value that is of its kind already costs no memory. Alone in its program, since it counts all of it.

use peak_alloc::PeakAlloc;
use surrealdb_types::{Array, Datetime, File, Kind, RecordId, Value, kind, object};
use surrealism_types::coerce::{coerce, coerce_arguments};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

#[test]
fn a_value_of_its_kind_allocates_nothing() {
    let order = Value::Object(object! {
        id: RecordId::new("order", 1),
        lines: Array::from(vec![1.5_f64, 2.5]),
        note: Value::None,
        placed: Datetime::now(),
        picture: File::new("photos", "cat.png"),
    });
    let picture = Kind::File(vec!["films".into(), "photos".into()]);
    let kind = kind!({
        id: record<customer | order>,
        lines: array<int> | array<float>,
        note: none | string,
        placed: datetime,
        picture: (picture)
    });
    let signature = [("order".to_string(), kind.clone()), ("count".to_string(), kind!(none | int))];
    let args = vec![order.clone(), Value::from_t(1_i64)];

    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let order = coerce(order, &kind).unwrap();
    let args = coerce_arguments(args, &signature).unwrap();
    assert_eq!(MEMORY.peak_usage(), before);
    drop((order, args));
}
