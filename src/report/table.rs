//! Columns that line up, by the width that a terminal gives to each character. It draws no borders.

use anstyle::Style as Ansi;
use unicode_width::UnicodeWidthStr;

use super::style::Paint;
use super::words::printable;

/// On which side a cell is filled up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Align {
    Left,
    Right,
}

/// One cell.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    text: String,
    colour: Ansi,
    align: Align,
}

impl Cell {
    /// A cell in the colour of the terminal.
    pub(super) fn new(text: &str) -> Cell {
        Cell {
            text: printable(text),
            colour: Ansi::new(),
            align: Align::Left,
        }
    }

    /// The cell in this colour.
    pub(super) fn in_colour(self, colour: Ansi) -> Cell {
        Cell { colour, ..self }
    }

    /// The cell with its text at the right.
    pub(super) fn right(self) -> Cell {
        Cell {
            align: Align::Right,
            ..self
        }
    }
}

/// The rows, each ended by a line end. A column that is empty everywhere but in `header` is left out.
pub(super) fn table(header: &[&str], rows: &[Vec<Cell>], paint: Paint) -> String {
    let header: Vec<Cell> = header
        .iter()
        .map(|name| Cell::new(name).in_colour(super::style::FAINT))
        .collect();
    let empty = |column: usize| {
        rows.iter()
            .all(|row| row.get(column).is_none_or(|cell| cell.text.is_empty()))
    };
    let columns: Vec<usize> = (0..header.len()).filter(|column| !empty(*column)).collect();
    let all = || std::iter::once(&header).chain(rows);
    let width = |column: usize| {
        all()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.text.width())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<(usize, usize)> = columns.iter().map(|at| (*at, width(*at))).collect();
    let mut text = String::new();
    for row in all() {
        let mut line = String::new();
        let mut gap = 0;
        for (column, width) in &widths {
            let Some(cell) = row.get(*column) else {
                continue;
            };
            let fill = width - cell.text.width();
            let (before, after) = match cell.align {
                Align::Left => (0, fill),
                Align::Right => (fill, 0),
            };
            // Gaps wait for the next text, so that no line ends with spaces.
            gap += before;
            if !cell.text.is_empty() {
                line.extend(std::iter::repeat_n(' ', gap));
                line.push_str(&paint.paint(cell.colour, &cell.text));
                gap = 0;
            }
            gap += after + 2;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::GOOD;
    use expect_test::expect;

    fn rows() -> Vec<Vec<Cell>> {
        vec![
            vec![
                Cell::new("ok").in_colour(GOOD),
                Cell::new(""),
                Cell::new("日本語"),
                Cell::new("3 ms").right(),
            ],
            vec![
                Cell::new("no"),
                Cell::new(""),
                Cell::new("a"),
                Cell::new("12 ms").right(),
            ],
            vec![Cell::new("long one"), Cell::new(""), Cell::new("")],
        ]
    }

    #[test]
    fn columns_line_up_for_wide_characters_and_unused_ones_are_left_out() {
        let text = table(&["state", "unused", "name", "took"], &rows(), Paint::Plain);
        expect![[r#"
            state     name    took
            ok        日本語   3 ms
            no        a       12 ms
            long one
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn colour_changes_no_column() {
        let header = ["state", "unused", "name", "took"];
        let painted = table(&header, &rows(), Paint::Colour);
        assert!(painted.contains("\u{1b}[32mok\u{1b}[0m"), "{painted:?}");
        let stripped = anstyle_free(&painted);
        assert_eq!(stripped, table(&header, &rows(), Paint::Plain));
    }

    fn anstyle_free(text: &str) -> String {
        let mut parts = text.split("\u{1b}[");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |free, part| {
            free + part.split_once('m').map_or(part, |(_, rest)| rest)
        })
    }
}
