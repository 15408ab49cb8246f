use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use skyflow_api::{DecodeError, Json, Operation, Response, tokens, types};
use skyflow_types::{Redaction, RequestId};

pub use skyflow_api::types::DetokenizedValueType as ValueType;

use super::Vault;
use crate::elements::{Elements, ReadBody, elements, list_of};
use crate::handle::{Call, ReadAs, subject};
use crate::record::{Origin, columns_of, message_of, not_blank, text_of, try_text_of};
use crate::{ElementError, Error};

/// Requests the values of tokens.
///
/// ```
/// use skyflow::{DetokenizeRequest, Redaction};
///
/// let request = DetokenizeRequest::new()
///     .token("5391-4629-3722-7102")
///     .token_with("0f6b8a2c-90ab-4cde-9def-567890abcdef", Redaction::Masked)
///     .continue_on_error(true);
/// ```
#[derive(Clone, Default)]
#[must_use = "a request does nothing until it is given to `Vault::detokenize`"]
pub struct DetokenizeRequest {
    tokens: Vec<(String, Redaction)>,
    continue_on_error: bool,
    download_url: Option<bool>,
}

impl DetokenizeRequest {
    /// Starts without tokens; the first unknown one fails the call.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a token, shown as its column says.
    pub fn token(self, token: impl Into<String>) -> Self {
        self.token_with(token, Redaction::Default)
    }

    /// Adds a token and says how much of its value to show.
    pub fn token_with(mut self, token: impl Into<String>, redaction: Redaction) -> Self {
        self.tokens.push((token.into(), redaction));
        self
    }

    /// Adds tokens that are all shown in one way.
    pub fn tokens<S: Into<String>>(self, tokens: impl IntoIterator<Item = S>, redaction: Redaction) -> Self {
        tokens.into_iter().fold(self, |request, token| request.token_with(token, redaction))
    }

    /// Returns the available values and reports the other tokens, instead of all or nothing.
    pub fn continue_on_error(mut self, yes: bool) -> Self {
        self.continue_on_error = yes;
        self
    }

    /// Returns links to the files of tokens of file columns; they are valid for 15 minutes.
    pub fn download_url(mut self, yes: bool) -> Self {
        self.download_url = Some(yes);
        self
    }

    fn into_detokenize(self, vault_id: &str) -> Result<Call<ReadAs<tokens::Detokenize, Entries>>, Error> {
        if self.tokens.is_empty() {
            return Err(Error::invalid("tokens", "must not be empty"));
        }
        let subject = subject(None, self.tokens.len());
        let parameters = self.tokens.into_iter().enumerate().map(|(index, (token, redaction))| {
            not_blank(format_args!("tokens[{index}]"), &token)?;
            Ok(types::DetokenizeParameter::new(token).redaction(redaction.as_str()))
        });
        let parameters = parameters.collect::<Result<_, Error>>()?;
        let mut body = types::DetokenizeRequest::new(parameters).continue_on_error(self.continue_on_error);
        body.download_url = self.download_url;
        Ok(Call::new(ReadAs::new(tokens::Detokenize::new(vault_id, body))).about(subject))
    }
}

impl fmt::Debug for DetokenizeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetokenizeRequest")
            .field("tokens", &self.tokens.len())
            .field("continue_on_error", &self.continue_on_error)
            .field("download_url", &self.download_url)
            .finish()
    }
}

/// Reports the outcome of each token: every token of the request is in exactly one of the two lists.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct DetokenizeResponse {
    /// The values, in the order of the request; a token that was requested twice is here twice.
    pub detokenized_fields: Vec<DetokenizedField>,
    /// The tokens without a value, in the order of the request; empty unless `continue_on_error` was set.
    pub errors: Vec<DetokenizeError>,
    /// The elements of the response that belong to no token of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub surplus: Vec<ElementError>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

/// Holds a token and its value.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct DetokenizedField {
    /// The token.
    pub token: String,
    /// The index of the token in the request, from 0.
    pub request_index: usize,
    /// The type that the vault gives the value.
    pub value_type: Option<ValueType>,
    value: Option<Json>,
    #[serde(skip)]
    origin: Arc<Origin>,
}

impl DetokenizedField {
    /// Returns the value as text: strings as they are, numbers, booleans and nested values as JSON. `None` for null.
    /// A string with an unpaired surrogate, which no Rust string can hold, is returned as JSON too, with its quotes and
    /// escapes; [`DetokenizedField::try_value`] fails for it. Keep it out of logs.
    pub fn value(&self) -> Option<String> {
        self.value.as_ref().and_then(|value| text_of(value.get()))
    }

