//! Copies that a workbook keeps of its cells: in pivot tables, charts and filters. They have the labels of the cells.

use std::collections::BTreeMap;

use super::package::Package;
use super::parts::Parts;
use super::worksheet::{Workbook, column_number};
use crate::files::FileProblem;
use crate::files::xml::{Attribute, Document, Token, decode, local, normalized, tokens};
use crate::mapped_text::MappedText;

/// The fields of the pivot caches of a workbook, by the part that holds their records.
#[derive(Default)]
pub(super) struct PivotFields(BTreeMap<String, Vec<String>>);

impl PivotFields {
    pub(super) fn read(package: &Package, parts: &Parts) -> Result<Self, FileProblem> {
        let mut fields = BTreeMap::new();
        for part in package.parts.iter().filter(|part| parts.is(&part.name, "pivotCacheDefinition")) {
            let document = Document::read(&part.content)?;
            let names = values(&normalized(&document.source)?, "cacheField", "name")?;
            for records in parts.related(&part.name, "pivotCacheRecords") {
                fields.insert(records.to_owned(), names.clone());
            }
        }
        Ok(Self(fields))
    }
}

/// The place of a walk within the caches of a part.
pub(super) struct Caches<'a> {
    workbook: &'a Workbook,
    /// What the fields of the records are called that the part holds.
    fields: &'a [String],
    /// The next field of the current record.
    field: usize,
    /// The label of the current field, column or series.
    label: String,
    /// What the columns of a table or the cells of a sheet are called that a filter is for.
    filtered: Filtered,
}

/// What a filter is for.
#[derive(Default)]
struct Filtered {
    sheet: String,
    columns: Vec<String>,
    range: String,
}

impl<'a> Caches<'a> {
    /// Begins at the start of a part.
    pub(super) fn new(
        part: &str,
        source: &str,
        workbook: &'a Workbook,
        fields: &'a PivotFields,
    ) -> Result<Self, FileProblem> {
        let fields = fields.0.get(&part.to_lowercase()).map(Vec::as_slice).unwrap_or_default();
        let sheet = workbook.sheet_of(part).unwrap_or_default().to_owned();
        let columns = values(source, "tableColumn", "name")?;
        let filtered = Filtered { sheet, columns, range: String::new() };
        Ok(Self { workbook, fields, field: 0, label: String::new(), filtered })
    }

    /// Notes an element, and returns the label of the value that it holds in an attribute.
    pub(super) fn start(
        &mut self,
        source: &str,
        element: &str,
        attributes: &[Attribute],
        parent: &str,
    ) -> &str {
        let value = |name: &str| text(source, attributes, name).unwrap_or_default();
        match (element, parent) {
            ("cacheField", _) => self.label = value("name"),
            ("r", "pivotCacheRecords") => self.field = 0,
            (_, "r") => {
                self.label = self.fields.get(self.field).cloned().unwrap_or_default();
                self.field += 1;
                // An index of a shared item is no value.
                return if ["n", "s", "d"].contains(&element) { &self.label } else { "" };
            }
            ("autoFilter", _) => self.filtered.range = value("ref"),
            ("filterColumn", _) => {
                let column: usize = value("colId").parse().unwrap_or_default();
                self.label = self.column(column);
            }
            ("filter" | "customFilter" | "top10", _) => return &self.label,
            (_, "sharedItems" | "groupItems" | "rangePr") | ("sharedItems" | "rangePr", _) => {
                return &self.label;
            }
            _ => {}
        }
        ""
    }

    /// Notes the reference that the cache of a series follows.
    pub(super) fn reference(&mut self, formula: &str) {
        self.label = self.workbook.label_of_reference(formula).to_owned();
    }

    /// Returns the label of a value in the cache of a series.
    pub(super) fn of_series(&self) -> &str {
        &self.label
    }

    fn column(&self, column: usize) -> String {
        if let Some(name) = self.filtered.columns.get(column) {
            return name.clone();
        }
        let last = self.filtered.range.rsplit(':').next().unwrap_or_default().replace('$', "");
        let row = last.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().unwrap_or(usize::MAX);
        let first = column_number(&self.filtered.range.replace('$', "")).unwrap_or(1);
        self.workbook.label_of_cell(&self.filtered.sheet, first + column, row).to_owned()
    }
}

fn text(source: &str, attributes: &[Attribute], name: &str) -> Option<String> {
    let attribute = attributes.iter().find(|a| source.get(a.name.clone()).map(local) == Some(name))?;
    let mut text = MappedText::default();
    decode(source, &attribute.value, &mut text).ok()?;
    Some(text.text().to_owned())
}

/// Returns an attribute of each element of a name.
fn values(source: &str, element: &str, attribute: &str) -> Result<Vec<String>, FileProblem> {
    let mut values = Vec::new();
    for token in tokens(source)? {
        if let Token::Start { name, attributes, .. } = token
            && source.get(name).map(local) == Some(element)
        {
            values.push(text(source, &attributes, attribute).unwrap_or_default());
        }
    }
    Ok(values)
}
