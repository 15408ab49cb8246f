//! Service accounts, their keys, API keys and roles.

use rusqlite::{Connection, OptionalExtension, params};

/// A service account as it is stored.
#[derive(Clone)]
pub(crate) struct AccountRow {
    pub(crate) client_id: String,
    pub(crate) name: String,
    /// Role ids, separated by spaces.
    pub(crate) roles: String,
    pub(crate) enforce_context: bool,
    pub(crate) enforce_signed_tokens: bool,
}

/// A key pair of a service account.
pub(crate) struct KeyRow {
    pub(crate) key_id: String,
    pub(crate) client_id: String,
    /// PKCS#8 DER.
    pub(crate) private_key: zeroize::Zeroizing<Vec<u8>>,
    /// The RSA public key in DER.
    pub(crate) public_key: Vec<u8>,
    pub(crate) enabled: bool,
    /// Seconds since 1970; a key without a time does not expire.
    pub(crate) expires_at: Option<i64>,
}

impl KeyRow {
    pub(crate) fn is_expired(&self, now: i64) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// An API key and its service account.
pub(crate) struct ApiKeyRow {
    pub(crate) api_key: zeroize::Zeroizing<String>,
    pub(crate) client_id: String,
    pub(crate) enabled: bool,
}

/// A role: its id and which of the built-in roles it is.
pub(crate) struct RoleRow {
    pub(crate) id: String,
    pub(crate) built_in: String,
}

pub(crate) fn put_account(connection: &Connection, row: &AccountRow) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO service_accounts VALUES (?1, ?2, ?3, ?4, ?5)",
            params![row.client_id, row.name, row.roles, row.enforce_context, row.enforce_signed_tokens],
        )
        .map(drop)
}

pub(crate) fn account(connection: &Connection, client_id: &str) -> rusqlite::Result<Option<AccountRow>> {
    connection
        .prepare_cached(
            "SELECT client_id, name, roles, enforce_context, enforce_signed_tokens
             FROM service_accounts WHERE client_id = ?1",
        )?
        .query_row([client_id], |row| {
            Ok(AccountRow {
                client_id: row.get(0)?,
                name: row.get(1)?,
                roles: row.get(2)?,
                enforce_context: row.get(3)?,
                enforce_signed_tokens: row.get(4)?,
            })
        })
        .optional()
}

pub(crate) fn put_key(connection: &Connection, row: &KeyRow) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO service_account_keys (key_id, client_id, private_key, public_key, enabled, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                row.key_id,
                row.client_id,
                *row.private_key,
                row.public_key,
                row.enabled,
                row.expires_at
            ],
        )
        .map(drop)
}

pub(crate) fn key(connection: &Connection, key_id: &str) -> rusqlite::Result<Option<KeyRow>> {
    connection
        .prepare_cached(
            "SELECT key_id, client_id, private_key, public_key, enabled, expires_at
             FROM service_account_keys WHERE key_id = ?1",
        )?
        .query_row([key_id], |row| {
            Ok(KeyRow {
                key_id: row.get(0)?,
                client_id: row.get(1)?,
                private_key: row.get::<_, Vec<u8>>(2)?.into(),
                public_key: row.get(3)?,
                enabled: row.get(4)?,
                expires_at: row.get(5)?,
            })
        })
        .optional()
}

/// Switches a key on or off; tells whether there is such a key.
pub(crate) fn set_key_enabled(
    connection: &Connection,
    key_id: &str,
    enabled: bool,
) -> rusqlite::Result<bool> {
    connection
        .execute("UPDATE service_account_keys SET enabled = ?2 WHERE key_id = ?1", params![key_id, enabled])
        .map(|rows| rows > 0)
}

/// Sets when a key expires; tells whether there is such a key.
pub(crate) fn set_key_expiry(
    connection: &Connection,
    key_id: &str,
    expires_at: i64,
) -> rusqlite::Result<bool> {
    connection
        .execute(
            "UPDATE service_account_keys SET expires_at = ?2 WHERE key_id = ?1",
            params![key_id, expires_at],
        )
        .map(|rows| rows > 0)
}

pub(crate) fn put_api_key(connection: &Connection, row: &ApiKeyRow) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO api_keys VALUES (?1, ?2, ?3)",
            params![*row.api_key, row.client_id, row.enabled],
        )
        .map(drop)
}

pub(crate) fn api_key(connection: &Connection, api_key: &str) -> rusqlite::Result<Option<ApiKeyRow>> {
    connection
        .prepare_cached("SELECT api_key, client_id, enabled FROM api_keys WHERE api_key = ?1")?
        .query_row([api_key], |row| {
            Ok(ApiKeyRow {
                api_key: row.get::<_, String>(0)?.into(),
                client_id: row.get(1)?,
                enabled: row.get(2)?,
            })
        })
        .optional()
}

/// Switches an API key of an account on or off; tells whether there is such a key.
pub(crate) fn set_api_key_enabled(
    connection: &Connection,
    client_id: &str,
    api_key: &str,
    enabled: bool,
) -> rusqlite::Result<bool> {
    connection
        .execute(
            "UPDATE api_keys SET enabled = ?3 WHERE client_id = ?1 AND api_key = ?2",
            params![client_id, api_key, enabled],
        )
        .map(|rows| rows > 0)
}

/// Deletes an account with everything that belongs to it.
pub(crate) fn delete_account(connection: &Connection, client_id: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM api_keys WHERE client_id = ?1", [client_id])?;
    connection.execute("DELETE FROM service_account_keys WHERE client_id = ?1", [client_id])?;
    connection.execute("DELETE FROM service_accounts WHERE client_id = ?1", [client_id]).map(drop)
}

pub(crate) fn put_role(connection: &Connection, id: &str, built_in: &str) -> rusqlite::Result<()> {
    connection.execute("INSERT INTO roles VALUES (?1, ?2, ?2)", [id, built_in]).map(drop)
}

pub(crate) fn roles(connection: &Connection) -> rusqlite::Result<Vec<RoleRow>> {
    connection
        .prepare_cached("SELECT id, built_in FROM roles")?
        .query_map([], |row| Ok(RoleRow { id: row.get(0)?, built_in: row.get(1)? }))?
        .collect()
}
