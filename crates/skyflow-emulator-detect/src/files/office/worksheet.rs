use std::collections::BTreeMap;
use std::ops::Range;

use super::package::Package;
use crate::files::xml::{Attribute, Document, Token, decode, escape, local, normalized, tokens};
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::mapped_text::{MappedText, Splices};
use crate::passage::is_label;
use crate::rewrite::apply;

/// What the sheets of a workbook say about its shared strings; empty for other files.
#[derive(Default)]
pub(super) struct Workbook {
    strings: Vec<String>,
    /// The header of the column in which a shared string is used first.
    labels: BTreeMap<usize, String>,
}

/// A cell of a sheet.
struct Cell {
    tag_name: Range<usize>,
    kind: Option<Attribute>,
    column: String,
    /// The content of the `v` element.
    value: Option<Range<usize>>,
    inline: MappedText,
}

impl Cell {
    fn kind<'a>(&self, source: &'a str) -> &'a str {
        self.kind.as_ref().and_then(|kind| source.get(kind.value.clone())).unwrap_or("n")
    }
}

impl Workbook {
    pub(super) fn read(package: &Package) -> Result<Self, FileProblem> {
        let mut workbook = Self::default();
        if let Some(part) = package.part("xl/sharedStrings.xml") {
            workbook.strings = shared_strings(&normalized(&Document::read(&part.content)?.source)?)?;
        }
        for part in package.parts.iter().filter(|part| is_worksheet(&part.name)) {
            let document = Document::read(&part.content)?;
            let source = normalized(&document.source)?;
            let mut headers = BTreeMap::new();
            for (index, row) in rows(&source, &tokens(&source)?)?.iter().enumerate() {
                for cell in row {
                    if index == 0 {
                        let header = Some(workbook.text(cell, &source)).filter(|text| is_label(text));
                        headers.insert(cell.column.clone(), header.unwrap_or_default());
                    } else if let Some(string) = string_index(cell, &source) {
                        let label = headers.get(&cell.column).cloned().unwrap_or_default();
                        workbook.labels.entry(string).or_insert(label);
                    }
                }
            }
        }
        Ok(workbook)
    }

    pub(super) fn label_of_string(&self, index: usize) -> &str {
        self.labels.get(&index).map_or("", String::as_str)
    }

    /// Rewrites the cells that hold their own content. A number that is edited becomes a text.
    pub(super) fn rewrite_cells(
        &self,
        part: &str,
        source: &str,
        tokens: &[Token],
        splices: &mut Splices,
        rewriter: &mut Rewriter<'_>,
    ) -> Result<(), FileProblem> {
        if !is_worksheet(part) {
            return Ok(());
        }
        let mut headers: Option<BTreeMap<String, String>> = None;
        for row in rows(source, tokens)? {
            for cell in &row {
                let label = headers.as_ref().and_then(|headers| headers.get(&cell.column));
                let label = label.map_or("", String::as_str);
                match cell.kind(source) {
                    "inlineStr" => {
                        let edits = rewriter.edits(cell.inline.text(), label)?;
                        splices.edit(&cell.inline, &edits, escape);
                    }
                    "str" | "n" | "d" => self.rewrite_value(cell, source, label, splices, rewriter)?,
                    _ => {}
                }
            }
            if headers.is_none() {
                let texts = row.iter().map(|cell| (cell.column.clone(), self.text(cell, source)));
                headers = Some(texts.collect());
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
            (None, Some(value)) => source.get(value.clone()).unwrap_or_default().to_owned(),
            (None, None) => cell.inline.text().to_owned(),
        }
    }
}

pub(super) fn is_worksheet(part: &str) -> bool {
    part.starts_with("xl/worksheets/") && part.ends_with(".xml")
}

fn string_index(cell: &Cell, source: &str) -> Option<usize> {
    let value = cell.value.as_ref().filter(|_| cell.kind(source) == "s")?;
    source.get(value.clone())?.trim().parse().ok()
}

/// Writes a number such as `4.929123456781234E15` with all its digits, as people read it.
fn plain_digits(number: &str) -> Option<String> {
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

/// Returns the cells of a sheet, row by row.
fn rows(source: &str, tokens: &[Token]) -> Result<Vec<Vec<Cell>>, FileProblem> {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for token in tokens {
        match token {
            Token::Start { name, attributes, empty, .. } => {
                let local_name = source.get(name.clone()).map_or("", local);
                match local_name {
                    "row" => rows.push(Vec::new()),
                    "c" => {
                        if let Some(row) = rows.last_mut() {
                            row.push(cell(source, name, attributes));
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
                let Some(cell) = rows.last_mut().and_then(|row| row.last_mut()) else { continue };
                if !open.contains(&"c") {
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

fn cell(source: &str, name: &Range<usize>, attributes: &[Attribute]) -> Cell {
    let named = |wanted| attributes.iter().find(|a| source.get(a.name.clone()) == Some(wanted));
    let place = named("r").and_then(|place| source.get(place.value.clone())).unwrap_or_default();
    Cell {
        tag_name: name.clone(),
        kind: named("t").cloned(),
        column: place.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned(),
        value: None,
        inline: MappedText::default(),
    }
}
