//! Files of type `csv`: each cell is a passage under the header of its column.

use std::ops::Range;

use super::mapped_text::{MappedText, Splices};
use super::{FileProblem, rewriter::Rewriter, text_encoding};
use crate::detect::passage::is_label;
use crate::detect::rewrite::apply;

const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// The most cells of a record: each takes many times the byte that it needs in the file.
const RECORD_LIMIT: usize = 100_000;
/// How many records are looked at to tell the delimiter.
const SNIFFED_RECORDS: usize = 20;

struct Cell {
    /// The cell with its quotes.
    source: Range<usize>,
    text: MappedText,
    quoted: bool,
}

pub(super) fn process(content: &[u8], rewriter: &mut Rewriter<'_>) -> Result<Vec<u8>, FileProblem> {
    let (source, encoding) = text_encoding::decode(content)
        .ok_or_else(|| FileProblem::broken("the table is not written in the encoding its first bytes say"))?;
    let is_wide = |line: &str| line.matches(|mark| DELIMITERS.contains(&mark)).count() > RECORD_LIMIT;
    if source.split(['\r', '\n']).any(is_wide) {
        return Err(FileProblem::too_large(format!(
            "a line of the table has more than {RECORD_LIMIT} cells"
        )));
    }
    // Spreadsheets name the delimiter in a line of its own.
    let declared = source.strip_prefix("sep=").and_then(|rest| rest.chars().next());
    let declared = declared.filter(|delimiter| DELIMITERS.contains(delimiter));
    let start = declared.and_then(|_| source.find('\n')).map_or(0, |end| end + 1);
    let delimiter = declared.unwrap_or_else(|| sniff(&source));

    let mut splices = Splices::default();
    let mut headers: Option<Vec<String>> = None;
    let mut records = Records { source: &source, at: start, delimiter };
    while let Some(record) = records.next_record() {
        for (column, cell) in record.iter().enumerate() {
            let label = headers.as_ref().and_then(|headers| headers.get(column)).map_or("", String::as_str);
            let edits = rewriter.edits(cell.text.text(), label)?;
            if edits.is_empty() {
                continue;
            }
            let changed = apply(cell.text.text(), &edits);
            if cell.quoted {
                splices.edit(&cell.text, &edits, |text| text.replace('"', "\"\""));
            } else if changed.contains([delimiter, '"', '\r', '\n']) {
                splices.replace(cell.source.clone(), format!("\"{}\"", changed.replace('"', "\"\"")));
            } else {
                splices.edit(&cell.text, &edits, str::to_owned);
            }
        }
        headers.get_or_insert_with(|| headers_of(&record));
    }
    Ok(text_encoding::encode(&splices.apply(&source), encoding))
}

/// Returns the first record as headers; nothing where it looks like data.
fn headers_of(record: &[Cell]) -> Vec<String> {
    let is_name = |text: &str| !text.contains('@') && text.chars().filter(char::is_ascii_digit).count() < 3;
    match record.iter().all(|cell| is_name(cell.text.text())) {
        true => record
            .iter()
            .map(|cell| {
                Some(cell.text.text().trim()).filter(|text| is_label(text)).unwrap_or_default().to_owned()
            })
            .collect(),
        false => Vec::new(),
    }
}

/// Tells the delimiter: the one that splits the first records into the same number of cells, and into most of them.
fn sniff(source: &str) -> char {
    let cells = |delimiter| {
        let mut records = Records { source, at: 0, delimiter };
        let counts: Vec<usize> = std::iter::from_fn(|| records.next_record())
            .take(SNIFFED_RECORDS)
            .map(|record| record.len())
            .collect();
        let first = counts.first().copied().unwrap_or(0);
        let alike = counts.iter().filter(|count| **count == first).count();
        if first > 1 { (alike * 100 / counts.len().max(1), first) } else { (0, 0) }
    };
    // The last of equals wins: the comma.
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| cells(*delimiter)).unwrap_or(',')
}

struct Records<'a> {
    source: &'a str,
    at: usize,
    delimiter: char,
}

impl Records<'_> {
    fn next_record(&mut self) -> Option<Vec<Cell>> {
        if self.at >= self.source.len() {
            return None;
        }
        let mut cells = Vec::new();
        loop {
            cells.push(self.cell());
            let rest = self.source.get(self.at..).unwrap_or_default();
            match rest.chars().next() {
                Some(next) if next == self.delimiter => self.at += next.len_utf8(),
                Some('\r') if rest.starts_with("\r\n") => {
                    self.at += 2;
                    return Some(cells);
                }
                Some('\r' | '\n') => {
                    self.at += 1;
                    return Some(cells);
                }
                // A quoted cell with something after its last quote: what follows is a cell without delimiter.
                Some(_) => {}
                None => return Some(cells),
            }
        }
    }

    fn cell(&mut self) -> Cell {
        let start = self.at;
        let rest = self.source.get(start..).unwrap_or_default();
        let mut text = MappedText::default();
        if !rest.starts_with('"') {
            let end = rest.find([self.delimiter, '\r', '\n']).unwrap_or(rest.len());
            text.push_verbatim(rest.get(..end).unwrap_or_default(), start);
            self.at = start + end;
            return Cell { source: start..self.at, text, quoted: false };
        }
        let mut characters = rest.char_indices().skip(1).peekable();
        self.at = self.source.len();
        while let Some((index, character)) = characters.next() {
            let at = start + index;
            if character != '"' {
                text.push(character, at..at + character.len_utf8());
            } else if characters.next_if(|(_, next)| *next == '"').is_some() {
                text.push('"', at..at + 2);
            } else {
                self.at = at + 1;
                break;
            }
        }
        Cell { source: start..self.at, text, quoted: true }
    }
}
