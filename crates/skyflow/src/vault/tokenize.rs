use std::fmt;

use skyflow_api::{tokens, types};
use skyflow_types::RequestId;

use super::Vault;
use super::rows::not_blank;
use crate::Error;

/// Asks for the tokens of values that the vault holds already.
///
/// ```
/// use skyflow::TokenizeRequest;
///
/// let request = TokenizeRequest::new().value("4111111111111111", "card_number_cg").value("John Doe", "name_cg");
/// ```
#[derive(Clone, Default)]
#[must_use = "a request does nothing until it is given to `Vault::tokenize`"]
pub struct TokenizeRequest {
    values: Vec<(String, String)>,
}

impl TokenizeRequest {
    /// Starts without values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value and the column group it is stored in.
    pub fn value(mut self, value: impl Into<String>, column_group: impl Into<String>) -> Self {
        self.values.push((value.into(), column_group.into()));
        self
    }

    fn check(&self) -> Result<(), Error> {
        if self.values.is_empty() {
            return Err(Error::invalid("values", "must not be empty"));
        }
        self.values.iter().enumerate().try_for_each(|(index, (value, group))| {
            if value.is_empty() {
                return Err(Error::invalid(format!("values[{index}].value"), "must not be empty"));
            }
            not_blank(&format!("values[{index}].column_group"), group)
        })
    }
}

impl fmt::Debug for TokenizeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenizeRequest").field("values", &self.values.len()).finish()
    }
}

/// The tokens of the values.
#[derive(Clone)]
#[non_exhaustive]
pub struct TokenizeResponse {
    /// One token per value, in the order of the request.
    pub tokens: Vec<String>,
    /// The request id of the answer.
    pub request_id: Option<RequestId>,
}

impl fmt::Debug for TokenizeResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenizeResponse")
            .field("tokens", &self.tokens.len())
            .field("request_id", &self.request_id)
            .finish()
    }
}

impl Vault {
    /// Gets the tokens of values that the vault holds already; nothing is inserted.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use skyflow::TokenizeRequest;
    ///
    /// let answer = vault.tokenize(TokenizeRequest::new().value("4111111111111111", "card_number_cg")).await?;
    /// assert_eq!(answer.tokens.len(), 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when there is no value, or a value or column group is empty; fails as every call
    /// does afterwards, and when the answer does not hold one token per value.
    pub async fn tokenize(&self, request: TokenizeRequest) -> Result<TokenizeResponse, Error> {
        const OPERATION: &str = "tokens.tokenize";
        request.check().map_err(|error| error.in_operation(OPERATION))?;
        let count = request.values.len();
        let parameters = request
            .values
            .into_iter()
            .map(|(value, group)| types::TokenizeParameter::new(value).column_group(group));
        let body = types::TokenizeRequest::new(parameters.collect());
        let answer = self.send(tokens::Tokenize::new(self.id().as_str(), body)).await?;
        // A token has nothing but its place to tell which value it stands for.
        let tokens: Vec<String> = answer.body.records.into_iter().filter_map(|record| record.token).collect();
        if tokens.len() != count {
            let error = Error::answer("the answer does not hold one token per value").in_operation(OPERATION);
            return Err(error.in_answer(answer.status, answer.request_id));
        }
        Ok(TokenizeResponse { tokens, request_id: answer.request_id })
    }
}
