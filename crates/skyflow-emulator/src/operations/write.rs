//! What insert, update and batch share: from the fields of a request to stored values and tokens.

use std::sync::Arc;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use skyflow_types::TokenMode;

use super::members;
use crate::clock::Now;
use crate::errors::{ApiError, ApiResult};
use crate::exact::{Exact, Members};
use crate::schema::{CompiledColumn, CompiledTable, DataType, TokenPolicy, text_of};
use crate::state::State;
use crate::store::{records, tokens};
use crate::tokens::Entropy;
use skyflow_testkit::Random;

/// The longest text a unique column takes.
const UNIQUE_LIMIT: usize = 2500;
/// How many tokens are tried before a value is refused for want of a free one.
const TOKEN_ATTEMPTS: u32 = 64;

/// One record of a request.
#[derive(Deserialize, Default)]
pub(crate) struct RecordInput {
    #[serde(default, deserialize_with = "members::optional")]
    pub(crate) fields: Option<Members>,
    #[serde(default, deserialize_with = "members::optional")]
    pub(crate) tokens: Option<Members>,
}

impl RecordInput {
    pub(super) fn fields(&self) -> Option<&Members> {
        self.fields.as_ref().filter(|fields| !fields.is_empty())
    }

    fn tokens(&self) -> Option<&Members> {
        self.tokens.as_ref().filter(|tokens| !tokens.is_empty())
    }
}

/// A record that was written.
pub(crate) struct Written {
    pub(super) skyflow_id: String,
    /// The tokens of the fields of the request.
    pub(crate) tokens: Members,
}

/// A written record in a response.
#[derive(Serialize)]
pub(super) struct WrittenReply {
    skyflow_id: String,
    tokens: Option<Members>,
}

impl Written {
    pub(super) fn into_reply(self, with_tokens: bool) -> WrittenReply {
        WrittenReply { skyflow_id: self.skyflow_id, tokens: with_tokens.then_some(self.tokens) }
    }
}

type Cells = Vec<(Arc<CompiledColumn>, Exact)>;

/// Writes records inside a transaction that somebody else commits.
pub(crate) struct Writer<'a> {
    pub(crate) state: &'a State,
    pub(crate) connection: &'a Connection,
    pub(crate) now: Now,
    pub(crate) mode: TokenMode,
}

