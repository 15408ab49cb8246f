use std::collections::BTreeMap;
use std::ops::Range;

use super::package::Package;
use super::parts::Parts;
use crate::files::table_labels::{TableCell, TableLabels};
use crate::files::xml::{Attribute, Document, Token, decode, escape, local, normalized, tokens};
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::mapped_text::{MappedText, Splices};
use crate::rewrite::apply;
use crate::rules::is_known_label;

/// What the sheets of a workbook say about its shared strings and its caches; empty for other files.
#[derive(Default)]
pub(super) struct Workbook {
    strings: Vec<String>,
    /// The label of the cell in which a shared string is used first; `None` for a string that is a label itself.
    labels: BTreeMap<usize, Option<String>>,
    /// The labels of the columns of each sheet, by its name in lowercase.
    columns: BTreeMap<String, Columns>,
    /// The name of the sheet of a part, in lowercase.
    sheets: BTreeMap<String, String>,
}

/// The labels of the columns of a sheet.
#[derive(Default)]
struct Columns {
    /// By column: the rows from which on a label holds.
    labels: BTreeMap<usize, Vec<(usize, String)>>,
}

impl Columns {
    fn note(&mut self, column: usize, row: usize, label: &str) {
        let labels = self.labels.entry(column).or_default();
        if labels.last().is_none_or(|(_, last)| last != label) {
            labels.push((row, label.to_owned()));
        }
    }

    fn label(&self, column: usize, row: usize) -> &str {
        let labels = self.labels.get(&column).map(Vec::as_slice).unwrap_or_default();
        let before = labels.partition_point(|(first, _)| *first <= row);
        before.checked_sub(1).and_then(|last| labels.get(last)).map_or("", |(_, label)| label)
    }
}

/// A cell of a sheet.
struct Cell {
    tag_name: Range<usize>,
    kind: Option<Attribute>,
    column: usize,
    /// The content of the `v` element.
    value: Option<Range<usize>>,
    inline: MappedText,
}

struct Row {
    number: usize,
    cells: Vec<Cell>,
}

impl Cell {
    fn kind<'a>(&self, source: &'a str) -> &'a str {
        self.kind.as_ref().and_then(|kind| source.get(kind.value.clone())).unwrap_or("n")
    }
}

/// Tells whether a part has rows of cells: a sheet, or what another workbook has given.
pub(super) fn has_cells(parts: &Parts, part: &str) -> bool {
    parts.is(part, "worksheet") || parts.is(part, "externalLink")
}

impl Workbook {
    pub(super) fn read(package: &Package, parts: &Parts) -> Result<Self, FileProblem> {
        let mut workbook = Self::default();
        let main = parts.of_package("officeDocument").unwrap_or("xl/workbook.xml");
        let strings = parts.related(main, "sharedStrings").next().unwrap_or("xl/sharedStrings.xml");
        if let Some(part) = package.part(strings) {
            workbook.strings = shared_strings(&normalized(&Document::read(&part.content)?.source)?)?;
        }
        let mut columns: BTreeMap<String, Columns> = BTreeMap::new();
        for part in package.parts.iter().filter(|part| parts.is(&part.name, "worksheet")) {
            let document = Document::read(&part.content)?;
            let source = normalized(&document.source)?;
            let rows = rows(&source, &tokens(&source)?)?;
            let of_part = columns.entry(part.name.to_lowercase()).or_default();
            for (row, roles) in rows.iter().zip(workbook.roles(&rows, &source)) {
                for (cell, role) in row.cells.iter().zip(roles) {
                    of_part.note(cell.column, row.number, role.as_deref().unwrap_or_default());
                    let Some(string) = string_index(cell, &source) else { continue };
                    let is_better = workbook.labels.get(&string).is_none_or(|known| {
                        let is_known = known.as_deref().is_some_and(is_known_label);
                        !is_known && role.as_deref().is_some_and(|role| !role.is_empty())
                    });
                    if is_better {
                        workbook.labels.insert(string, role);
                    }
                }
            }
        }
        if let Some(part) = package.part(main) {
            let document = Document::read(&part.content)?;
            for (name, id) in sheets(&normalized(&document.source)?)? {
                let part = parts.target(main, &id).unwrap_or_default();
                if let Some(of_part) = columns.remove(part) {
                    workbook.sheets.insert(part.to_owned(), name.to_lowercase());
                    workbook.columns.insert(name.to_lowercase(), of_part);
                }
            }
        }
        Ok(workbook)
    }

