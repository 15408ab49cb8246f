use std::fmt;

use serde::{Deserialize, Serialize};
use skyflow_api::runtime::null_as_default;
use skyflow_api::{Json, Operation, Response, tokens, types};
use skyflow_types::RequestId;

use super::Vault;
use crate::elements::{Strict, placed};
use crate::handle::{Call, ReadAs, subject};
use crate::record::{Origin, columns_of, message_of, not_blank, text_of};
use crate::{ElementError, Error};

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

    fn into_tokenize(self, vault_id: &str) -> Result<Call<ReadAs<tokens::Tokenize, Strict<Entries>>>, Error> {
        if self.values.is_empty() {
            return Err(Error::invalid("values", "must not be empty"));
        }
        let subject = subject(None, self.values.len());
        let parameters = self.values.into_iter().enumerate().map(|(index, (value, place))| {
            if value.is_empty() {
                return Err(Error::invalid(format!("values[{index}].value"), "must not be empty"));
            }
            let parameter = types::TokenizeParameter::new(value);
            match place {
                Place::Group(group) => {
                    not_blank(format_args!("values[{index}].column_group"), &group)?;
                    Ok(parameter.column_group(group))
                }
                Place::Column(table, column) => {
                    not_blank(format_args!("values[{index}].table"), &table)?;
                    not_blank(format_args!("values[{index}].column"), &column)?;
                    Ok(parameter.table(table).column(column))
                }
            }
        });
        let body = types::TokenizeRequest::new(parameters.collect::<Result<_, Error>>()?);
        Ok(Call::new(ReadAs::new(tokens::Tokenize::new(vault_id, body))).about(subject))
    }
}

impl fmt::Debug for TokenizeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenizeRequest").field("values", &self.values.len()).finish()
    }
}

/// Reports the outcome of each value: every value of the request is in exactly one of the two lists.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct TokenizeResponse {
    /// The tokens, in the order of the request.
    pub tokenized_fields: Vec<TokenizedField>,
    /// The values without a token, in the order of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<TokenizeError>,
    /// The elements of the response that belong to no value of the request, where the others name theirs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub surplus: Vec<ElementError>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

impl TokenizeResponse {
    fn from_tokenize(response: Response<Entries>, count: usize) -> Result<Self, Error> {
        let origin = Origin::of(tokens::Tokenize::INFO.name, &response);
        let (entries, request_id) = (response.body.records, response.request_id);
        // A token has nothing but its place to tell which value it belongs to.
        let in_order = entries.len() == count;
        let ambiguous = "the response does not have one entry per value";
        let (entries, surplus) = placed(entries, count, in_order, ambiguous)?;
        let surplus = ElementError::surplus(surplus, &origin);
        let mut found = Self { tokenized_fields: Vec::new(), errors: Vec::new(), surplus, request_id };
        for (request_index, entry) in entries.iter().enumerate() {
            match entry.as_ref().map_or_else(|| Err(NO_TOKEN.to_owned()), token_of) {
                Ok(token) => found.tokenized_fields.push(TokenizedField { token, request_index }),
                Err(message) => {
                    let (error, request_id) = (origin.hide(&message), found.request_id.clone());
                    found.errors.push(TokenizeError { request_index, error, request_id });
                }
            }
        }
        Ok(found)
    }
}

/// The token of one value.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct TokenizedField {
    /// The token.
    pub token: String,
    /// The index of the value in the request, from 0.
    pub request_index: usize,
}

/// Describes why a value has no token.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct TokenizeError {
    /// The index of the value in the request, from 0.
    pub request_index: usize,
    /// The server's message about this value; it may repeat what was sent, so keep it out of logs.
    pub error: String,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

impl fmt::Debug for TokenizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenizeError")
            .field("request_index", &self.request_index)
            .field("error", &skyflow_types::redact_text(&self.error))
            .field("request_id", &self.request_id)
            .finish()
    }
}

/// The message for a value whose entry is missing or has no token.
const NO_TOKEN: &str = "the response has no token for this value";

/// The entries of a response, each read on its own.
#[derive(Deserialize)]
struct Entries {
    #[serde(deserialize_with = "null_as_default")]
    records: Vec<Json>,
}

/// Returns the token of an entry, or the message that it has in its place.
fn token_of(entry: &Json) -> Result<String, String> {
    let members = columns_of(entry);
    let token = members.get("token").and_then(|token| text_of(token.get())).filter(|token| !token.is_empty());
    match (members.get("error").and_then(|error| message_of(error.get())), token) {
        (Some(message), _) => Err(message),
        (None, Some(token)) => Ok(token),
        (None, None) => Err(NO_TOKEN.to_owned()),
    }
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
    /// every call does afterwards, and when the response does not have one entry per value and the entries do not name
    /// theirs ([`Error::expose_server_body`] has them). A value without a token is no
    /// error: it is in [`TokenizeResponse::errors`].
    pub async fn tokenize(&self, request: TokenizeRequest) -> Result<TokenizeResponse, Error> {
        let (count, call) = (request.values.len(), request.into_tokenize(self.id().as_str()));
        self.handle.call(call, |response| TokenizeResponse::from_tokenize(response, count)).await
    }
}
