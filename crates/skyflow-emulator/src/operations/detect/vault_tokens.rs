//! Vault tokens of entities: they lie in a column of the vault called after the entity, such as `name_entity`.

use std::sync::Arc;

use rusqlite::Connection;
use skyflow_emulator_detect::{DetectError, TokenValues, VaultTokens, is_readable};
use skyflow_types::{DetectEntity, Redaction, TokenMode};

use crate::auth::Caller;
use crate::clock::Now;
use crate::errors::{ApiError, ApiResult};
use crate::exact::{Exact, Members};
use crate::operations::write::{RecordInput, Writer};
use crate::schema::{CompiledColumn, CompiledTable, column_of, text_of};
use crate::state::State;
use crate::store::{records, tokens};

/// Creates and looks up the tokens of the vault, for one request.
pub(super) struct StoredTokens<'a> {
    pub(super) state: &'a State,
    pub(super) connection: &'a Connection,
    pub(super) caller: &'a Caller,
    pub(super) now: Now,
}

impl StoredTokens<'_> {
    /// Returns the first column of this name that gives one value the same token each time.
    fn column(&self, name: &str) -> Option<(&Arc<CompiledTable>, &Arc<CompiledColumn>)> {
        let is_deterministic =
            |column: &CompiledColumn| column.token_policy.is_some_and(|policy| policy.is_deterministic());
        self.state.schema.tables().find_map(|table| {
            let column = table.column(name).filter(|column| is_deterministic(column))?;
            Some((table, column))
        })
    }

    fn stored_token(&self, entity: &DetectEntity, value: &str) -> ApiResult<String> {
        let name = column_of(entity);
        let Some((table, column)) = self.column(&name) else {
            return Err(ApiError::bad_request(format!(
                "Invalid request. The vault has no column {name} with deterministic tokens. Specify another token type."
            )));
        };
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

impl VaultTokens for StoredTokens<'_> {
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

impl StoredTokens<'_> {
    fn stored_value(
        &self,
        entity: &DetectEntity,
        token: &str,
        asked: Redaction,
    ) -> ApiResult<Option<String>> {
        let Some(target) = tokens::find(self.connection, token, self.now.millis())? else { return Ok(None) };
        let table = self.state.schema.table(&target.table).filter(|_| target.column == column_of(entity));
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
        let Some((_, column)) = self.column(&column_of(entity)) else { return false };
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
