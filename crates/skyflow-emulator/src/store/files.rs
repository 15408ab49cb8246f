//! The contents of file columns.

use rusqlite::{Connection, OptionalExtension, params};

/// A stored file without its content.
pub(crate) struct FileRow {
    pub(crate) file_name: String,
    pub(crate) content_type: String,
    pub(crate) size: i64,
    pub(crate) infected: bool,
    /// Milliseconds since 1970.
    pub(crate) uploaded_at: i64,
}

/// The cell that a file belongs to.
#[derive(Clone)]
pub(crate) struct FileCell {
    pub(crate) table: String,
    pub(crate) column: String,
    pub(crate) skyflow_id: String,
}

pub(crate) fn put(
    connection: &Connection,
    cell: &FileCell,
    file: &FileRow,
    content: &[u8],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO files VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
        .execute(params![
            cell.skyflow_id,
            cell.column,
            cell.table,
            file.file_name,
            file.content_type,
            file.size,
            file.infected,
            file.uploaded_at,
            content
        ])
        .map(drop)
}

pub(crate) fn get(connection: &Connection, cell: &FileCell) -> rusqlite::Result<Option<FileRow>> {
    connection
        .prepare_cached(
            "SELECT file_name, content_type, size, infected, uploaded_at
             FROM files WHERE skyflow_id = ?1 AND column_name = ?2",
        )?
        .query_row([&cell.skyflow_id, &cell.column], |row| {
            Ok(FileRow {
                file_name: row.get(0)?,
                content_type: row.get(1)?,
                size: row.get(2)?,
                infected: row.get(3)?,
                uploaded_at: row.get(4)?,
            })
        })
        .optional()
}

pub(crate) fn content(connection: &Connection, cell: &FileCell) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT content FROM files WHERE skyflow_id = ?1 AND column_name = ?2")?
        .query_row([&cell.skyflow_id, &cell.column], |row| row.get(0))
        .optional()
}

pub(crate) fn remove(connection: &Connection, cell: &FileCell) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("DELETE FROM files WHERE skyflow_id = ?1 AND column_name = ?2")?
        .execute([&cell.skyflow_id, &cell.column])
        .map(|rows| rows > 0)
}

/// Deletes the files of a deleted record.
pub(crate) fn remove_record(connection: &Connection, skyflow_id: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM files WHERE skyflow_id = ?1")?.execute([skyflow_id]).map(drop)
}

/// Deletes the files of every record of a table.
pub(crate) fn remove_table(connection: &Connection, table: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM files WHERE table_name = ?1", [table]).map(drop)
}
