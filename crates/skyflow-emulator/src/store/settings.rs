//! What the vault remembers about itself.

use rusqlite::{Connection, OptionalExtension, params};

pub(crate) fn get(connection: &Connection, name: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT value FROM settings WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

pub(crate) fn set(connection: &Connection, name: &str, value: &[u8]) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO settings VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
        )?
        .execute(params![name, value])
        .map(drop)
}

/// Returns the setting, made by `make` and stored when there is none yet.
pub(crate) fn get_or_make(
    connection: &Connection,
    name: &str,
    make: impl FnOnce() -> Vec<u8>,
) -> rusqlite::Result<Vec<u8>> {
    if let Some(value) = get(connection, name)? {
        return Ok(value);
    }
    let value = make();
    set(connection, name, &value)?;
    Ok(value)
}

/// Remembers a token URI that assertions may name as their audience.
pub(crate) fn add_audience(connection: &Connection, uri: &str) -> rusqlite::Result<()> {
    connection.execute("INSERT OR IGNORE INTO audiences VALUES (?1)", [uri]).map(drop)
}

pub(crate) fn audiences(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection.prepare("SELECT uri FROM audiences")?.query_map([], |row| row.get(0))?.collect()
}