impl Writer<'_> {
    /// Adds a record, or updates the one that has the same value in the `upsert` column.
    pub(crate) fn insert(
        &self,
        table: &CompiledTable,
        record: &RecordInput,
        upsert: Option<&str>,
    ) -> ApiResult<Written> {
        let Some(fields) = record.fields() else {
            return Err(ApiError::bad_request(
                "Insert failed. No fields were present. Specify valid fields and values.",
            ));
        };
        let cells = cells_of(table, fields, "Insert")?;
        if let Some(existing) = self.upsert_match(table, &cells, upsert)? {
            return self.write(table, existing, &cells, record, Write::Change);
        }
        for column in table.columns().iter().filter(|column| column.required) {
            if !cells.iter().any(|(given, _)| given.name == column.name) {
                return Err(refused("Insert", &column.name, "requires a value"));
            }
        }
        self.write(table, Random::system().uuid(), &cells, record, Write::New)
    }

    /// Adds a record without values, for a file that comes without one.
    pub(super) fn insert_empty(&self, table: &CompiledTable) -> ApiResult<String> {
        let missing = table.columns().iter().find(|column| column.required && !column.is_file());
        if let Some(column) = missing {
            return Err(refused("Insert", &column.name, "requires a value"));
        }
        let skyflow_id = Random::system().uuid();
        records::insert(self.connection, table, &skyflow_id, &[])?;
        Ok(skyflow_id)
    }

    /// Gives a file the token that its column asks for; the token of the file before it stops working.
    pub(super) fn tokenize_file(
        &self,
        table: &CompiledTable,
        column: &CompiledColumn,
        skyflow_id: &str,
        content: &str,
    ) -> ApiResult<()> {
        tokens::remove_cell(self.connection, skyflow_id, &column.name)?;
        self.token(table, column, &Exact::from(content), skyflow_id, None, "Upload").map(drop)
    }

    pub(super) fn update(
        &self,
        table: &CompiledTable,
        skyflow_id: &str,
        record: &RecordInput,
    ) -> ApiResult<Written> {
        let Some(fields) = record.fields() else {
            return Err(ApiError::bad_request(
                "Invalid request. No fields were present. Specify valid fields and values.",
            ));
        };
        if !records::exists(self.connection, table, skyflow_id)? {
            return Err(ApiError::unknown_ids("Update", &[skyflow_id.to_owned()]));
        }
        let cells = cells_of(table, fields, "Update")?;
        self.write(table, skyflow_id.to_owned(), &cells, record, Write::Change)
    }

    fn upsert_match(
        &self,
        table: &CompiledTable,
        cells: &Cells,
        upsert: Option<&str>,
    ) -> ApiResult<Option<String>> {
        let Some(name) = upsert.filter(|name| !name.is_empty()) else { return Ok(None) };
        let Some(column) = table.column(name) else {
            return Err(unknown_column("Insert", name));
        };
        if !column.unique {
            return Err(ApiError::bad_request(format!(
                "Insert failed. Column {name} is not unique. Specify a unique column for upsert."
            )));
        }
        match cells.iter().find(|(given, value)| given.name == *name && !value.is_null()) {
            Some((_, value)) => Ok(records::find_by_value(self.connection, table, column, value)?),
            None => Ok(None),
        }
    }

    fn write(
        &self,
        table: &CompiledTable,
        skyflow_id: String,
        cells: &Cells,
        record: &RecordInput,
        write: Write,
    ) -> ApiResult<Written> {
        let verb = write.verb();
        let given = self.given_tokens(table, cells, record, verb)?;
        for (column, value) in cells {
            if let Some(problem) = column.problem_with(value) {
                return Err(refused(verb, &column.name, problem));
            }
            self.check_unique(table, column, value, &skyflow_id, verb)?;
        }
        let stored: Vec<records::Cell<'_>> =
            cells.iter().map(|(column, value)| (column.as_ref(), value)).collect();
        match write {
            Write::New => records::insert(self.connection, table, &skyflow_id, &stored)?,
            Write::Change => records::update(self.connection, table, &skyflow_id, &stored)?,
        }
        let mut made = Members::new();
        for (column, value) in cells {
            if write == Write::Change {
                tokens::remove_cell(self.connection, &skyflow_id, &column.name)?;
            }
            let given = given.iter().find(|(name, _)| *name == column.name).map(|(_, token)| *token);
            if let Some(token) = self.token(table, column, value, &skyflow_id, given, verb)? {
                Exact::put_nested(&mut made, &column.name, token.into());
            }
        }
        Ok(Written { skyflow_id, tokens: made })
    }

    fn check_unique(
        &self,
        table: &CompiledTable,
        column: &CompiledColumn,
        value: &Exact,
        skyflow_id: &str,
        verb: &str,
    ) -> ApiResult<()> {
        if !column.unique || value.is_null() {
            return Ok(());
        }
        if column.data_type == DataType::String && text_of(value).chars().count() > UNIQUE_LIMIT {
            return Err(refused(verb, &column.name, "is unique and takes at most 2500 characters"));
        }
        match records::find_by_value(self.connection, table, column, value)? {
            Some(owner) if owner != skyflow_id => {
                Err(refused(verb, &column.name, "is unique and another record has this value"))
            }
            _ => Ok(()),
        }
    }

    /// Applies the rules of bring-your-own-token.
    fn given_tokens<'r>(
        &self,
        table: &CompiledTable,
        cells: &Cells,
        record: &'r RecordInput,
        verb: &str,
    ) -> ApiResult<Vec<(String, &'r str)>> {
        let Some(tokens) = record.tokens() else {
            return match self.mode {
                TokenMode::EnableStrict => Err(ApiError::bad_request(format!(
                    "{verb} failed. Tokens are missing. Specify a token for every field."
                ))),
                _ => Ok(Vec::new()),
            };
        };
        if self.mode == TokenMode::Disable {
            return Err(ApiError::bad_request(format!(
                "{verb} failed. Tokens are not allowed when byot is DISABLE. Specify ENABLE or ENABLE_STRICT."
            )));
        }
        let mut given = Vec::new();
        collect_tokens(tokens, "", &mut given)
            .map_err(|name| refused(verb, &name, "requires a token that is a text"))?;
        for (name, _) in &given {
            let Some(column) = table.column(name) else {
                return Err(unknown_column(verb, name));
            };
            if !cells.iter().any(|(field, _)| field.name == *name) {
                return Err(refused(verb, name, "has a token and no value"));
            }
            if column.token_policy.is_none() {
                return Err(refused(verb, name, "does not take tokens"));
            }
        }
        if self.mode == TokenMode::EnableStrict
            && let Some((column, _)) =
                cells.iter().find(|(column, _)| !given.iter().any(|(name, _)| *name == column.name))
        {
            return Err(refused(verb, &column.name, "requires a token"));
        }
        Ok(given)
    }

    fn token(
        &self,
        table: &CompiledTable,
        column: &CompiledColumn,
        value: &Exact,
        skyflow_id: &str,
        given: Option<&str>,
        verb: &str,
    ) -> ApiResult<Option<String>> {
        let Some(policy) = column.token_policy.filter(|_| !value.is_null()) else { return Ok(None) };
        let text = text_of(value);
        let fingerprint = self.state.token_key.fingerprint(&column.group, &text);
        let known = match policy.is_deterministic() {
            true => tokens::of_value(self.connection, &fingerprint)?,
            false => None,
        };
        let token = match (given, known) {
            (Some(given), Some(known)) if given != known => {
                return Err(refused(verb, &column.name, "has another token for this value"));
            }
            (Some(given), _) if tokens::is_taken(self.connection, given, &fingerprint)? => {
                return Err(refused(verb, &column.name, "has another value for this token"));
            }
            (Some(given), _) => given.to_owned(),
            (None, Some(known)) => known,
            (None, None) => self.fresh_token(column, policy, &text, &fingerprint, verb)?,
        };
        let transient = policy == TokenPolicy::Transient;
        if transient {
            tokens::remove_expired(self.connection, self.now.millis())?;
        }
        tokens::put(
            self.connection,
            &tokens::TokenRow {
                token: &token,
                column_group: &column.group,
                table: table.name(),
                column: &column.name,
                skyflow_id,
                fingerprint: &fingerprint,
                value: transient.then(|| value.to_string()),
                expires_at: transient.then(|| self.now.millis() + i64::from(column.ttl_minutes) * 60_000),
            },
        )?;
        Ok(Some(token))
    }

    fn fresh_token(
        &self,
        column: &CompiledColumn,
        policy: TokenPolicy,
        text: &str,
        fingerprint: &[u8],
        verb: &str,
    ) -> ApiResult<String> {
        for attempt in 0..TOKEN_ATTEMPTS {
            let mut entropy = match policy.is_deterministic() {
                true => self.state.token_key.entropy(fingerprint, attempt),
                false => Entropy::fresh(),
            };
            let token = column.make_token(policy, text, &mut entropy);
            if token != text && !tokens::is_taken(self.connection, &token, fingerprint)? {
                return Ok(token);
            }
        }
        Err(refused(verb, &column.name, "has no free token for this value"))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Write {
    New,
    Change,
}

impl Write {
    fn verb(self) -> &'static str {
        match self {
            Self::New => "Insert",
            Self::Change => "Update",
        }
    }
}

