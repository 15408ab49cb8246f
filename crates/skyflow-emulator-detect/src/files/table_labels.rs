//! Which cells of a table label the others: headers above them, in any row, and labels to the left of them.

use std::collections::BTreeMap;

use crate::passage::is_label;
use crate::rules::{fits_label, is_known_label, names_labels};

/// A cell with its column and its text.
pub(super) type TableCell<'a> = (usize, &'a str);

/// The labels of a table that is read row by row.
///
/// A header is the first row of several texts, or any row of well-known labels: a title, an empty row or a form may come
/// before it.
#[derive(Default)]
pub(super) struct TableLabels {
    headers: BTreeMap<usize, String>,
    /// Whether a header since the last empty row has a well-known label.
    is_known: bool,
    /// Whether a row of several values has been seen since the last empty row.
    has_data: bool,
    /// Whether the row before has labels beside its values.
    was_form: bool,
}

impl TableLabels {
    /// Returns the label of each cell; `None` for a cell that is itself a label, and no value.
    pub(super) fn row(&mut self, row: &[TableCell<'_>], next: &[TableCell<'_>]) -> Vec<Option<String>> {
        let cells: Vec<TableCell<'_>> = filled(row);
        if cells.is_empty() {
            (self.is_known, self.has_data, self.was_form) = (false, false, false);
            return vec![Some(String::new()); row.len()];
        }
        let pairs = self.pairs(&cells);
        let next = filled(next);
        let is_data = cells.iter().any(|(_, text)| is_data(text));
        let is_form = !pairs.is_empty()
            && (is_data || self.was_form || next.is_empty() || self.is_form_with(&cells, &next));
        self.was_form = is_form;
        let labels: Vec<usize> =
            cells.iter().filter(|cell| self.is_label(cell)).map(|(column, _)| *column).collect();
        let is_header = !is_form && !is_data && self.is_header(&cells, &next, &labels);
        if is_header {
            self.is_known |= !labels.is_empty();
            for (column, text) in &cells {
                let header = Some(*text).filter(|text| is_label(text)).unwrap_or_default();
                self.headers.insert(*column, header.to_owned());
            }
        } else {
            self.has_data |= cells.len() > 1;
        }
        let mut left = None;
        let mut roles = Vec::with_capacity(row.len());
        for (column, text) in row {
            let is_paired = is_form && pairs.contains(column);
            roles.push(if is_paired || (is_header && labels.len() > 1 && labels.contains(column)) {
                None
            } else if is_header {
                Some(String::new())
            } else {
                Some(self.label(*column, left.filter(|_| is_form)))
            });
            if !text.trim().is_empty() {
                left = is_paired.then_some(text.trim());
            }
        }
        roles
    }

    fn is_header(&self, cells: &[TableCell<'_>], next: &[TableCell<'_>], labels: &[usize]) -> bool {
        match labels.len() {
            // A title alone in its row is no header of the rows below it.
            0 => {
                self.headers.len() < 2.min(cells.len())
                    && !self.has_data
                    && (cells.len() > 1 || next.len() < 2)
            }
            // A single label above its value.
            1 => cells.len() == 1 || !(self.is_known || self.has_data),
            _ => true,
        }
    }

    /// Tells whether the next row has labels too, which are not values under those of this row.
    fn is_form_with(&self, cells: &[TableCell<'_>], next: &[TableCell<'_>]) -> bool {
        self.pairs(next).iter().any(|column| {
            let of = |row: &[TableCell<'_>]| {
                row.iter().find(|cell| cell.0 == *column).map(|cell| cell.1.to_owned())
            };
            let (label, below) = (of(cells), of(next));
            !label.zip(below).is_some_and(|(label, below)| names_labels(&label) && fits_label(&label, &below))
        })
    }

    /// Returns the columns of the labels that have their value to the right.
    fn pairs(&self, cells: &[TableCell<'_>]) -> Vec<usize> {
        let pairs = cells.windows(2).filter_map(|pair| match pair {
            [label, value] => {
                let is_pair =
                    self.is_label(label) && !is_known_label(value.1) && fits_label(label.1, value.1);
                is_pair.then_some(label.0)
            }
            _ => None,
        });
        pairs.collect()
    }

    /// Tells whether a cell is a well-known label, and no value of its column.
    fn is_label(&self, (column, text): &TableCell<'_>) -> bool {
        is_known_label(text)
            && self
                .headers
                .get(column)
                .is_none_or(|header| !is_known_label(header) || !fits_label(header, text))
    }

    fn label(&self, column: usize, left: Option<&str>) -> String {
        let header = self.headers.get(&column).map_or("", String::as_str);
        match left {
            Some(left) if !is_known_label(header) => left,
            _ => header,
        }
        .to_owned()
    }
}

fn filled<'a>(row: &[TableCell<'a>]) -> Vec<TableCell<'a>> {
    row.iter().map(|(column, text)| (*column, text.trim())).filter(|(_, text)| !text.is_empty()).collect()
}

