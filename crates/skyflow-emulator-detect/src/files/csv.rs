//! Files of type `csv`: each cell is a passage under the header of its column.

use std::ops::Range;

use super::{FileProblem, rewriter::Rewriter, text_encoding};
use crate::mapped_text::{MappedText, Splices};
use crate::passage::is_label;
use crate::rewrite::apply;

const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// The most cells of a record: the header of each takes many times the byte that the cell needs in the file.
const RECORD_LIMIT: usize = 100_000;
/// How many records are looked at to tell the delimiter.
const SNIFFED_RECORDS: usize = 20;

/// Where a cell is written; its text is read when it is needed, so that a wide record takes no room.
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
    let mut headers = Headers::default();
    for cell in Cells::new(&source, start, delimiter) {
        if cell.column >= RECORD_LIMIT {
            return Err(FileProblem::too_large(format!(
                "a record of the table has more than {RECORD_LIMIT} cells"
            )));
        }
        let text = cell.text(&source);
        let edits = rewriter.edits(text.text(), headers.label(cell.column))?;
        headers.add(&cell, text.text());
        if edits.is_empty() {
            continue;
        }
        let changed = apply(text.text(), &edits);
        if cell.quoted {
            splices.edit(&text, &edits, |text| text.replace('"', "\"\""));
        } else if changed.contains([delimiter, '"', '\r', '\n']) {
            splices.replace(cell.source, format!("\"{}\"", changed.replace('"', "\"\"")));
        } else {
            splices.edit(&text, &edits, str::to_owned);
        }
    }
    Ok(text_encoding::encode(&splices.apply(&source), encoding))
}

/// The cells of the first record, which label the others; none where it looks like data.
#[derive(Default)]
struct Headers {
    labels: Vec<String>,
    is_data: bool,
    are_read: bool,
}

impl Headers {
    fn label(&self, column: usize) -> &str {
        let label = self.labels.get(column).filter(|_| self.are_read && !self.is_data);
        label.map_or("", String::as_str)
    }

    fn add(&mut self, cell: &Cell, text: &str) {
        if self.are_read {
            return;
        }
        self.is_data |= text.contains('@') || text.chars().filter(char::is_ascii_digit).count() >= 3;
        let label = Some(text.trim()).filter(|text| is_label(text)).unwrap_or_default();
        self.labels.push(label.to_owned());
        self.are_read = cell.ends_record;
    }
}

/// Tells the delimiter: the one that splits the first records into the same number of cells, and into most of them.
fn sniff(source: &str) -> char {
    let cells = |delimiter| {
        let ends = Cells::new(source, 0, delimiter).filter(|cell| cell.ends_record);
        let counts: Vec<usize> = ends.take(SNIFFED_RECORDS).map(|cell| cell.column + 1).collect();
        let first = counts.first().copied().unwrap_or(0);
        let alike = counts.iter().filter(|count| **count == first).count();
        if first > 1 { (alike * 100 / counts.len().max(1), first) } else { (0, 0) }
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
