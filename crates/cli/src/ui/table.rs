//! Tables without lines.

use std::fmt;

use comfy_table::{Cell, ContentArrangement, presets};

use crate::ui::sanitize::escape_control;

/// Narrowest terminal that rows are wrapped for. Some terminals claim a width of 0.
const MIN_WIDTH: u16 = 60;

/// A table of untrusted text, wrapped to the terminal's width.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// Creates a table without a header.
    pub(crate) fn new() -> Self {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING);
        if table.width().is_some_and(|width| width >= MIN_WIDTH) {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        Self(table)
    }

    pub(crate) fn header<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.0.set_header(names);
        self
    }

    pub(crate) fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.0.add_row(cells.into_iter().map(|text| Cell::new(escape_control(text.as_ref()))));
        for column in self.0.column_iter_mut() {
            column.set_padding((0, 2));
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.to_string();
        let lines: Vec<_> = lines.lines().map(str::trim_end).collect();
        f.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        let mut table = Table::new().header(["Name", "Says"]);
        table.row(["a", "\x1b[31mred\nand\r more"]);
        assert_eq!(table.to_string(), "Name  Says\na     \\u{1b}[31mred\n      and\\r more");
    }
}
