/// The table around a paragraph, of which the first row names the columns.
#[derive(Default)]
pub(super) struct Table {
    rows: usize,
    /// The cells of the current row so far.
    cells: usize,
    headers: Vec<String>,
}

impl Table {
    pub(super) fn start_row(&mut self) {
        self.rows += 1;
        self.cells = 0;
    }

    pub(super) fn start_cell(&mut self) {
        self.cells += 1;
        if self.rows == 1 {
            self.headers.push(String::new());
        }
    }

    /// Returns the header of the column; empty in the first row.
    pub(super) fn label(&self) -> &str {
        let header = self.cells.checked_sub(1).and_then(|column| self.headers.get(column));
        header.filter(|_| self.rows > 1).map_or("", String::as_str)
    }

    /// Notes a paragraph of the first row as part of a header.
    pub(super) fn note(&mut self, text: &str) {
        if let Some(header) = self.headers.last_mut().filter(|_| self.rows == 1) {
            header.push_str(text);
        }
    }
}
