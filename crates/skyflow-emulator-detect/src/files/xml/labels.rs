//! Labels that an XML document has beside its values: `<field name="ssn">`, `<dt>SSN</dt><dd>…`, and the headers of
//! its tables.

use std::collections::{HashMap, HashSet};

use super::{Attribute, Token, decode, local};
use crate::files::key_names::{is_key, is_value};
use crate::files::table_labels::{TableCell, TableLabels};
use crate::mapped_text::MappedText;
use crate::rules::is_known_label;

/// A longer text is no label, and what it is as a value is told by its first letters.
const TEXT_LIMIT: usize = 300;
/// Elements between a table and its rows.
const SECTIONS: [&str; 3] = ["thead", "tbody", "tfoot"];

/// What labels the elements of a document, by where their names are written.
#[derive(Default)]
pub(super) struct Labels {
    elements: HashMap<usize, String>,
    /// The elements whose text is a label itself.
    own: HashSet<usize>,
}

/// An element without children: where its name is written, and its text.
type Cell = (usize, String);

struct Element<'a> {
    name: &'a str,
    start: usize,
    text: String,
    has_children: bool,
    cells: Vec<Cell>,
    table: TableLabels,
    last_row: Option<Vec<Cell>>,
}

impl Labels {
    /// Returns the label of the text of an element, and of the attribute that holds its value.
    pub(super) fn of<'a>(&'a self, start: usize, name: &'a str) -> &'a str {
        let beside = self.elements.get(&start).filter(|_| !is_known_label(name));
        beside.map_or(name, String::as_str)
    }

    pub(super) fn of_attribute<'a>(&'a self, start: usize, name: &'a str) -> &'a str {
        if is_value(name) { self.of(start, name) } else { name }
    }

    pub(super) fn is_label(&self, start: usize) -> bool {
        self.own.contains(&start)
    }

    pub(super) fn read(source: &str, tokens: &[Token]) -> Self {
        let mut labels = Self::default();
        let mut open: Vec<Element<'_>> = Vec::new();
        for token in tokens {
            match token {
                Token::Start { name, attributes, empty, .. } => {
                    if let Some(parent) = open.last_mut() {
                        parent.has_children = true;
                    }
                    let written = source.get(name.clone()).map_or("", local);
                    labels.read_attributes(source, name.start, written, attributes, open.last());
                    let value =
                        attributes.iter().find(|a| is_value(source.get(a.name.clone()).map_or("", local)));
                    open.push(Element {
                        name: written,
                        start: name.start,
                        text: value.map(|value| text(source, value)).unwrap_or_default(),
                        has_children: false,
                        cells: Vec::new(),
                        table: TableLabels::default(),
                        last_row: None,
                    });
                    if *empty {
                        labels.close(&mut open);
                    }
                }
                Token::End { .. } => labels.close(&mut open),
                Token::Text(range) | Token::CharacterData(range) => {
                    let Some(element) = open.last_mut().filter(|element| element.text.len() < TEXT_LIMIT)
                    else {
                        continue;
                    };
                    let mut decoded = MappedText::default();
                    if decode(source, range, &mut decoded).is_ok() {
                        element.text.extend(decoded.text().chars().take(TEXT_LIMIT));
                    }
                }
                _ => {}
            }
        }
        labels
    }

    /// Reads what the attributes of an element say its value is; a child that only holds the value has the label of its
    /// parent.
    fn read_attributes(
        &mut self,
        source: &str,
        start: usize,
        name: &str,
        attributes: &[Attribute],
        parent: Option<&Element<'_>>,
    ) {
        let keys = attributes.iter().filter(|a| is_key(source.get(a.name.clone()).map_or("", local)));
        let label = keys.map(|key| text(source, key)).find(|label| is_known_label(label));
        let inherited = || {
            let parent = parent.filter(|_| is_value(name))?;
            let own = Some(parent.name).filter(|name| is_known_label(name)).map(str::to_owned);
            self.elements.get(&parent.start).cloned().or(own)
        };
        if let Some(label) = label.or_else(inherited) {
            self.elements.insert(start, label);
        }
    }

    /// Ends an element: one without children is a cell of its parent, and one with such children is a row.
    fn close(&mut self, open: &mut Vec<Element<'_>>) {
        let Some(mut element) = open.pop() else { return };
        if let Some(last) = element.last_row.take() {
            self.label(&mut element.table, &last, &[]);
        }
        let cells = std::mem::take(&mut element.cells);
        let Some(parent) = open.last_mut() else {
            return self.label(&mut TableLabels::default(), &cells, &[]);
        };
        if !element.has_children {
            parent.cells.push((element.start, element.text));
            return;
        }
        let is_in_section = SECTIONS.iter().any(|section| parent.name.eq_ignore_ascii_case(section));
        let above = open.len().saturating_sub(if is_in_section { 2 } else { 1 });
        let Some(table) = open.get_mut(above) else { return };
        if cells.is_empty() {
            return;
        }
        if let Some(last) = table.last_row.replace(cells.clone()) {
            let mut labels = std::mem::take(&mut table.table);
            self.label(&mut labels, &last, &cells);
            table.table = labels;
        }
    }

    /// Notes the labels of the vocabulary that a row has.
    fn label(&mut self, table: &mut TableLabels, row: &[Cell], next: &[Cell]) {
        let roles = table.row(&texts(row), &texts(next));
        for ((start, _), role) in row.iter().zip(roles) {
            match role {
                None => drop(self.own.insert(*start)),
                Some(label) if is_known_label(&label) => drop(self.elements.entry(*start).or_insert(label)),
                Some(_) => {}
            }
        }
    }
}

fn text(source: &str, attribute: &Attribute) -> String {
    let mut decoded = MappedText::default();
    match decode(source, &attribute.value, &mut decoded) {
        Ok(()) => decoded.text().to_owned(),
        Err(_) => String::new(),
    }
}

fn texts(row: &[Cell]) -> Vec<TableCell<'_>> {
    row.iter().map(|(_, text)| text.as_str()).enumerate().collect()
}