/// Tells whether a text is no label of anything.
fn is_data(text: &str) -> bool {
    text.contains('@') || text.chars().filter(char::is_ascii_digit).count() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the labels of the cells of a table, `*` for a cell that is a label.
    fn labels(rows: &[&[&str]]) -> Vec<Vec<String>> {
        let rows: Vec<Vec<TableCell<'_>>> =
            rows.iter().map(|row| row.iter().copied().enumerate().collect()).collect();
        let mut table = TableLabels::default();
        let mut labels = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let next = rows.get(index + 1).map_or(&[][..], Vec::as_slice);
            let roles = table.row(row, next);
            labels.push(roles.into_iter().map(|role| role.unwrap_or("*".to_owned())).collect());
        }
        labels
    }

    #[test]
    fn first_row_of_texts_labels_the_rows_below() {
        assert_eq!(labels(&[&["who", "ref"], &["Zed", "1"]])[1], ["who", "ref"]);
        assert_eq!(labels(&[&["1234", "a@b"], &["x", "y"], &["z", "w"]])[2], ["", ""]);
        assert_eq!(labels(&[&["ssn"], &["123456789"]])[1], ["ssn"]);
    }

    #[test]
    fn header_is_found_below_titles_and_empty_rows() {
        for above in [
            &[&["Report 2024", "", ""][..]][..],
            &[&["", "", ""]],
            &[&["Customers of 2024", "", ""], &["", "", ""]],
            &[&["Exported on", "2024-05-01", ""], &["", "", ""]],
            &[&["Exported on", "2024-05-01", ""]],
        ] {
            let mut rows = above.to_vec();
            rows.extend([&["name", "ssn", "notes"][..], &["Zed Quux", "123456789", "x"]]);
            let found = labels(&rows);
            assert_eq!(found[above.len()], ["*", "*", ""], "{above:?}");
            assert_eq!(found[above.len() + 1], ["name", "ssn", "notes"], "{above:?}");
        }
        let found = labels(&[&["Report", ""], &["", ""], &["ssn", "notes"], &["123456789", "x"]]);
        assert_eq!(found[3], ["ssn", "notes"]);
    }

    #[test]
    fn labels_beside_values_are_found_and_kept() {
        let form =
            labels(&[&["Name", "Zed Quux"], &["SSN", "123456789"], &["Notes", "x"], &["Phone", "5552671"]]);
        assert_eq!(form[0], ["*", "Name"]);
        assert_eq!(form[1], ["*", "SSN"]);
        assert_eq!(form[3], ["*", "Phone"]);
        let wide = labels(&[&["Name", "Zed Quux", "SSN", "123456789"]]);
        assert_eq!(wide[0], ["*", "Name", "*", "SSN"]);
        let typed =
            labels(&[&["kind", "content"], &["ssn", "123456789"], &["note", "x"], &["phone", "5552671"]]);
        assert_eq!(typed[1], ["*", "ssn"]);
        assert_eq!(typed[3], ["*", "phone"]);
        let both = labels(&[&["SSN", "123456789"], &["", ""], &["name", "dob"], &["Zed", "1990-01-01"]]);
        assert_eq!(
            (both[0].clone(), both[3].clone()),
            (vec!["*".into(), "SSN".into()], vec!["name".into(), "dob".into()])
        );
    }

    #[test]
    fn labels_above_single_values_are_found() {
        let found = labels(&[&["SSN"], &["123456789"], &["Phone"], &["5552671"]]);
        assert_eq!((found[1].clone(), found[3].clone()), (vec!["SSN".to_owned()], vec!["Phone".to_owned()]));
        let pairs =
            labels(&[&["Name", "SSN"], &["Zed", "123456789"], &["City", "Phone"], &["Ulm", "5552671"]]);
        assert_eq!(pairs[3], ["City", "Phone"]);
    }

    #[test]
    fn values_that_could_be_labels_are_values() {
        let found = labels(&[&["Job title", "Notes"], &["Doctor", "called"], &["Engineer", "x"]]);
        assert_eq!(found[1], ["Job title", "Notes"]);
        assert_eq!(found[2], ["Job title", "Notes"]);
        let found = labels(&[&["first_name", "middle"], &["Zed", "Q"]]);
        assert_eq!(
            (found[0].clone(), found[1].clone()),
            (vec![String::new(); 2], vec!["first_name".to_owned(), "middle".to_owned()])
        );
    }
}
