use std::ops::Range;

use super::header_footer::{has_codes, without_codes};
use super::names::Names;
use super::paragraph::{Change, Paragraph};
use super::table::Table;
use super::worksheet::{Workbook, is_worksheet};
use super::{attributes, formula};
use crate::files::xml::{Attribute, Token, decode, escape, local, tokens};
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::mapped_text::{MappedText, Splices};

/// Elements whose runs are one text.
const PARAGRAPHS: [&str; 4] = ["p", "si", "is", "text"];
/// Elements that hold a piece of such a text.
const RUNS: [&str; 4] = ["t", "delText", "instrText", "delInstrText"];
/// Elements whose text is a formula.
const FORMULAS: [&str; 6] =
    ["f", "formula", "formula1", "formula2", "definedName", "calculatedColumnFormula"];

/// Rewrites a part in the markup of Office: its paragraphs, its other texts and its attributes.
pub(super) fn rewrite(
    part: &str,
    source: &str,
    workbook: &Workbook,
    names: &mut Names,
    rewriter: &mut Rewriter<'_>,
) -> Result<String, FileProblem> {
    let tokens = tokens(source)?;
    let mut splices = Splices::default();
    workbook.rewrite_cells(part, source, &tokens, &mut splices, rewriter)?;
    let mut walk = Walk {
        part,
        source,
        workbook,
        names,
        splices,
        rewriter,
        open: Vec::new(),
        paragraphs: Vec::new(),
        tables: Vec::new(),
        strings: 0,
    };
    for token in &tokens {
        walk.step(token)?;
    }
    walk.keep_spaces(&tokens);
    Ok(walk.splices.apply(source))
}

struct Walk<'a, 'r> {
    part: &'a str,
    source: &'a str,
    workbook: &'a Workbook,
    names: &'a mut Names,
    splices: Splices,
    rewriter: &'a mut Rewriter<'r>,
    open: Vec<&'a str>,
    paragraphs: Vec<Paragraph>,
    tables: Vec<Table>,
    /// How many shared strings have been seen.
    strings: usize,
}