    /// Returns the value as [`DetokenizedField::value`] does.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the value is a string that no Rust string can hold,
    /// because it has an unpaired surrogate; its JSON is [`DetokenizedField::raw`].
    pub fn try_value(&self) -> Result<Option<String>, Error> {
        match self.value.as_ref().map(|value| try_text_of(value.get())) {
            None => Ok(None),
            Some(text) => text.map_err(|source| Error::row(source).in_response(&self.origin)),
        }
    }

    /// Returns the value as JSON text, byte for byte as the server sent it; `None` when it sent none. Keep it out of logs.
    pub fn raw(&self) -> Option<&str> {
        self.value.as_ref().map(Json::get)
    }

    /// Decodes the value into your own type.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the value does not fit the type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        match &self.value {
            Some(value) => value.decode().map_err(Error::row),
            None => Err(Error::bad_response("the token has no value")),
        }
        .map_err(|error| error.in_response(&self.origin))
    }
}

impl fmt::Debug for DetokenizedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetokenizedField")
            .field("request_index", &self.request_index)
            .field("value_type", &self.value_type)
            .finish_non_exhaustive()
    }
}

/// Describes why a token has no value.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct DetokenizeError {
    /// The token.
    pub token: String,
    /// The index of the token in the request, from 0.
    pub request_index: usize,
    /// The server's message about this token; it may repeat what was sent, so keep it out of logs.
    pub error: String,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

impl fmt::Debug for DetokenizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetokenizeError")
            .field("request_index", &self.request_index)
            .field("error", &skyflow_types::redact_text(&self.error))
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// Turns tokens back into values, as far as the caller's role and the redaction allow.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use skyflow::{DetokenizeRequest, Redaction};
    ///
    /// let request = DetokenizeRequest::new().token_with("5391-4629-3722-7102", Redaction::PlainText);
    /// let response = vault.detokenize(request).await?;
    /// let value = response.detokenized_fields.first().and_then(|field| field.value());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when there is no token or a blank one; fails as every call does afterwards, with
    /// 404 when a token is unknown and `continue_on_error` is not set.
    pub async fn detokenize(&self, request: DetokenizeRequest) -> Result<DetokenizeResponse, Error> {
        let requested: Vec<String> = request.tokens.iter().map(|(token, _)| token.clone()).collect();
        let call = request.into_detokenize(self.id().as_str());
        let read = |response: Response<_>| {
            let origin = Origin::of(tokens::Detokenize::INFO.name, &response);
            let (entries, body) = response.body;
            let raw = || list_of(&body, "records").unwrap_or_default();
            DetokenizeResponse::sorted(requested, entries, raw, &origin)
        };
        self.handle.call(call, read).await
    }
}

/// The entries of a response, each read on its own.
struct Entries;

impl ReadBody for Entries {
    type Value = (Elements<types::DetokenizedRecord>, Bytes);

    fn read(body: &Bytes) -> Result<Self::Value, DecodeError> {
        let of_whole = |whole: types::DetokenizeResponse| whole.records;
        Ok((elements(body, "records", of_whole, entry_of)?, body.clone()))
    }
}

/// Reads an entry that does not have the form of the bindings, member by member. An error of any form is an error.
fn entry_of(entry: Json) -> Result<types::DetokenizedRecord, Json> {
    if !entry.get().starts_with('{') {
        return Err(entry);
    }
    let members = columns_of(&entry);
    let text = |name| members.get(name).and_then(|value| text_of(value.get()));
    let mut found = types::DetokenizedRecord::default();
    found.token = text("token");
    found.value_type = text("valueType").map(ValueType::from);
    found.value = members.get("value").and_then(|value| Json::parse(value.get()).ok());
    let message = members.get("error").and_then(|error| message_of(error.get()));
    found.error = message.map(|message| if message.is_empty() { UNKNOWN_ERROR.to_owned() } else { message });
    Ok(found)
}

/// The message for an error that has none.
const UNKNOWN_ERROR: &str = "the response has an error without a message for this token";

/// The message for an entry that is none.
const UNREADABLE: &str = "the entry of this token cannot be read";

