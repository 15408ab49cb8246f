//! Labels that a JSON text has beside its values: `{"name": "ssn", "value": "…"}`, and the headers of its tables.

use std::collections::HashMap;

use super::DEPTH_LIMIT;
use super::cursor::Cursor;
use crate::files::key_names::{is_columns, is_key};
use crate::files::table_labels::{TableCell, TableLabels};
use crate::rules::is_known_label;

/// What labels the values of a text, by places in the source.
#[derive(Default)]
pub(super) struct Labels {
    /// The label of the object that begins at a place.
    objects: HashMap<usize, String>,
    /// The label of the literal that begins at a place: that of its column.
    cells: HashMap<usize, String>,
    /// The literals that are labels themselves.
    own: std::collections::HashSet<usize>,
}

impl Labels {
    pub(super) fn of_object(&self, start: usize) -> &str {
        self.objects.get(&start).map_or("", String::as_str)
    }

    pub(super) fn of_cell(&self, start: usize) -> Option<&str> {
        self.cells.get(&start).map(String::as_str)
    }

    pub(super) fn is_label(&self, start: usize) -> bool {
        self.own.contains(&start)
    }

    /// Reads the labels of a valid JSON text.
    pub(super) fn read(source: &str, start: usize, end: usize) -> Self {
        let mut reader =
            Reader { cursor: Cursor { source, at: start, end }, open: Vec::new(), labels: Self::default() };
        reader.run();
        reader.labels
    }
}

/// A literal with its place in the source.
type Literal = (usize, String);

struct Container {
    start: usize,
    is_object: bool,
    name_is_next: bool,
    /// The name of the current member.
    name: String,
    /// The elements of an array that holds nothing but literals.
    row: Option<Vec<Literal>>,
    /// The rows of an array that holds such arrays.
    table: TableLabels,
    last_row: Option<Vec<Literal>>,
    /// The headers that an object has for its tables.
    columns: Vec<Literal>,
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    open: Vec<Container>,
    labels: Labels,
}

impl Reader<'_> {
    fn run(&mut self) {
        while let Some(byte) = self.cursor.peek() {
            let at = self.cursor.at;
            match byte {
                // The text is refused later.
                b'{' | b'[' if self.open.len() >= DEPTH_LIMIT => return,
                b'{' | b'[' => {
                    self.open(at, byte == b'{');
                    self.cursor.at += 1;
                }
                b'}' | b']' => {
                    self.close();
                    self.cursor.at += 1;
                }
                b',' => {
                    if let Some(container) = self.open.last_mut() {
                        container.name_is_next = container.is_object;
                    }
                    self.cursor.at += 1;
                }
                b'"' => {
                    let text = self.cursor.string();
                    self.literal(at, text.text(), true);
                }
                b'-' | b'0'..=b'9' => {
                    let number = self.cursor.number();
                    let text = self.cursor.source.get(number).unwrap_or_default();
                    self.literal(at, text, false);
                }
                _ => self.cursor.at += 1,
            }
        }
    }

    fn open(&mut self, start: usize, is_object: bool) {
        let mut table = TableLabels::default();
        if let Some(outer) = self.open.last_mut() {
            // An array that holds others is no row.
            outer.row = None;
            if !is_object && outer.is_object && !outer.columns.is_empty() {
                table.row(&cells(&outer.columns), &[]);
            }
        }
        self.open.push(Container {
            start,
            is_object,
            name_is_next: is_object,
            name: String::new(),
            row: (!is_object).then(Vec::new),
            table,
            last_row: None,
            columns: Vec::new(),
        });
    }

    fn close(&mut self) {
        let Some(mut container) = self.open.pop() else { return };
        if let Some(last) = container.last_row.take() {
            self.label(&mut container.table, &last, &[]);
        }
        let (Some(row), Some(outer)) = (container.row, self.open.last_mut()) else { return };
        if outer.is_object {
            let is_header = is_columns(&outer.name);
            if is_header && row.iter().any(|(_, text)| is_known_label(text)) {
                outer.columns = row;
            }
            return;
        }
        let mut table = std::mem::take(&mut outer.table);
        if let Some(last) = outer.last_row.replace(row) {
            let next = outer.last_row.take().unwrap_or_default();
            self.label(&mut table, &last, &next);
            if let Some(outer) = self.open.last_mut() {
                outer.last_row = Some(next);
            }
        }
        if let Some(outer) = self.open.last_mut() {
            outer.table = table;
        }
    }

    fn literal(&mut self, at: usize, text: &str, is_text: bool) {
        let Some(container) = self.open.last_mut() else { return };
        if !container.is_object {
            if let Some(row) = &mut container.row {
                row.push((at, text.to_owned()));
            }
        } else if container.name_is_next {
            container.name_is_next = false;
            text.clone_into(&mut container.name);
        } else if is_text && is_key(&container.name) && is_known_label(text) {
            let start = container.start;
            if !self.labels.objects.contains_key(&start) {
                self.labels.own.insert(at);
                self.labels.objects.insert(start, text.to_owned());
            }
        }
    }

    /// Notes the labels of the vocabulary that a row has.
    fn label(&mut self, table: &mut TableLabels, row: &[Literal], next: &[Literal]) {
        let roles = table.row(&cells(row), &cells(next));
        for ((at, _), role) in row.iter().zip(roles) {
            match role {
                None => drop(self.labels.own.insert(*at)),
                Some(label) if is_known_label(&label) => drop(self.labels.cells.insert(*at, label)),
                Some(_) => {}
            }
        }
    }
}

fn cells(row: &[Literal]) -> Vec<TableCell<'_>> {
    row.iter().map(|(_, text)| text.as_str()).enumerate().collect()
}