impl<'a> Walk<'a, '_> {
    fn step(&mut self, token: &Token) -> Result<(), FileProblem> {
        match token {
            Token::Start { name, attributes, empty, .. } => self.start(name, attributes, *empty),
            Token::End { name, .. } => {
                self.open.pop();
                if PARAGRAPHS.contains(&self.name(name))
                    && let Some(paragraph) = self.paragraphs.pop()
                {
                    if let Some(table) = self.tables.last_mut() {
                        table.note(paragraph.text());
                    }
                    paragraph.finish(&mut self.splices, self.names, self.rewriter)?;
                }
                if self.name(name) == "tbl" {
                    self.tables.pop();
                }
                Ok(())
            }
            Token::Text(range) => self.text(range),
            // Dropped or turned into text before the walk.
            Token::CharacterData(_) | Token::Comment(_) | Token::Instruction(_) => Ok(()),
            Token::DocumentType(_) => {
                Err(FileProblem::broken("a part of the file has a DOCTYPE, which Office does not allow"))
            }
        }
    }

    fn name(&self, name: &Range<usize>) -> &'a str {
        self.source.get(name.clone()).map_or("", local)
    }

    fn start(
        &mut self,
        tag: &Range<usize>,
        attributes: &[Attribute],
        empty: bool,
    ) -> Result<(), FileProblem> {
        let name = self.name(tag);
        attributes::rewrite(self.source, name, attributes, &mut self.splices, self.names, self.rewriter)?;
        let is_edited = attributes.iter().any(|attribute| self.splices.touches(&attribute.value));
        if self.part.starts_with("xl/pivotCache/") && ["n", "d"].contains(&name) && is_edited {
            // A number or a time that has become a text.
            self.splices.replace(tag.clone(), "s");
        }
        if name == "pageSetup" {
            // Refers to the settings of a printer, which are not kept.
            let reference = attributes.iter().find(|attribute| self.name(&attribute.name) == "id");
            if let Some(reference) = reference {
                self.splices.replace(reference.name.start..reference.value.end + 1, "");
            }
        }
        let parent = self.open.last().copied().unwrap_or_default();
        if let ("r" | "p", Some(paragraph)) = (parent, self.paragraphs.last_mut()) {
            match name {
                "tab" | "ptab" => paragraph.add_implied('\t'),
                "br" | "cr" => paragraph.add_implied('\n'),
                "noBreakHyphen" => paragraph.add_implied('-'),
                _ => {}
            }
        }
        match (name, self.tables.last_mut()) {
            ("tbl", _) if !empty => self.tables.push(Table::default()),
            ("tr", Some(table)) => table.start_row(),
            ("tc", Some(table)) => table.start_cell(),
            _ => {}
        }
        if !empty {
            self.open.push(name);
            if PARAGRAPHS.contains(&name) {
                let label = match (name, self.tables.last()) {
                    ("si", _) => self.workbook.label_of_string(self.strings),
                    (_, Some(table)) => table.label(),
                    _ => "",
                };
                self.paragraphs.push(Paragraph::labelled(label));
            }
        }
        self.strings += usize::from(name == "si");
        Ok(())
    }

    fn text(&mut self, range: &Range<usize>) -> Result<(), FileProblem> {
        let source = self.source;
        if source.get(range.clone()).is_some_and(|text| text.trim().is_empty()) && !self.is_run() {
            return Ok(());
        }
        let parent = self.open.last().copied().unwrap_or_default();
        if is_worksheet(self.part) && self.open.iter().any(|name| ["is", "v"].contains(name)) {
            // The cells have been looked at.
            return Ok(());
        }
        // Readings of East Asian words are within a text without being part of it.
        let is_reading = self.open.contains(&"rPh");
        match (parent, self.paragraphs.last_mut()) {
            ("t", Some(paragraph)) if !is_reading => {
                let change = match self.open.contains(&"ins") || self.open.contains(&"moveTo") {
                    true => Change::Inserted,
                    false => Change::Kept,
                };
                paragraph.add(change, |text| decode(source, range, text))
            }
            ("delText", Some(paragraph)) => {
                paragraph.add(Change::Deleted, |text| decode(source, range, text))
            }
            ("instrText" | "delInstrText", Some(paragraph)) => {
                decode(source, range, paragraph.instructions())
            }
            _ => {
                let mut text = MappedText::default();
                decode(source, range, &mut text)?;
                if FORMULAS.contains(&parent) {
                    return formula::rewrite(&text, &mut self.splices, self.names, self.rewriter, escape);
                }
                let edits = match has_codes(parent) {
                    true => self.rewriter.edits(&without_codes(text.text()), parent)?,
                    false => self.rewriter.edits(text.text(), parent)?,
                };
                self.splices.edit(&text, &edits, escape);
                Ok(())
            }
        }
    }

    fn is_run(&self) -> bool {
        self.open.last().is_some_and(|name| RUNS.contains(name))
    }

    /// Says of edited runs that their spaces matter: an edit may have cut a text before or behind one.
    fn keep_spaces(&mut self, tokens: &[Token]) {
        // The markup of drawings keeps spaces in any case, and has no way to say so.
        if ["ppt/", "/drawings/", "/charts/", "/diagrams/"].iter().any(|place| self.part.contains(place)) {
            return;
        }
        for pair in tokens.windows(2) {
            let [Token::Start { name, attributes, .. }, Token::Text(range)] = pair else { continue };
            let is_drawing = self.source.get(name.clone()).is_some_and(|written| written.starts_with("a:"));
            let is_run = RUNS.contains(&self.name(name)) && !is_drawing;
            let says_so = attributes.iter().any(|a| self.source.get(a.name.clone()) == Some("xml:space"));
            if is_run && !says_so && self.splices.touches(range) {
                self.splices.insert(name.end, " xml:space=\"preserve\"");
            }
        }
    }
}