impl DetokenizeResponse {
    /// Puts each token that was requested into exactly one of the two lists.
    ///
    /// An entry belongs to the token it names, in any position. An entry that names none of the tokens (a signed data
    /// token may come back without its signature) belongs to its position, if there are as many entries as tokens. No
    /// other entry can be assigned: it is surplus, and its token is one that the response does not mention. `raw` returns
    /// the entries as they were sent.
    fn sorted(
        requested: Vec<String>,
        entries: Elements<types::DetokenizedRecord>,
        raw: impl FnOnce() -> Vec<Json>,
        origin: &Arc<Origin>,
    ) -> Result<Self, Error> {
        let by_place = entries.len() == requested.len();
        // As servers do it: one entry for each token, in the order of the request.
        let names = |entry: &Result<types::DetokenizedRecord, Json>, token: &String| {
            entry.as_ref().is_ok_and(|entry| entry.token.as_ref() == Some(token))
        };
        if by_place && entries.iter().zip(&requested).all(|(entry, token)| names(entry, token)) {
            let entries = entries.into_iter().map(Result::ok);
            return Ok(Self::of_entries(requested.into_iter().zip(entries), origin));
        }
        let has_entries = !entries.is_empty();
        let wanted: HashSet<&str> = requested.iter().map(String::as_str).collect();
        let mut named: HashMap<String, VecDeque<(usize, types::DetokenizedRecord)>> = HashMap::new();
        let mut placed: HashMap<usize, types::DetokenizedRecord> = HashMap::new();
        let mut surplus = Vec::new();
        for (place, entry) in entries.into_iter().enumerate() {
            let mut entry = entry.unwrap_or_else(|_| {
                let mut unreadable = types::DetokenizedRecord::default();
                unreadable.error = Some(UNREADABLE.to_owned());
                unreadable
            });
            match entry.token.take() {
                Some(token) if wanted.contains(token.as_str()) => {
                    named.entry(token).or_default().push_back((place, entry))
                }
                _ if by_place => drop(placed.insert(place, entry)),
                _ => surplus.push(place),
            }
        }
        if has_entries && named.is_empty() && placed.is_empty() {
            let error = Error::bad_response("the response names none of the requested tokens");
            return Err(error.with_elements(&raw()));
        }
        let found = requested.into_iter().enumerate().map(|(request_index, token)| {
            let entry = named.get_mut(&token).and_then(VecDeque::pop_front).map(|(_, entry)| entry);
            (token, entry.or_else(|| placed.remove(&request_index)))
        });
        let mut response = Self::of_entries(found, origin);
        surplus.extend(named.into_values().flatten().map(|(place, _)| place));
        surplus.extend(placed.into_keys());
        if !surplus.is_empty() {
            let surplus: HashSet<usize> = surplus.into_iter().collect();
            let elements = raw().into_iter().enumerate().filter(|(index, _)| surplus.contains(index));
            response.surplus = ElementError::surplus(elements, origin);
        }
        Ok(response)
    }