    /// Returns the label of a shared string; `None` for one that is a label itself.
    pub(super) fn label_of_string(&self, index: usize) -> Option<&str> {
        self.labels.get(&index).map_or(Some(""), Option::as_deref)
    }

    /// Returns the label of the last cell of a reference such as `'Sheet 1'!$B$2:$B$9`.
    pub(super) fn label_of_reference(&self, reference: &str) -> &str {
        let Some((sheet, cells)) = reference.rsplit_once('!') else { return "" };
        let sheet = sheet.trim_matches('\'').replace("''", "'").to_lowercase();
        let last = cells.rsplit(':').next().unwrap_or_default().replace('$', "");
        let row = last.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().unwrap_or(usize::MAX);
        column_number(&last).map_or("", |column| self.label_of_cell(&sheet, column, row))
    }

    /// Returns the label of a cell of a sheet, whose name is in lowercase.
    pub(super) fn label_of_cell(&self, sheet: &str, column: usize, row: usize) -> &str {
        self.columns.get(sheet).map_or("", |columns| columns.label(column, row))
    }

    /// Returns the name of the sheet of a part, in lowercase.
    pub(super) fn sheet_of(&self, part: &str) -> Option<&str> {
        self.sheets.get(&part.to_lowercase()).map(String::as_str)
    }

    /// Returns the labels of the cells of a sheet, row by row.
    fn roles(&self, rows: &[Row], source: &str) -> Vec<Vec<Option<String>>> {
        let mut table = TableLabels::default();
        let texts = |row: &Row| -> Vec<(usize, String)> {
            row.cells.iter().map(|cell| (cell.column, self.text(cell, source))).collect()
        };
        let mut roles = Vec::with_capacity(rows.len());
        let mut last: Option<usize> = None;
        let mut this = rows.first().map(texts).unwrap_or_default();
        for (index, row) in rows.iter().enumerate() {
            // A row that is not written is empty.
            if last.is_some_and(|last| row.number > last + 1) {
                table.row(&[], &[]);
            }
            last = Some(row.number);
            let next = rows.get(index + 1).map(texts).unwrap_or_default();
            roles.push(table.row(&borrowed(&this), &borrowed(&next)));
            this = next;
        }
        roles
    }

