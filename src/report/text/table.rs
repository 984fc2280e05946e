//! Columns that fit into a mail: 80 characters, whatever stands in them.

use std::fmt::Write as _;

use crate::listing::{self, WIDTH};
use crate::text::escape::middle_cut;

const INDENT: usize = 2;
const GAP: usize = 2;
/// However much the other columns take.
const LEAST_FLEXIBLE: usize = 6;

/// How a column is set. A table has at most one that is flexible or wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// Text of at most so many characters; longer ones lose their middle.
    Text(usize),
    /// Text that takes what the others leave; longer ones lose their middle.
    Flexible,
    /// A number, to the right.
    Number,
    /// Text that goes on in the next line; for the last column.
    Wrapped,
}

/// Rows under titles.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<(&'static str, Column)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(columns: &[(&'static str, Column)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Nothing at all when there are no rows.
    pub(super) fn write(&self, text: &mut String) {
        if self.rows.is_empty() {
            return;
        }
        let widths = self.widths();
        let titles: Vec<String> = self.columns.iter().map(|column| column.0.to_owned()).collect();
        if titles.iter().any(|title| !title.is_empty()) {
            self.write_row(text, &widths, &titles);
        }
        for row in &self.rows {
            self.write_row(text, &widths, row);
        }
    }

    fn widths(&self) -> Vec<usize> {
        let longest = |index: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(index));
            cells.map(String::len).chain([self.columns[index].0.len()]).max().unwrap_or(0)
        };
        let fixed = |(index, (_, column)): (usize, &(&str, Column))| match column {
            Column::Text(most) => longest(index).min(*most),
            Column::Number => longest(index),
            Column::Flexible | Column::Wrapped => 0,
        };
        let mut widths: Vec<usize> = self.columns.iter().enumerate().map(fixed).collect();
        let taken = INDENT + GAP * (widths.len().saturating_sub(1)) + widths.iter().sum::<usize>();
        for (index, (_, column)) in self.columns.iter().enumerate() {
            if matches!(column, Column::Flexible | Column::Wrapped) {
                widths[index] = longest(index).min(WIDTH.saturating_sub(taken)).max(LEAST_FLEXIBLE);
            }
        }
        widths
    }

    fn write_row(&self, text: &mut String, widths: &[usize], cells: &[String]) {
        let mut line = " ".repeat(INDENT);
        for (index, (cell, &width)) in cells.iter().zip(widths).enumerate() {
            if index > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            // Writing into a string cannot fail.
            match self.columns[index].1 {
                Column::Text(_) | Column::Flexible => {
                    let _ = write!(line, "{:<width$}", middle_cut(cell, width));
                }
                Column::Number => {
                    let _ = write!(line, "{cell:>width$}");
                }
                Column::Wrapped => {
                    let start = line.len();
                    wrap(text, &line, start, cell);
                    return;
                }
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

/// Words behind `head`, in lines that begin at column `indent` after the first; long ones lose their middle.
pub(super) fn wrap(text: &mut String, head: &str, indent: usize, words: &str) {
    let room = WIDTH.saturating_sub(indent).max(LEAST_FLEXIBLE);
    let words: Vec<_> = words.split_ascii_whitespace().map(|word| middle_cut(word, room)).collect();
    listing::wrap(text, head, indent, &words.join(" "));
}

#[cfg(test)]
mod tests {
    use super::{Column, Table, WIDTH, wrap};

    #[test]
    fn rows_keep_to_the_width() {
        for last in [Column::Flexible, Column::Wrapped] {
            let mut table =
                Table::new(&[("channel", Column::Text(12)), ("count", Column::Number), ("meaning", last)]);
            table.row(vec!["c".repeat(64), "123,456,789".into(), "word ".repeat(30)]);
            table.row(vec!["c".into(), "1".into(), "w".repeat(100)]);
            let mut text = String::new();
            table.write(&mut text);
            assert!(text.lines().count() >= 3 && text.lines().all(|line| line.len() <= WIDTH), "{text}");
        }
    }

    #[test]
    fn words_are_wrapped_under_their_beginning() {
        let mut text = String::new();
        wrap(&mut text, "  1. ", 5, &"seven77 ".repeat(12));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), &lines[1][..8]), (2, "     sev"));
        assert!(lines.iter().all(|line| line.len() <= WIDTH));
    }
}
