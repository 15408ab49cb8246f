//! Files of type `csv`: each cell is a passage under the header of its column or the label to its left.

use std::collections::BTreeMap;
use std::ops::Range;

use super::table_labels::{TableCell, TableLabels};
use super::{FileProblem, rewriter::Rewriter, text_encoding};
use crate::mapped_text::{MappedText, Splices};
use crate::rewrite::apply;

const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// The most cells of a record: the header of each takes many times the byte that the cell needs in the file.
const RECORD_LIMIT: usize = 100_000;
/// How many records are looked at to tell the delimiter.
const SNIFFED_RECORDS: usize = 20;

/// Where a cell is written.
struct Cell {
    /// The cell with its quotes.
    source: Range<usize>,
    quoted: bool,
    column: usize,
    ends_record: bool,
}

pub(super) fn process(content: &[u8], rewriter: &mut Rewriter<'_>) -> Result<Vec<u8>, FileProblem> {
    let (source, encoding) = text_encoding::decode(content)
        .ok_or_else(|| FileProblem::broken("the table is not written in the encoding its first bytes say"))?;
    // Spreadsheets name the delimiter in a separate line.
    let declared = source.strip_prefix("sep=").and_then(|rest| rest.chars().next());
    let declared = declared.filter(|delimiter| DELIMITERS.contains(delimiter));
    let start = declared.and_then(|_| source.find('\n')).map_or(0, |end| end + 1);
    let delimiter = declared.unwrap_or_else(|| sniff(&source));

    let mut splices = Splices::default();
    let mut labels = TableLabels::default();
    let mut records = Records { cells: Cells::new(&source, start, delimiter), source: &source }.peekable();
    while let Some(record) = records.next() {
        let record = record?;
        // An error of the next record comes when it is that one's turn.
        let next = records.peek().and_then(|next| next.as_ref().ok()).map_or(&[][..], Vec::as_slice);
        let roles = labels.row(&texts(&record), &texts(next));
        for ((cell, text), role) in record.iter().zip(roles) {
            let Some(label) = role else {
                rewriter.count(text.text());
                continue;
            };
            let edits = rewriter.edits(text.text(), &label)?;
            if edits.is_empty() {
                continue;
            }
            let changed = apply(text.text(), &edits);
            if cell.quoted {
                splices.edit(text, &edits, |text| text.replace('"', "\"\""));
            } else if changed.contains([delimiter, '"', '\r', '\n']) {
                splices.replace(cell.source.clone(), format!("\"{}\"", changed.replace('"', "\"\"")));
            } else {
                splices.edit(text, &edits, str::to_owned);
            }
        }
    }
    Ok(text_encoding::encode(&splices.apply(&source), encoding))
}

fn texts(record: &[(Cell, MappedText)]) -> Vec<TableCell<'_>> {
    record.iter().map(|(cell, text)| (cell.column, text.text())).collect()
}

/// The records of a table, each with the texts of its cells.
struct Records<'a> {
    cells: Cells<'a>,
    source: &'a str,
}

impl Iterator for Records<'_> {
    type Item = Result<Vec<(Cell, MappedText)>, FileProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = Vec::new();
        for cell in self.cells.by_ref() {
            if cell.column >= RECORD_LIMIT {
                return Some(Err(FileProblem::too_large(format!(
                    "a record of the table has more than {RECORD_LIMIT} cells"
                ))));
            }
            let text = cell.text(self.source);
            let ends_record = cell.ends_record;
            record.push((cell, text));
            if ends_record {
                return Some(Ok(record));
            }
        }
        // A last quoted cell without an end ends no record.
        (!record.is_empty()).then_some(Ok(record))
    }
}

/// Tells the delimiter: the one that splits most of the first records into the same number of cells, and into most of
/// them. Titles and empty lines before the table have one cell.
fn sniff(source: &str) -> char {
    let cells = |delimiter| {
        let ends = Cells::new(source, 0, delimiter).filter(|cell| cell.ends_record);
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for cell in ends.take(SNIFFED_RECORDS).filter(|cell| cell.column > 0) {
            *counts.entry(cell.column + 1).or_default() += 1;
        }
        counts.into_iter().map(|(count, alike)| (alike, count)).max().unwrap_or_default()
    };
    // The last of equals wins: the comma.
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| cells(*delimiter)).unwrap_or(',')
}

/// The cells of a table, one record after the other.
struct Cells<'a> {
    source: &'a str,
    at: usize,
    delimiter: char,
    column: usize,
}

impl<'a> Cells<'a> {
    fn new(source: &'a str, at: usize, delimiter: char) -> Self {
        Self { source, at, delimiter, column: 0 }
    }

    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    /// Steps over a cell; tells whether it is quoted.
    fn step_over_cell(&mut self) -> bool {
        let rest = self.rest();
        let Some(quoted) = rest.strip_prefix('"') else {
            self.at += rest.find([self.delimiter, '\r', '\n']).unwrap_or(rest.len());
            return false;
        };
        let mut quotes = quoted.match_indices('"').map(|(index, _)| index).peekable();
        let mut end = rest.len();
        while let Some(quote) = quotes.next() {
            // Two quotes are one of the text.
            if quotes.next_if_eq(&(quote + 1)).is_none() {
                end = quote + 2;
                break;
            }
        }
        self.at += end;
        true
    }
}

impl Iterator for Cells<'_> {
    type Item = Cell;

    fn next(&mut self) -> Option<Cell> {
        let start = self.at;
        // Behind a last delimiter there is one more cell, which is empty.
        if self.column == 0 && self.rest().is_empty() {
            return None;
        }
        let quoted = self.step_over_cell();
        let source = start..self.at;
        let rest = self.rest();
        let ends_record = match rest.chars().next() {
            Some(next) if next == self.delimiter => {
                self.at += next.len_utf8();
                false
            }
            Some('\r' | '\n') => {
                self.at += if rest.starts_with("\r\n") { 2 } else { 1 };
                true
            }
            // A quoted cell with something after its last quote: what follows is a cell without delimiter.
            Some(_) => false,
            None => true,
        };
        let column = self.column;
        self.column = if ends_record { 0 } else { column + 1 };
        Some(Cell { source, quoted, column, ends_record })
    }
}

impl Cell {
    fn text(&self, source: &str) -> MappedText {
        let mut text = MappedText::default();
        let start = self.source.start;
        let written = source.get(self.source.clone()).unwrap_or_default();
        if !self.quoted {
            text.push_verbatim(written, start);
            return text;
        }
        let mut characters = written.char_indices().skip(1).peekable();
        while let Some((index, character)) = characters.next() {
            let at = start + index;
            if character != '"' {
                text.push(character, at..at + character.len_utf8());
            } else if characters.next_if(|(_, next)| *next == '"').is_some() {
                text.push('"', at..at + 2);
            }
        }
        text
    }
}
