//! Tables without lines.

use std::fmt::Display;

use comfy_table::{Cell, ContentArrangement, presets};

use crate::ui::text::Text;

/// Narrowest terminal that rows are wrapped for. Some terminals claim a width of 0.
const MIN_WIDTH: u16 = 60;

/// Characters of a cell that are printed. Wrapping a long word takes quadratic time.
const MAX_CELL_CHARS: usize = 400;

/// A table of untrusted text, wrapped to the terminal's width. Long cells are cut.
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

    pub(crate) fn header<T: Display>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.0.set_header(names.into_iter().map(cell));
        self
    }

    pub(crate) fn row<T: Display>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.0.add_row(cells.into_iter().map(cell));
    }

    /// Formats the table.
    pub(crate) fn text(mut self) -> Text {
        for column in self.0.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let lines = self.0.to_string();
        let lines: Vec<_> = lines.lines().map(str::trim_end).collect();
        Text::from_escaped(lines.join("\n"))
    }
}

fn cell(value: impl Display) -> Cell {
    let text = value.to_string();
    let text = Text::inline(text.trim_end());
    let text = text.as_str();
    Cell::new(match text.char_indices().nth(MAX_CELL_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_is_escaped_in_every_place() {
        let mut table = Table::new().header(["Na\u{202e}me", "Says"]);
        table.row(["a", "\x1b[31mred\nand\r more"]);
        let expected = "Na\\u{202e}me  Says\na             \\u{1b}[31mred\\nand\\r more";
        assert_eq!(table.text().as_str(), expected);
    }

    #[test]
    fn long_cells_are_cut() {
        for (length, expected) in [
            (MAX_CELL_CHARS, MAX_CELL_CHARS),
            (MAX_CELL_CHARS + 1, MAX_CELL_CHARS + 1),
            (1 << 20, MAX_CELL_CHARS + 1),
        ] {
            let mut table = Table::new();
            table.row(["ö".repeat(length)]);
            let text = table.text();
            assert_eq!(text.as_str().chars().count(), expected);
            assert_eq!(text.as_str().ends_with('…'), length > MAX_CELL_CHARS);
        }
    }
}
