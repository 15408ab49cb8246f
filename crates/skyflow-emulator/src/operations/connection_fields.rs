//! What connections ask of the vault. They act with its full rights: who may invoke one may not read the vault.

use rusqlite::Connection;
use skyflow_types::{Redaction, TokenMode};

use super::detokenize;
use super::write::{RecordInput, Writer};
use crate::auth::{AuthKind, Caller, Role};
use crate::clock::Now;
use crate::errors::{ApiError, ApiResult};
use crate::exact::Members;
use crate::state::State;

/// Returns the value of a token; `None` for an unknown token.
pub(crate) fn reveal(
    state: &State,
    connection: &Connection,
    now: Now,
    token: &str,
    redaction: Redaction,
) -> ApiResult<Option<String>> {
    let vault = Caller {
        kind: AuthKind::None,
        client_id: String::new(),
        token_id: None,
        key_id: None,
        subject: None,
        roles: vec![Role::VaultOwner],
        context: None,
        enforce_signed_tokens: false,
    };
    let found = detokenize::resolve(state, now, &vault, connection, token, redaction)?;
    Ok(found.map(|found| found.value))
}

/// Adds a record and returns the tokens of its fields.
pub(crate) fn insert(
    state: &State,
    connection: &Connection,
    now: Now,
    table: &str,
    fields: Members,
    upsert: Option<&str>,
) -> ApiResult<Members> {
    let table = state.schema.table(table).ok_or_else(|| ApiError::unknown_table(table))?;
    let writer = Writer { state, connection, now, mode: TokenMode::default() };
    let record = RecordInput { fields: Some(fields), tokens: None };
    Ok(writer.insert(table, &record, upsert)?.tokens)
}
