//! Formats values for a terminal.

use std::collections::BTreeSet;

use surrealdb_types::{Object, ToSql, Value};

use crate::ui::table::Table;
use crate::ui::text::Text;

/// Columns of a table. The cells of all rows are in memory, and each row could have fields of its own.
const MAX_COLUMNS: usize = 50;

/// Formats an array of objects as a table, and every other value as SurrealQL.
pub(super) fn render(value: &Value) -> Text {
    rows(value).and_then(|rows| table(&rows)).unwrap_or_else(|| Text::inline(value.to_sql()))
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

/// Returns `None` if there are too many columns.
fn table(rows: &[&Object]) -> Option<Text> {
    let columns = columns(rows)?;
    let mut table = Table::new().header(columns.iter().copied());
    for row in rows {
        table.row(
            columns.iter().map(|column| row.get(*column).map_or(String::new(), ToSql::to_sql)),
        );
    }
    Some(table.text())
}

/// Returns the sorted fields of all rows, `id` first. Returns `None` for more than [`MAX_COLUMNS`].
fn columns<'a>(rows: &[&'a Object]) -> Option<Vec<&'a str>> {
    let mut columns = BTreeSet::new();
    for column in rows.iter().flat_map(|row| row.keys()) {
        columns.insert((column != "id", column.as_str()));
        if columns.len() > MAX_COLUMNS {
            return None;
        }
    }
    Some(columns.into_iter().map(|(_, column)| column).collect())
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
            assert_eq!(render(&surrealql(value).unwrap()).as_str(), expected, "{value}");
        }
    }

    #[test]
    fn keys_and_values_are_escaped_in_every_form() {
        let unsafe_text = "\u{1b}[31m\u{202e}";
        let object = Object::from_iter([(unsafe_text.to_string(), unsafe_text.into_value())]);
        let row = Value::Object(object);
        for value in
            [row.clone(), vec![row.clone()].into_value(), vec![row, Value::None].into_value()]
        {
            let text = render(&value);
            assert!(!text.as_str().contains(['\u{1b}', '\u{202e}']), "{text:?}");
        }
    }

    #[test]
    fn a_table_has_a_bounded_number_of_columns() {
        for (fields, is_table) in [(MAX_COLUMNS, true), (MAX_COLUMNS + 1, false)] {
            let row = |field| Object::from_iter([(format!("f{field}"), Value::None)]);
            let rows: Vec<_> = (0..fields).map(|field| Value::Object(row(field))).collect();
            let text = render(&rows.into_value());
            assert_eq!(text.as_str().starts_with('['), !is_table, "{fields}: {text:?}");
        }
    }
}
