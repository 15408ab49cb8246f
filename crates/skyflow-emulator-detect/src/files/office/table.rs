//! The tables of documents and slides.

use std::collections::HashMap;

use crate::files::FileProblem;
use crate::files::table_labels::TableLabels;
use crate::files::xml::{Attribute, Token, decode, local};
use crate::mapped_text::MappedText;

/// The label of each cell of the tables of a part, by where the name of its element is written; `None` for a cell that
/// is a label itself.
#[derive(Default)]
pub(super) struct CellLabels(HashMap<usize, Option<String>>);

struct Cell {
    start: usize,
    column: usize,
    text: String,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<Cell>>,
    /// Where the next cell of the current row begins.
    column: usize,
}

impl CellLabels {
    pub(super) fn read(source: &str, tokens: &[Token]) -> Result<Self, FileProblem> {
        let mut labels = Self::default();
        let mut open: Vec<&str> = Vec::new();
        let mut tables: Vec<Table> = Vec::new();
        for token in tokens {
            match token {
                Token::Start { name, attributes, empty, .. } => {
                    let element = source.get(name.clone()).map_or("", local);
                    if element == "tbl" && !empty {
                        tables.push(Table::default());
                    } else if let Some(table) = tables.last_mut() {
                        table.start(source, name.start, element, attributes);
                    }
                    if !empty {
                        open.push(element);
                    }
                }
                Token::End { .. } => match open.pop() {
                    Some("tbl") => labels.add(tables.pop().unwrap_or_default()),
                    // A line end keeps the paragraphs of a cell apart.
                    Some("p") => {
                        if let Some(cell) =
                            tables.last_mut().and_then(Table::cell).filter(|cell| !cell.text.is_empty())
                        {
                            cell.text.push('\n');
                        }
                    }
                    _ => {}
                },
                Token::Text(range) if open.last() == Some(&"t") => {
                    let Some(cell) = tables.last_mut().and_then(Table::cell) else { continue };
                    let mut text = MappedText::default();
                    decode(source, range, &mut text)?;
                    cell.text.push_str(text.text());
                }
                _ => {}
            }
        }
        Ok(labels)
    }

    pub(super) fn of_cell(&self, start: usize) -> Option<&str> {
        self.0.get(&start).map_or(Some(""), Option::as_deref)
    }

    fn add(&mut self, table: Table) {
        let texts = |row: &Vec<Cell>| -> Vec<(usize, String)> {
            row.iter().map(|cell| (cell.column, cell.text.trim().to_owned())).collect()
        };
        let rows: Vec<Vec<(usize, String)>> = table.rows.iter().map(texts).collect();
        let borrowed = |index: usize| {
            let row = rows.get(index).map(Vec::as_slice).unwrap_or_default();
            row.iter().map(|(column, text)| (*column, text.as_str())).collect::<Vec<_>>()
        };
        let mut labels = TableLabels::default();
        for (index, row) in table.rows.iter().enumerate() {
            let roles = labels.row(&borrowed(index), &borrowed(index + 1));
            self.0.extend(row.iter().map(|cell| cell.start).zip(roles));
        }
    }
}

impl Table {
    fn cell(&mut self) -> Option<&mut Cell> {
        self.rows.last_mut()?.last_mut()
    }

    fn start(&mut self, source: &str, start: usize, element: &str, attributes: &[Attribute]) {
        let number = |wanted: &str| {
            let attribute = attributes.iter().find(|a| source.get(a.name.clone()).map(local) == Some(wanted));
            attribute.and_then(|attribute| source.get(attribute.value.clone())?.parse::<usize>().ok())
        };
        /// No table is wider; a file may claim anything.
        const WIDEST: usize = 10_000;
        match element {
            "tr" => {
                self.rows.push(Vec::new());
                self.column = 0;
            }
            "tc" => {
                let column = self.column;
                self.column += 1;
                if let Some(row) = self.rows.last_mut() {
                    row.push(Cell { start, column, text: String::new() });
                }
            }
            // In documents; the cells that a slide merges are written.
            "gridSpan" | "gridBefore" => {
                let span = number("val").unwrap_or(1).min(WIDEST);
                self.column += if element == "gridSpan" { span.saturating_sub(1) } else { span };
            }
            _ => {}
        }
    }
}
