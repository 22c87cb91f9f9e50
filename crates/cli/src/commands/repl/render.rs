//! Values for people.

use surrealdb_types::{Object, ToSql, Value};

use crate::table::Columns;
use crate::terminal::visible;

/// An array of objects as a table, and everything else as SurrealQL.
pub(super) fn shown(value: &Value) -> String {
    match rows(value) {
        Some(rows) => table(&rows).to_string(),
        None => visible(&value.to_sql()),
    }
}

fn rows(value: &Value) -> Option<Vec<&Object>> {
    let Value::Array(array) = value else { return None };
    let rows: Option<Vec<&Object>> = array.iter().map(object).collect();
    rows.filter(|rows| !rows.is_empty())
}

fn object(value: &Value) -> Option<&Object> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn table(rows: &[&Object]) -> Columns {
    let columns = columns(rows);
    let mut table = Columns::new().header(columns.iter().copied());
    for row in rows {
        table.row(
            columns.iter().map(|column| row.get(*column).map_or(String::new(), ToSql::to_sql)),
        );
    }
    table
}

/// All fields, `id` first.
fn columns<'a>(rows: &[&'a Object]) -> Vec<&'a str> {
    let mut columns: Vec<&str> =
        rows.iter().flat_map(|row| row.keys().map(String::as_str)).collect();
    columns.sort_by_key(|column| (*column != "id", *column));
    columns.dedup();
    columns
}

#[cfg(test)]
mod tests {
    use surrealdb_types::SurrealValue;

    use super::*;
    use crate::literal::surrealql;

    #[test]
    fn objects_are_a_table_and_all_else_is_surrealql() {
        for (value, expected) in [
            ("42", "42"),
            ("[1, 2]", "[1, 2]"),
            ("[]", "[]"),
            ("{ a: 1 }", "{ a: 1 }"),
            ("[{ a: 1 }, 2]", "[{ a: 1 }, 2]"),
            ("[{ b: 'x', id: page:one }]", "id        b\npage:one  'x'"),
            ("[{ a: 1 }, { b: [2] }]", "a  b\n1\n   [2]"),
        ] {
            assert_eq!(shown(&surrealql(value).unwrap()), expected, "{value}");
        }
        let steers = vec![surrealdb_types::object! { a: "\u{1b}[31m".to_string() }].into_value();
        assert!(!shown(&steers).contains('\u{1b}'));
    }
}
