//! The tables of the database.

use rusqlite::Connection;

use super::quoted;
use crate::schema::{CompiledTable, SKYFLOW_ID};

pub(crate) fn create(connection: &Connection) -> rusqlite::Result<()> {
    create_tables(connection)?;
    // Data files of earlier versions do not have it.
    let has_expiry = connection
        .prepare("SELECT 1 FROM pragma_table_info('service_account_keys') WHERE name = 'expires_at'")?
        .exists([])?;
    if !has_expiry {
        connection.execute_batch("ALTER TABLE service_account_keys ADD COLUMN expires_at INTEGER")?;
    }
    Ok(())
}

fn create_tables(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS audiences (uri TEXT PRIMARY KEY) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS tokens (
             token TEXT NOT NULL,
             column_group TEXT NOT NULL,
             table_name TEXT NOT NULL,
             column_name TEXT NOT NULL,
             skyflow_id TEXT NOT NULL,
             fingerprint BLOB NOT NULL,
             value TEXT,
             expires_at INTEGER
         );
         CREATE INDEX IF NOT EXISTS tokens_by_token ON tokens (token);
         CREATE INDEX IF NOT EXISTS tokens_by_cell ON tokens (skyflow_id, column_name);
         CREATE INDEX IF NOT EXISTS tokens_by_value ON tokens (fingerprint);
         CREATE INDEX IF NOT EXISTS tokens_by_expiry ON tokens (expires_at) WHERE expires_at IS NOT NULL;
         CREATE TABLE IF NOT EXISTS files (
             skyflow_id TEXT NOT NULL,
             column_name TEXT NOT NULL,
             table_name TEXT NOT NULL,
             file_name TEXT NOT NULL,
             content_type TEXT NOT NULL,
             size INTEGER NOT NULL,
             infected INTEGER NOT NULL,
             uploaded_at INTEGER NOT NULL,
             content BLOB NOT NULL,
             PRIMARY KEY (skyflow_id, column_name)
         );
         CREATE TABLE IF NOT EXISTS detect_runs (
             run_id TEXT PRIMARY KEY,
             ends_at INTEGER NOT NULL,
             answer TEXT
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS roles (
             id TEXT PRIMARY KEY, name TEXT NOT NULL, built_in TEXT NOT NULL
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS service_accounts (
             client_id TEXT PRIMARY KEY,
             name TEXT NOT NULL,
             roles TEXT NOT NULL,
             enforce_context INTEGER NOT NULL,
             enforce_signed_tokens INTEGER NOT NULL
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS service_account_keys (
             key_id TEXT PRIMARY KEY,
             client_id TEXT NOT NULL REFERENCES service_accounts,
             private_key BLOB NOT NULL,
             public_key BLOB NOT NULL,
             enabled INTEGER NOT NULL,
             expires_at INTEGER
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS token_exchanges (
             row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, json TEXT NOT NULL
         );
         CREATE TABLE IF NOT EXISTS api_keys (
             api_key TEXT PRIMARY KEY,
             client_id TEXT NOT NULL REFERENCES service_accounts,
             enabled INTEGER NOT NULL
         ) WITHOUT ROWID;",
    )
}

/// The name of the table that holds the values of a vault table.
pub(crate) fn values_of(table: &str) -> String {
    quoted(&format!("values_{table}"))
}

/// Creates the table of values, or adds the columns that it does not have yet.
pub(crate) fn create_values(connection: &Connection, table: &CompiledTable) -> rusqlite::Result<()> {
    let name = values_of(table.name());
    // A new table gets its columns at once: adding them one by one costs half a millisecond each.
    let columns: String =
        table.columns().iter().map(|column| format!(", {}", quoted(&column.name))).collect();
    connection.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS {name} (row INTEGER PRIMARY KEY, {SKYFLOW_ID} TEXT NOT NULL UNIQUE{columns})"
    ))?;
    let known: Vec<String> = connection
        .prepare("SELECT name FROM pragma_table_info(?1)")?
        .query_map([format!("values_{}", table.name())], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for column in table.columns() {
        let column_name = quoted(&column.name);
        if !known.contains(&column.name) {
            connection.execute_batch(&format!("ALTER TABLE {name} ADD COLUMN {column_name}"))?;
        }
        if column.unique {
            let index = quoted(&format!("unique_{}_{}", table.name(), column.name));
            connection.execute_batch(&format!(
                "CREATE UNIQUE INDEX IF NOT EXISTS {index} ON {name} ({column_name})"
            ))?;
        }
    }
    Ok(())
}