    /// Rewrites the cells that hold their own content. A number that is edited becomes a text.
    pub(super) fn rewrite_cells(
        &self,
        source: &str,
        tokens: &[Token],
        splices: &mut Splices,
        rewriter: &mut Rewriter<'_>,
    ) -> Result<(), FileProblem> {
        let rows = rows(source, tokens)?;
        for (row, roles) in rows.iter().zip(self.roles(&rows, source)) {
            for (cell, role) in row.cells.iter().zip(roles) {
                let Some(label) = role else {
                    if string_index(cell, source).is_none() {
                        rewriter.count(&self.text(cell, source));
                    }
                    continue;
                };
                match cell.kind(source) {
                    "inlineStr" => {
                        let edits = rewriter.edits(cell.inline.text(), &label)?;
                        splices.edit(&cell.inline, &edits, escape);
                    }
                    "str" | "n" | "d" => self.rewrite_value(cell, source, &label, splices, rewriter)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn rewrite_value(
        &self,
        cell: &Cell,
        source: &str,
        label: &str,
        splices: &mut Splices,
        rewriter: &mut Rewriter<'_>,
    ) -> Result<(), FileProblem> {
        let Some(value) = &cell.value else { return Ok(()) };
        let mut text = MappedText::default();
        decode(source, value, &mut text)?;
        let digits = plain_digits(text.text());
        let shown = digits.as_deref().unwrap_or(text.text());
        let edits = rewriter.edits(shown, label)?;
        if edits.is_empty() {
            return Ok(());
        }
        splices.replace(value.clone(), escape(&apply(shown, &edits)));
        // The kind of a text that a formula gave, which is also read where there is no formula.
        match &cell.kind {
            Some(kind) => splices.replace(kind.value.clone(), "str"),
            None => splices.insert(cell.tag_name.end, " t=\"str\""),
        }
        Ok(())
    }

    fn text(&self, cell: &Cell, source: &str) -> String {
        match (string_index(cell, source), &cell.value) {
            (Some(index), _) => self.strings.get(index).cloned().unwrap_or_default(),
            (None, Some(value)) => {
                let mut text = MappedText::default();
                match decode(source, value, &mut text) {
                    Ok(()) => text.text().to_owned(),
                    Err(_) => String::new(),
                }
            }
            (None, None) => cell.inline.text().to_owned(),
        }
    }
}

fn borrowed(texts: &[(usize, String)]) -> Vec<TableCell<'_>> {
    texts.iter().map(|(column, text)| (*column, text.as_str())).collect()
}

/// Returns the number of the column that a reference to a cell begins with: 1 for `A`.
pub(super) fn column_number(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic).take(4);
    let number =
        letters.fold(0, |number, letter| number * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    Some(number).filter(|number| *number > 0)
}

fn string_index(cell: &Cell, source: &str) -> Option<usize> {
    let value = cell.value.as_ref().filter(|_| cell.kind(source) == "s")?;
    source.get(value.clone())?.trim().parse().ok()
}

/// Writes a number such as `4.929123456781234E15` with all its digits, as people read it.
pub(super) fn plain_digits(number: &str) -> Option<String> {
    let (mantissa, exponent) = number.split_once(['E', 'e'])?;
    let exponent: usize = exponent.trim_start_matches('+').parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    // Numbers that are not exact are not the numbers of anything.
    (exponent <= 24 && fraction.len() <= exponent && is_plain(whole) && is_plain(fraction))
        .then(|| format!("{whole}{fraction}{}", "0".repeat(exponent - fraction.len())))
}

fn shared_strings(source: &str) -> Result<Vec<String>, FileProblem> {
    let mut strings: Vec<String> = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for token in tokens(source)? {
        match token {
            Token::Start { name, empty, .. } => {
                let name = source.get(name).map_or("", local);
                if name == "si" {
                    strings.push(String::new());
                }
                if !empty {
                    open.push(name);
                }
            }
            Token::End { .. } => {
                open.pop();
            }
            Token::Text(range) if open.last() == Some(&"t") && !open.contains(&"rPh") => {
                let mut text = MappedText::default();
                decode(source, &range, &mut text)?;
                if let Some(string) = strings.last_mut() {
                    string.push_str(text.text());
                }
            }
            _ => {}
        }
    }
    Ok(strings)
}

/// Returns the sheets of a workbook: the name of each, and its relationship.
fn sheets(workbook: &str) -> Result<Vec<(String, String)>, FileProblem> {
    let mut sheets = Vec::new();
    for token in tokens(workbook)? {
        let Token::Start { name, attributes, .. } = token else { continue };
        if workbook.get(name).map(local) != Some("sheet") {
            continue;
        }
        let value = |wanted: &str| -> Result<String, FileProblem> {
            let mut text = MappedText::default();
            let named = |a: &&Attribute| workbook.get(a.name.clone()).map(local) == Some(wanted);
            if let Some(attribute) = attributes.iter().find(named) {
                decode(workbook, &attribute.value, &mut text)?;
            }
            Ok(text.text().to_owned())
        };
        sheets.push((value("name")?, value("id")?));
    }
    Ok(sheets)
}

/// Returns the rows of a sheet. A cell and a row that do not say where they are follow the one before.
fn rows(source: &str, tokens: &[Token]) -> Result<Vec<Row>, FileProblem> {
    let mut rows: Vec<Row> = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for token in tokens {
        match token {
            Token::Start { name, attributes, empty, .. } => {
                let local_name = source.get(name.clone()).map_or("", local);
                let place = attributes.iter().find(|a| source.get(a.name.clone()) == Some("r"));
                let place = place.and_then(|place| source.get(place.value.clone())).unwrap_or_default();
                match local_name {
                    "row" => {
                        let next = rows.last().map_or(1, |row| row.number + 1);
                        rows.push(Row { number: place.parse().unwrap_or(next), cells: Vec::new() });
                    }
                    // The second is a cell of another workbook.
                    "c" | "cell" => {
                        if let Some(row) = rows.last_mut() {
                            let next = row.cells.last().map_or(1, |cell| cell.column + 1);
                            let kind = attributes.iter().find(|a| source.get(a.name.clone()) == Some("t"));
                            row.cells.push(Cell {
                                tag_name: name.clone(),
                                kind: kind.cloned(),
                                column: column_number(place).unwrap_or(next),
                                value: None,
                                inline: MappedText::default(),
                            });
                        }
                    }
                    _ => {}
                }
                if !empty {
                    open.push(local_name);
                }
            }
            Token::End { .. } => {
                open.pop();
            }
            Token::Text(range) => {
                let Some(cell) = rows.last_mut().and_then(|row| row.cells.last_mut()) else { continue };
                if !open.contains(&"c") && !open.contains(&"cell") {
                    continue;
                }
                match open.last() {
                    Some(&"v") => cell.value = Some(range.clone()),
                    Some(&"t") if !open.contains(&"rPh") => decode(source, range, &mut cell.inline)?,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    Ok(rows)
}
