//! Formats values for a terminal.

use surrealdb_types::{Object, ToSql, Value};

use crate::ui::sanitize::escape_control;
use crate::ui::table::Table;

/// Formats an array of objects as a table, and every other value as SurrealQL.
pub(super) fn render(value: &Value) -> String {
    match rows(value) {
        Some(rows) => table(&rows).to_string(),
        None => escape_control(&value.to_sql()),
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

fn table(rows: &[&Object]) -> Table {
    let columns = columns(rows);
    let mut table = Table::new().header(columns.iter().copied());
    for row in rows {
        table.row(
            columns.iter().map(|column| row.get(*column).map_or(String::new(), ToSql::to_sql)),
        );
    }
    table
}

/// Returns the sorted fields of all rows, `id` first.
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
    fn arrays_of_objects_become_tables() {
        for (value, expected) in [
            ("42", "42"),
            ("[1, 2]", "[1, 2]"),
            ("[]", "[]"),
            ("{ a: 1 }", "{ a: 1 }"),
            ("[{ a: 1 }, 2]", "[{ a: 1 }, 2]"),
            ("[{ b: 'x', id: page:one }]", "id        b\npage:one  'x'"),
            ("[{ a: 1 }, { b: [2] }]", "a  b\n1\n   [2]"),
        ] {
            assert_eq!(render(&surrealql(value).unwrap()), expected, "{value}");
        }
        let unsafe_text =
            vec![surrealdb_types::object! { a: "\u{1b}[31m".to_string() }].into_value();
        assert!(!render(&unsafe_text).contains('\u{1b}'));
    }
}
