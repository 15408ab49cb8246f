//! The table of tokens: each row maps a token to a cell.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

/// One token and its cell.
pub(crate) struct TokenRow<'a> {
    pub(crate) token: &'a str,
    pub(crate) column_group: &'a str,
    pub(crate) table: &'a str,
    pub(crate) column: &'a str,
    pub(crate) skyflow_id: &'a str,
    pub(crate) fingerprint: &'a [u8],
    /// The value itself as JSON, when it is transient and therefore not part of the record.
    pub(crate) value: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) expires_at: Option<i64>,
}

/// The cell of a token.
pub(crate) struct TokenTarget {
    pub(crate) table: String,
    pub(crate) column: String,
    pub(crate) skyflow_id: String,
    pub(crate) value: Option<String>,
}

pub(crate) fn put(connection: &Connection, row: &TokenRow<'_>) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO tokens VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![
            row.token,
            row.column_group,
            row.table,
            row.column,
            row.skyflow_id,
            row.fingerprint,
            row.value,
            row.expires_at
        ])
        .map(drop)
}

/// Returns the token that this value already has in its group.
pub(crate) fn of_value(connection: &Connection, fingerprint: &[u8]) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT token FROM tokens WHERE fingerprint = ?1 LIMIT 1")?
        .query_row([fingerprint], |row| row.get(0))
        .optional()
}

/// Returns whether the token already belongs to another value.
pub(crate) fn is_taken(connection: &Connection, token: &str, fingerprint: &[u8]) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM tokens WHERE token = ?1 AND fingerprint <> ?2 LIMIT 1")?
        .exists(params![token, fingerprint])
}

/// Finds the cell of a token that has not expired.
pub(crate) fn find(connection: &Connection, token: &str, now: i64) -> rusqlite::Result<Option<TokenTarget>> {
    connection
        .prepare_cached(
            "SELECT table_name, column_name, skyflow_id, value FROM tokens
             WHERE token = ?1 AND (expires_at IS NULL OR expires_at > ?2) LIMIT 1",
        )?
        .query_row(params![token, now], |row| {
            Ok(TokenTarget {
                table: row.get(0)?,
                column: row.get(1)?,
                skyflow_id: row.get(2)?,
                value: row.get(3)?,
            })
        })
        .optional()
}

/// Returns the tokens of one record by column; expired ones are left out.
pub(crate) fn of_record(
    connection: &Connection,
    skyflow_id: &str,
    now: i64,
) -> rusqlite::Result<HashMap<String, String>> {
    connection
        .prepare_cached(
            "SELECT column_name, token FROM tokens
             WHERE skyflow_id = ?1 AND (expires_at IS NULL OR expires_at > ?2)",
        )?
        .query_map(params![skyflow_id, now], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Forgets the token of one cell.
pub(crate) fn remove_cell(connection: &Connection, skyflow_id: &str, column: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM tokens WHERE skyflow_id = ?1 AND column_name = ?2")?
        .execute([skyflow_id, column])
        .map(drop)
}

/// Forgets the tokens of a deleted record; transient ones live on until they expire.
pub(crate) fn remove_record(connection: &Connection, skyflow_id: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM tokens WHERE skyflow_id = ?1 AND expires_at IS NULL")?
        .execute([skyflow_id])
        .map(drop)
}

/// Forgets the tokens of every record of a table; transient ones live on until they expire.
pub(crate) fn remove_table(connection: &Connection, table: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM tokens WHERE table_name = ?1 AND expires_at IS NULL", [table]).map(drop)
}

/// Removes expired transient values.
pub(crate) fn remove_expired(connection: &Connection, now: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM tokens WHERE expires_at <= ?1")?.execute([now]).map(drop)
}
