//! Vault tokens of entities: they lie in a column of the vault called after the entity, such as `name_entity`.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::Connection;
use skyflow_emulator_detect::{DetectError, TokenValues, VaultTokens, is_readable};
use skyflow_types::{DetectEntity, Redaction, TokenMode};

use crate::auth::Caller;
use crate::clock::Now;
use crate::detect::{ColumnName, Destinations};
use crate::errors::{ApiError, ApiResult};
use crate::exact::{Exact, Members};
use crate::operations::write::{RecordInput, Writer};
use crate::schema::{CompiledColumn, CompiledTable, column_of, text_of};
use crate::state::State;
use crate::store::{records, tokens};

/// Returns the first column that is called after the entity and gives one value the same token each time.
fn named_after<'a>(
    state: &'a State,
    entity: &DetectEntity,
) -> Option<(&'a Arc<CompiledTable>, &'a Arc<CompiledColumn>)> {
    let is_deterministic =
        |column: &CompiledColumn| column.token_policy.is_some_and(|policy| policy.is_deterministic());
    let name = column_of(entity);
    state.schema.tables().find_map(|table| {
        let column = table.column(&name).filter(|column| is_deterministic(column))?;
        Some((table, column))
    })
}

/// Creates tokens of the vault, for one request.
pub(super) struct NewTokens<'a> {
    pub(super) state: &'a State,
    pub(super) connection: &'a Connection,
    /// The columns of entities that the request names.
    pub(super) destinations: &'a Destinations,
    pub(super) now: Now,
}

impl NewTokens<'_> {
    /// Returns the column of an entity: the one that the request names, or the first one that is called after the entity
    /// and gives one value the same token each time.
    fn column(&self, entity: &DetectEntity) -> Option<(&Arc<CompiledTable>, &Arc<CompiledColumn>)> {
        if let Some(ColumnName { table, column }) = self.destinations.get(entity) {
            let table = self.state.schema.table(table)?;
            return Some((table, table.column(column)?));
        }
        named_after(self.state, entity)
    }

    /// Returns the token of a value, which it stores where the vault does not have it yet.
    pub(super) fn stored_token(&self, entity: &DetectEntity, value: &str) -> ApiResult<String> {
        let Some((table, column)) = self.column(entity) else {
            let name = column_of(entity);
            return Err(ApiError::bad_request(format!(
                "Invalid request. The vault has no column {name} with deterministic tokens. Specify another token type."
            )));
        };
        let name = column.name.clone();
        let fingerprint = self.state.token_key.fingerprint(&column.group, value);
        if let Some(token) = tokens::of_value(self.connection, &fingerprint)? {
            return readable(token, &name);
        }
        let fields = Members::from_iter([(name.clone(), Exact::from(value))]);
        let record = RecordInput { fields: Some(fields), tokens: None };
        let writer = Writer {
            state: self.state,
            connection: self.connection,
            now: self.now,
            mode: TokenMode::Disable,
        };
        let written = writer.insert(table, &record, None)?;
        let token = written.tokens.get(&name).and_then(Exact::as_str).ok_or_else(ApiError::internal)?;
        readable(token.to_owned(), &name)
    }
}

impl VaultTokens for NewTokens<'_> {
    fn token(&mut self, entity: &DetectEntity, value: &str) -> Result<String, DetectError> {
        Ok(self.stored_token(entity, value)?)
    }
}

/// Refuses a token that cannot be found again in a text, such as one in the shape of a value with brackets.
fn readable(token: String, column: &str) -> ApiResult<String> {
    if is_readable(&token) {
        return Ok(token);
    }
    Err(ApiError::bad_request(format!(
        "Invalid request. A token of the column {column} is not possible in a text. Specify another token type."
    )))
}

/// Looks up the values of tokens, for one request.
pub(super) struct StoredTokens<'a> {
    pub(super) state: &'a State,
    pub(super) connection: &'a Connection,
    pub(super) caller: &'a Caller,
    pub(super) now: Now,
}

impl StoredTokens<'_> {
    fn stored_value(
        &self,
        entity: &DetectEntity,
        token: &str,
        asked: Redaction,
    ) -> ApiResult<Option<String>> {
        let Some(target) = tokens::find(self.connection, token, self.now.millis())? else { return Ok(None) };
        let holds = self.state.detect.configurations.holds(entity, &target.table, &target.column);
        let table = self.state.schema.table(&target.table).filter(|_| holds);
        let Some((table, column)) = table.and_then(|table| Some((table, table.column(&target.column)?)))
        else {
            return Ok(None);
        };
        let value = records::value_behind(self.connection, table, column, &target)?;
        let level = self.caller.level(column, asked);
        Ok(value.map(|value| text_of(&column.show(value, level))))
    }
}

impl TokenValues for StoredTokens<'_> {
    fn value(
        &mut self,
        entity: &DetectEntity,
        token: &str,
        asked: Redaction,
    ) -> Result<Option<String>, DetectError> {
        let value = self.stored_value(entity, token, asked)?;
        if value.is_none() && self.is_token_shaped(entity, token) {
            let text = format!("Detokenization failed. Token {token} is invalid. Specify a valid token.");
            return Err(ApiError::not_found(text).into());
        }
        Ok(value)
    }
}

impl StoredTokens<'_> {
    /// Tells whether text in brackets could be a token of the entity's column. A number of digits only is a counter.
    fn is_token_shaped(&self, entity: &DetectEntity, text: &str) -> bool {
        let Some((_, column)) = named_after(self.state, entity) else { return false };
        let is_counter = text.chars().all(|letter| letter.is_ascii_digit());
        // `[LOCATION_ADDRESS]` names an entity, and no token of a location.
        let is_entity = DetectEntity::new(format!("{entity}_{text}")).is_known();
        let fits = match &column.token_pattern {
            Some(pattern) => pattern.fits(text),
            None => uuid::Uuid::parse_str(text).is_ok(),
        };
        fits && !is_counter && !is_entity
    }
}

/// The tokens of a file, made between two of its passes: the store is not held while the file is worked on, and a file
/// that fails before stores nothing.
#[derive(Default)]
pub(super) struct FileTokens {
    tokens: BTreeMap<(DetectEntity, String), String>,
}

impl FileTokens {
    /// Makes the tokens of the values that a pass has asked for, in one transaction.
    pub(super) fn store(&mut self, state: &State, destinations: &Destinations) -> ApiResult<()> {
        state.store.write(|transaction| {
            let tokens = NewTokens { state, connection: transaction, destinations, now: state.now() };
            for ((entity, value), token) in &mut self.tokens {
                *token = tokens.stored_token(entity, value)?;
            }
            Ok(())
        })
    }
}

impl VaultTokens for FileTokens {
    fn token(&mut self, entity: &DetectEntity, value: &str) -> Result<String, DetectError> {
        Ok(self.tokens.entry((entity.clone(), value.to_owned())).or_default().clone())
    }
}
