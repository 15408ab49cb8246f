use std::fmt;

use serde::Serialize;
use skyflow_api::{Response, tokens, types};
use skyflow_types::RequestId;

use super::Vault;
use crate::Error;
use crate::handle::Call;
use crate::record::not_blank;

/// Requests the tokens of values that the vault already stores.
///
/// ```
/// use skyflow::TokenizeRequest;
///
/// let request = TokenizeRequest::new()
///     .value("4111111111111111", "card_number_cg")
///     .column_value("John Doe", "persons", "name");
/// ```
#[derive(Clone, Default)]
#[must_use = "a request does nothing until it is given to `Vault::tokenize`"]
pub struct TokenizeRequest {
    values: Vec<(String, Place)>,
}

/// Where a value is stored.
#[derive(Clone)]
enum Place {
    Group(String),
    Column(String, String),
}

impl TokenizeRequest {
    /// Starts without values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value and the column group it is stored in.
    pub fn value(mut self, value: impl Into<String>, column_group: impl Into<String>) -> Self {
        self.values.push((value.into(), Place::Group(column_group.into())));
        self
    }

    /// Adds a value and the table and column it is stored in.
    pub fn column_value(
        mut self,
        value: impl Into<String>,
        table: impl Into<String>,
        column: impl Into<String>,
    ) -> Self {
        self.values.push((value.into(), Place::Column(table.into(), column.into())));
        self
    }

    fn into_tokenize(self, vault_id: &str) -> Result<Call<tokens::Tokenize>, Error> {
        if self.values.is_empty() {
            return Err(Error::invalid("values", "must not be empty"));
        }
        let parameters = self.values.into_iter().enumerate().map(|(index, (value, place))| {
            let at = |name: &str| format!("values[{index}].{name}");
            if value.is_empty() {
                return Err(Error::invalid(at("value"), "must not be empty"));
            }
            let parameter = types::TokenizeParameter::new(value);
            match place {
                Place::Group(group) => {
                    not_blank(&at("column_group"), &group)?;
                    Ok(parameter.column_group(group))
                }
                Place::Column(table, column) => {
                    not_blank(&at("table"), &table)?;
                    not_blank(&at("column"), &column)?;
                    Ok(parameter.table(table).column(column))
                }
            }
        });
        let body = types::TokenizeRequest::new(parameters.collect::<Result<_, Error>>()?);
        Ok(Call::new(tokens::Tokenize::new(vault_id, body)))
    }
}

impl fmt::Debug for TokenizeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenizeRequest").field("values", &self.values.len()).finish()
    }
}

/// The tokens of the values.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct TokenizeResponse {
    /// One token per value, in the order of the request.
    pub tokenized_fields: Vec<TokenizedField>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

impl TokenizeResponse {
    fn from_tokenize(response: Response<types::TokenizeResponse>, count: usize) -> Result<Self, Error> {
        // A token has nothing but its place to tell which value it belongs to.
        let tokens = response.body.records.into_iter().filter_map(|record| record.token);
        let tokenized_fields: Vec<_> = tokens.map(|token| TokenizedField { token }).collect();
        if tokenized_fields.len() != count {
            return Err(Error::bad_response("the response does not have one token per value"));
        }
        Ok(Self { tokenized_fields, request_id: response.request_id })
    }
}

/// The token of one value.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct TokenizedField {
    /// The token.
    pub token: String,
}

impl fmt::Debug for TokenizedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenizedField").finish_non_exhaustive()
    }
}

impl Vault {
    /// Returns the tokens of values that the vault already stores; nothing is inserted.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use skyflow::TokenizeRequest;
    ///
    /// let response = vault.tokenize(TokenizeRequest::new().value("4111111111111111", "card_number_cg")).await?;
    /// assert_eq!(response.tokenized_fields.len(), 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when there is no value, or a value, column group, table or column is empty; fails as
    /// every call does afterwards, and when the response does not have one token per value.
    pub async fn tokenize(&self, request: TokenizeRequest) -> Result<TokenizeResponse, Error> {
        let (count, call) = (request.values.len(), request.into_tokenize(self.id().as_str()));
        self.handle.call(call, |response| TokenizeResponse::from_tokenize(response, count)).await
    }
}
