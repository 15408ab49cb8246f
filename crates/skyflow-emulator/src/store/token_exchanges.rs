//! Which tokens of other issuers buy bearer tokens.

use rusqlite::{Connection, OptionalExtension, params};

/// A configuration: its id, and its members as JSON.
pub(crate) struct ExchangeRow {
    pub(crate) id: String,
    pub(crate) json: String,
}

pub(crate) fn put(connection: &Connection, row: &ExchangeRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO token_exchanges (id, json) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET json = excluded.json",
        )?
        .execute(params![row.id, row.json])
        .map(drop)
}

pub(crate) fn get(connection: &Connection, id: &str) -> rusqlite::Result<Option<ExchangeRow>> {
    connection
        .prepare_cached("SELECT id, json FROM token_exchanges WHERE id = ?1")?
        .query_row([id], |row| Ok(ExchangeRow { id: row.get(0)?, json: row.get(1)? }))
        .optional()
}

/// Returns all of them, oldest first.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Vec<ExchangeRow>> {
    connection
        .prepare_cached("SELECT id, json FROM token_exchanges ORDER BY row")?
        .query_map([], |row| Ok(ExchangeRow { id: row.get(0)?, json: row.get(1)? }))?
        .collect()
}

pub(crate) fn remove(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    connection.prepare_cached("DELETE FROM token_exchanges WHERE id = ?1")?.execute([id]).map(|rows| rows > 0)
}
