use std::ops::Range;

use super::caches::Caches;
use super::header_footer::{has_codes, without_codes};
use super::names::Names;
use super::paragraph::{Change, Paragraph};
use super::table::CellLabels;
use super::worksheet::{has_cells, plain_digits};
use super::{Context, attributes, formula};
use crate::files::xml::{Attribute, Token, decode, escape, local, tokens};
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::mapped_text::{MappedText, Splices};
use crate::rewrite::apply;

/// Elements whose runs are one text.
const PARAGRAPHS: [&str; 4] = ["p", "si", "is", "text"];
/// Elements that hold a piece of such a text.
const RUNS: [&str; 4] = ["t", "delText", "instrText", "delInstrText"];
/// Elements whose text is a formula.
const FORMULAS: [&str; 6] =
    ["f", "formula", "formula1", "formula2", "definedName", "calculatedColumnFormula"];

/// The copies of cells that a chart keeps.
const SERIES: [&str; 3] = ["strCache", "numCache", "multiLvlStrCache"];

/// Rewrites a part in the markup of Office: its paragraphs, its other texts and its attributes.
pub(super) fn rewrite(
    part: &str,
    source: &str,
    context: &Context,
    names: &mut Names,
    rewriter: &mut Rewriter<'_>,
) -> Result<String, FileProblem> {
    let tokens = tokens(source)?;
    let mut splices = Splices::default();
    let has_cells = has_cells(&context.parts, part);
    if has_cells {
        context.workbook.rewrite_cells(source, &tokens, &mut splices, rewriter)?;
    }
    let mut walk = Walk {
        part,
        source,
        context,
        has_cells,
        is_pivot_cache: ["pivotCacheDefinition", "pivotCacheRecords"]
            .iter()
            .any(|kind| context.parts.is(part, kind)),
        caches: Caches::new(part, source, &context.workbook, &context.fields)?,
        labels: CellLabels::read(source, &tokens)?,
        shared_items: Vec::new(),
        mail_merge: None,
        names,
        splices,
        rewriter,
        open: Vec::new(),
        paragraphs: Vec::new(),
        cells: Vec::new(),
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
    context: &'a Context,
    /// Whether the part has rows of cells, which are rewritten by themselves.
    has_cells: bool,
    is_pivot_cache: bool,
    caches: Caches<'a>,
    labels: CellLabels,
    /// What the current items of a pivot cache say about themselves.
    shared_items: Vec<Attribute>,
    /// Where the settings of a mail merge begin.
    mail_merge: Option<usize>,
    names: &'a mut Names,
    splices: Splices,
    rewriter: &'a mut Rewriter<'r>,
    open: Vec<&'a str>,
    paragraphs: Vec<Paragraph>,
    /// Where the cells of tables begin that the walk is in.
    cells: Vec<usize>,
    /// How many shared strings have been seen.
    strings: usize,
}

impl<'a> Walk<'a, '_> {
    fn step(&mut self, token: &Token) -> Result<(), FileProblem> {
        match token {
            Token::Start { tag, name, attributes, empty } => {
                if self.name(name) == "mailMerge" && !empty {
                    self.mail_merge = Some(tag.start);
                }
                self.start(name, attributes, *empty)
            }
            Token::End { tag, name } => {
                self.open.pop();
                if PARAGRAPHS.contains(&self.name(name))
                    && let Some(paragraph) = self.paragraphs.pop()
                {
                    paragraph.finish(&mut self.splices, self.names, self.rewriter)?;
                }
                match self.name(name) {
                    "tc" => drop(self.cells.pop()),
                    // Where the letters of a mail merge come from is outside of the file.
                    "mailMerge" => {
                        let start = self.mail_merge.take().unwrap_or(tag.start);
                        self.splices.replace(start..tag.end, "");
                    }
                    _ => {}
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
        let parent = self.open.last().copied().unwrap_or_default();
        let label = self.caches.start(self.source, name, attributes, parent);
        let element = attributes::Element { source: self.source, name, parent, label };
        attributes::rewrite(&element, attributes, &mut self.splices, self.names, self.rewriter)?;
        let is_edited = attributes.iter().any(|attribute| self.splices.touches(&attribute.value));
        if self.is_pivot_cache {
            self.pivot_items(name, parent, tag, attributes, is_edited);
        }
        if name == "pageSetup" {
            // Refers to the settings of a printer, which are not kept.
            let reference = attributes.iter().find(|attribute| self.name(&attribute.name) == "id");
            if let Some(reference) = reference {
                self.splices.replace(reference.name.start..reference.value.end + 1, "");
            }
        }
        if let ("r" | "p", Some(paragraph)) = (parent, self.paragraphs.last_mut()) {
            match name {
                "tab" | "ptab" => paragraph.add_implied('\t'),
                "br" | "cr" => paragraph.add_implied('\n'),
                "noBreakHyphen" => paragraph.add_implied('-'),
                _ => {}
            }
        }
        if name == "tc" && !empty {
            self.cells.push(tag.start);
        }
        if !empty {
            self.open.push(name);
            if PARAGRAPHS.contains(&name) {
                let label = match (name, self.cells.last()) {
                    ("si", _) => self.context.workbook.label_of_string(self.strings),
                    (_, Some(cell)) => self.labels.of_cell(*cell),
                    _ => Some(""),
                };
                self.paragraphs.push(Paragraph::labelled(label));
            }
        }
        self.strings += usize::from(name == "si");
        Ok(())
    }

    /// Turns an edited number or time of a pivot cache into a text, and takes away what is said about its numbers.
    fn pivot_items(
        &mut self,
        name: &str,
        parent: &str,
        tag: &Range<usize>,
        attributes: &[Attribute],
        is_edited: bool,
    ) {
        if name == "sharedItems" {
            let about = |a: &&Attribute| {
                let name = self.name(&a.name);
                name.starts_with("contains") || name.starts_with("min") || name.starts_with("max")
            };
            self.shared_items = attributes.iter().filter(about).cloned().collect();
        }
        if !is_edited {
            return;
        }
        if ["n", "d"].contains(&name) {
            self.splices.replace(tag.clone(), "s");
        }
        if name == "sharedItems" || parent == "sharedItems" {
            for attribute in std::mem::take(&mut self.shared_items) {
                self.splices.replace(attribute.name.start..attribute.value.end + 1, "");
            }
        }
    }

    fn text(&mut self, range: &Range<usize>) -> Result<(), FileProblem> {
        let source = self.source;
        if source.get(range.clone()).is_some_and(|text| text.trim().is_empty()) && !self.is_run() {
            return Ok(());
        }
        let parent = self.open.last().copied().unwrap_or_default();
        if self.has_cells && self.open.iter().any(|name| ["is", "v"].contains(name)) {
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
                    self.caches.reference(text.text());
                    return formula::rewrite(&text, &mut self.splices, self.names, self.rewriter, escape);
                }
                if parent == "v" && self.open.iter().any(|name| SERIES.contains(name)) {
                    let digits = plain_digits(text.text());
                    let shown = digits.as_deref().unwrap_or(text.text());
                    let edits = self.rewriter.edits(shown, self.caches.of_series())?;
                    if !edits.is_empty() {
                        self.splices.replace(range.clone(), escape(&apply(shown, &edits)));
                    }
                    return Ok(());
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