fn cells_of(table: &CompiledTable, fields: &Members, verb: &str) -> ApiResult<Cells> {
    let mut cells = Vec::with_capacity(fields.len());
    collect_cells(table, fields, "", &mut cells).map_err(|name| unknown_column(verb, &name))?;
    Ok(cells)
}

fn collect_cells(
    table: &CompiledTable,
    fields: &Members,
    prefix: &str,
    cells: &mut Cells,
) -> Result<(), String> {
    for (key, value) in fields {
        let name = format!("{prefix}{key}");
        match (table.column(&name), value) {
            (Some(column), _) => cells.push((Arc::clone(column), column.normal(value.clone()))),
            (None, Exact::Object(members)) if table.has_nested(&name) => {
                collect_cells(table, members, &format!("{name}."), cells)?;
            }
            _ => return Err(name),
        }
    }
    Ok(())
}

fn collect_tokens<'r>(
    tokens: &'r Members,
    prefix: &str,
    given: &mut Vec<(String, &'r str)>,
) -> Result<(), String> {
    for (key, value) in tokens {
        let name = format!("{prefix}{key}");
        match value {
            Exact::String(token) if !token.is_empty() => given.push((name, token)),
            Exact::Object(members) => collect_tokens(members, &format!("{name}."), given)?,
            _ => return Err(name),
        }
    }
    Ok(())
}

/// The service's page on errors lists 404 for an insert into an unknown column; of updates it says nothing.
fn unknown_column(verb: &str, name: &str) -> ApiError {
    let message = format!("{verb} failed. Column {name} is invalid. Specify a valid column.");
    if verb == Write::New.verb() { ApiError::not_found(message) } else { ApiError::bad_request(message) }
}

fn refused(verb: &str, column: &str, problem: &str) -> ApiError {
    ApiError::bad_request(format!("{verb} failed. Column {column} {problem}. Specify a valid value."))
}
