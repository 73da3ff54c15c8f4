//! Columns that line up, by the width that a terminal gives to each character. It draws no borders.

use std::borrow::Cow;

use anstyle::Style as Ansi;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::style::Style;
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

/// The sign for the rest of a cell that is cut off.
const CUT: char = '…';

/// No column is made narrower than that.
const NARROWEST: usize = 12;

/// The rows, each ended by a line end. A column that is empty everywhere but in `header` is left out. Where the rows would
/// be wider than the terminal, the ends of the widest cells are cut off.
pub(super) fn table(header: &[&str], rows: &[Vec<Cell>], style: Style<'_>) -> String {
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
    let mut widths: Vec<(usize, usize)> = columns.iter().map(|at| (*at, width(*at))).collect();
    if let Some(most) = style.columns {
        narrow(&mut widths, most);
    }
    let mut text = String::new();
    for row in all() {
        let mut line = String::new();
        let mut gap = 0;
        for (column, width) in &widths {
            let Some(cell) = row.get(*column) else {
                continue;
            };
            let shown = cut(&cell.text, *width);
            let fill = width - shown.width();
            let (before, after) = match cell.align {
                Align::Left => (0, fill),
                Align::Right => (fill, 0),
            };
            // Gaps wait for the next text, so that no line ends with spaces.
            gap += before;
            if !cell.text.is_empty() {
                line.extend(std::iter::repeat_n(' ', gap));
                line.push_str(&style.paint.paint(cell.colour, &shown));
                gap = 0;
            }
            gap += after + 2;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Makes the widest columns narrower, until the row with its gaps has as many columns as the terminal.
fn narrow(widths: &mut [(usize, usize)], most: usize) {
    let gaps = 2 * widths.len().saturating_sub(1);
    loop {
        let whole: usize = widths.iter().map(|(_, width)| width).sum();
        let widest = widths.iter_mut().max_by_key(|(_, width)| *width);
        match widest {
            Some((_, width)) if whole + gaps > most && *width > NARROWEST => *width -= 1,
            _ => return,
        }
    }
}

/// A text of at most so many columns.
fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.width() <= most {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    for character in text.chars() {
        if shown.width() + character.width().unwrap_or(0) + 1 > most {
            break;
        }
        shown.push(character);
    }
    shown.push(CUT);
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Paint;
    use crate::report::style::GOOD;

    const PLAIN: Style<'_> = Style {
        paint: Paint::Plain,
        program: "seedbed",
        columns: None,
    };
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
        let text = table(&["state", "unused", "name", "took"], &rows(), PLAIN);
        expect![[r#"
            state     name    took
            ok        日本語   3 ms
            no        a       12 ms
            long one
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn a_table_that_is_wider_than_the_terminal_loses_the_ends_of_its_widest_cells() {
        let rows = [
            vec![
                Cell::new("✓ applied"),
                Cell::new("V20260101120000"),
                Cell::new("create_the_table_of_all_users_日本語"),
                Cell::new("2026-11-22T03:10:18Z"),
                Cell::new("12 ms").right(),
            ],
            vec![Cell::new("✓ applied"), Cell::new("V2"), Cell::new("b")],
        ];
        let header = ["state", "version", "name", "applied", "took"];
        let narrow = Style {
            columns: Some(72),
            ..PLAIN
        };
        let text = table(&header, &rows, narrow);
        expect![[r#"
            state      version          name                applied            took
            ✓ applied  V20260101120000  create_the_table_…  2026-11-22T03:10…  12 ms
            ✓ applied  V2               b
        "#]]
        .assert_eq(&text);
        assert!(text.lines().all(|line| line.width() <= 72));
        // What goes into a file or a pipe stays whole.
        assert!(table(&header, &rows, PLAIN).contains("users_日本語"));
        // A terminal that is too narrow for any table gets its columns all the same.
        let tiny = Style {
            columns: Some(10),
            ..PLAIN
        };
        assert!(table(&header, &rows, tiny).contains("✓ applied"));
    }

    #[test]
    fn colour_changes_no_column() {
        let header = ["state", "unused", "name", "took"];
        let colour = Style {
            paint: Paint::Colour,
            ..PLAIN
        };
        let painted = table(&header, &rows(), colour);
        assert!(painted.contains("\u{1b}[32mok\u{1b}[0m"), "{painted:?}");
        let stripped = anstyle_free(&painted);
        assert_eq!(stripped, table(&header, &rows(), PLAIN));
    }

    fn anstyle_free(text: &str) -> String {
        let mut parts = text.split("\u{1b}[");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |free, part| {
            free + part.split_once('m').map_or(part, |(_, rest)| rest)
        })
    }
}
