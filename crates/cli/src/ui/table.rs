//! Tables for people.

use std::fmt;

use comfy_table::{Cell, ContentArrangement, Table, presets};

use crate::terminal::visible;

/// Columns under a header, without lines; it fits the terminal if there is one.
pub(crate) struct Columns(Table);

impl Columns {
    /// A table without a header.
    pub(crate) fn new() -> Self {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        // Below this, or with the width of 0 that some terminals claim, cells would turn to strips.
        if table.width().is_some_and(|width| width >= 60) {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        Self(table)
    }

    pub(crate) fn header<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.0.set_header(names);
        self
    }

    pub(crate) fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.0.add_row(cells.into_iter().map(|text| Cell::new(visible(text.as_ref()))));
        for column in self.0.column_iter_mut() {
            column.set_padding((0, 2));
        }
    }
}

impl fmt::Display for Columns {
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
    fn nothing_steers_the_terminal() {
        let mut table = Columns::new().header(["Name", "Says"]);
        table.row(["a", "\x1b[31mred\nand\r more"]);
        assert_eq!(table.to_string(), "Name  Says\na     \\u{1b}[31mred\n      and\\r more");
    }
}
