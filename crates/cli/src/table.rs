//! A table for people: columns as wide as their longest cell, two spaces between.

use std::fmt::Write as _;

/// The rows under their headings, without a final line break.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    push_row(&mut text, &headings.map(str::to_owned), &widths);
    for row in rows {
        text.push('\n');
        push_row(&mut text, row, &widths);
    }
    text
}

fn push_row<const N: usize>(text: &mut String, row: &[String; N], widths: &[usize; N]) {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let _ = write!(line, "{cell:<width$}  ");
    }
    text.push_str(line.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let rows = [
            ["1".to_owned(), "Søn".to_owned()],
            ["23456".to_owned(), String::new()],
        ];
        assert_eq!(
            table(["id", "name"], &rows),
            "id     name\n1      Søn\n23456"
        );
    }
}