    /// Makes the lists of the tokens, in the order of the request, with the entry of each.
    fn of_entries(
        found: impl Iterator<Item = (String, Option<types::DetokenizedRecord>)>,
        origin: &Arc<Origin>,
    ) -> Self {
        let request_id = origin.request_id.clone();
        let mut response = Self {
            detokenized_fields: Vec::with_capacity(found.size_hint().0),
            errors: Vec::new(),
            surplus: Vec::new(),
            request_id,
        };
        for (request_index, (token, entry)) in found.enumerate() {
            // Some servers write an empty text where others write null.
            match entry {
                Some(entry) if entry.error.as_ref().is_none_or(String::is_empty) => {
                    let (value_type, value, origin) = (entry.value_type, entry.value, Arc::clone(origin));
                    let field = DetokenizedField { token, request_index, value_type, value, origin };
                    response.detokenized_fields.push(field);
                }
                missing_or_failed => {
                    let error = missing_or_failed.and_then(|entry| entry.error);
                    let error = error.as_deref().unwrap_or("the response does not mention this token");
                    let (error, request_id) = (origin.hide(error), response.request_id.clone());
                    response.errors.push(DetokenizeError { token, request_index, error, request_id });
                }
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use skyflow_api::Progress;

    use super::*;

    fn entry(token: Option<&str>, value: &str) -> types::DetokenizedRecord {
        let json = serde_json::json!({"token": token, "valueType": "STRING", "value": value});
        serde_json::from_value(json).unwrap()
    }

    fn response(
        requested: &[&str],
        entries: Vec<types::DetokenizedRecord>,
    ) -> Result<DetokenizeResponse, Error> {
        let requested = requested.iter().map(ToString::to_string).collect();
        let raw: Vec<Json> = entries.iter().map(|entry| Json::from_serialize(entry).unwrap()).collect();
        let entries: Elements<_> = entries.into_iter().map(Ok).collect();
        let origin = Origin {
            operation: "",
            status: http::StatusCode::OK,
            request_id: None,
            progress: Progress::default(),
        };
        DetokenizeResponse::sorted(requested, entries, || raw, &Arc::new(origin))
    }

    fn sorted(
        requested: &[&str],
        entries: Vec<types::DetokenizedRecord>,
    ) -> Result<Vec<(usize, String)>, Error> {
        let response = response(requested, entries)?;
        Ok(response.detokenized_fields.iter().map(|f| (f.request_index, f.value().unwrap())).collect())
    }

    #[test]
    fn values_are_never_given_to_the_wrong_token() {
        let in_order = vec![entry(Some("a"), "1"), entry(Some("b"), "2"), entry(Some("a"), "1")];
        let expected = [(0, "1".to_owned()), (1, "2".to_owned()), (2, "1".to_owned())];
        assert_eq!(sorted(&["a", "b", "a"], in_order).unwrap(), expected);
        let shuffled = vec![entry(Some("b"), "2"), entry(Some("a"), "1"), entry(Some("a"), "1")];
        assert_eq!(sorted(&["a", "b", "a"], shuffled).unwrap(), expected);
    }

    #[test]
    fn bare_signed_token_keeps_its_position() {
        let entries = vec![entry(Some("b"), "2"), entry(Some("bare"), "1")];
        assert_eq!(
            sorted(&["b", "signed_token_x"], entries).unwrap(),
            [(0, "2".to_owned()), (1, "1".to_owned())]
        );
        assert_eq!(sorted(&["a"], vec![entry(None, "1")]).unwrap(), [(0, "1".to_owned())]);
    }

    #[test]
    fn missing_entry_is_an_error_of_its_token() {
        let response = response(&["a", "b"], vec![entry(Some("b"), "2")]).unwrap();
        assert_eq!(response.detokenized_fields[0].request_index, 1);
        assert_eq!((response.errors.len(), response.errors[0].request_index), (1, 0));
        assert!(sorted(&["a", "b"], vec![entry(Some("c"), "3")]).is_err());
    }

    #[test]
    fn entry_of_another_token_loses_no_other() {
        let one = [(0, "1".to_owned())];
        let surplus = vec![entry(Some("a"), "1"), entry(Some("a"), "2")];
        assert_eq!(sorted(&["a"], surplus.clone()).unwrap(), one);
        let foreign = vec![entry(Some("c"), "3"), entry(Some("a"), "1"), entry(None, "4")];
        assert_eq!(sorted(&["a", "b"], foreign.clone()).unwrap(), one);
        for (requested, entries, places) in [(&["a"][..], surplus, &[1][..]), (&["a", "b"], foreign, &[0, 2])]
        {
            let response = response(requested, entries).unwrap();
            let found: Vec<usize> = response.surplus.iter().map(|element| element.index).collect();
            assert_eq!(found, places);
            let shown = response.surplus[0].to_string();
            assert!(shown.contains("belongs to nothing in the request"), "{shown}");
        }
    }

    #[test]
    fn entries_of_no_token_are_kept_in_the_error() {
        let error = sorted(&["a", "b"], vec![entry(Some("c"), "canary")]).unwrap_err();
        assert!(String::from_utf8_lossy(error.expose_server_body()).contains("canary"));
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }

    #[test]
    fn error_of_any_form_is_an_error() {
        for error in [r#""x""#, r#"{"message":"x"}"#, "7", "true", "[1]", r#"{"code":5}"#] {
            let json =
                Json::parse(&format!("{{\"token\":\"a\",\"value\":\"v\",\"error\":{error}}}")).unwrap();
            assert!(entry_of(json).unwrap().error.is_some(), "{error}");
        }
        for none in ["null", "\"\"", "{}", "[]", "false"] {
            let json = Json::parse(&format!("{{\"token\":7,\"valueType\":[],\"error\":{none}}}")).unwrap();
            let entry = entry_of(json).unwrap();
            assert_eq!((entry.token.as_deref(), entry.error), (Some("7"), None), "{none}");
        }
    }
}
