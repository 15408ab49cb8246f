use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, HeaderMap};
use serde::de::DeserializeOwned;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use skyflow_api::{Json, Operation, Response};
use skyflow_http::form_pairs;
use skyflow_types::RequestId;

use super::Invoke;
use super::content_type::{Format, format_of};
use crate::Error;
use crate::record::Origin;

/// The response of the third party, with a status of 2xx.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct InvokeConnectionResponse {
    /// The body, read as its content type says.
    pub data: ConnectionData,
    /// The envelope.
    pub metadata: ConnectionMetadata,
}

/// The body of a response, read as its content type says; `Debug` shows no value.
///
/// A body that does not match its content type is text, or bytes where it is not UTF-8: the result of a call must not
/// be lost because a third party labels its responses wrongly.
#[derive(Clone)]
#[non_exhaustive]
pub enum ConnectionData {
    /// There is no body.
    Empty,
    /// JSON, as it was sent.
    Json(Json),
    /// The pairs of a form, in their order.
    Form(Vec<(String, String)>),
    /// XML, HTML or any other text.
    Text(String),
    /// Anything else.
    Bytes(Bytes),
}

/// The envelope of a response; `Debug` shows the names of the headers and no value.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConnectionMetadata {
    /// The request id of the response.
    pub request_id: Option<RequestId>,
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    origin: Arc<Origin>,
}

impl InvokeConnectionResponse {
    pub(super) fn read(response: Response<Bytes>) -> Self {
        let origin = Origin::of(Invoke::INFO.name, &response);
        let data = ConnectionData::read(&response.headers, response.body);
        let metadata = ConnectionMetadata {
            request_id: response.request_id,
            status: response.status,
            headers: response.headers,
            origin,
        };
        Self { data, metadata }
    }

    /// Decodes the body into your own type: JSON as it is, a form as an object of strings (a repeated name
    /// has a list), text as a string, no body as null.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the body does not fit the type, or is bytes.
    /// The error names where, and no value.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.data.decode().map_err(|error| error.in_response(&self.metadata.origin).applied())
    }
}

impl ConnectionData {
    fn read(headers: &HeaderMap, body: Bytes) -> Self {
        if body.is_empty() {
            return Self::Empty;
        }
        // A body that is compressed because of the caller's own `accept-encoding` is not unpacked.
        if headers
            .get(CONTENT_ENCODING)
            .is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            return Self::Bytes(body);
        }
        let Ok(text) = std::str::from_utf8(&body) else { return Self::Bytes(body) };
        match format_of(headers) {
            None | Some(Format::Json) => match Json::parse(text) {
                Ok(json) => Self::Json(json),
                Err(_) => Self::Text(text.to_owned()),
            },
            Some(Format::Form) => Self::Form(form_pairs(text)),
            Some(Format::Xml | Format::Text) => Self::Text(text.to_owned()),
            Some(Format::Multipart | Format::Other) => Self::Bytes(body),
        }
    }

    /// Returns the JSON text or the text; `None` for anything else. Keep it out of logs.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Json(json) => Some(json.get()),
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let decoded = match self {
            Self::Json(json) => json.decode(),
            Self::Empty => Json::parse("null").and_then(|json| json.decode()),
            Self::Text(text) => via_json(&Value::String(text.clone())),
            Self::Form(pairs) => via_json(&object_of(pairs)),
            Self::Bytes(_) => {
                return Err(Error::bad_response("the response is neither JSON nor a form nor text"));
            }
        };
        decoded.map_err(|source| {
            Error::bad_response("the response does not fit the requested type").with_source(source)
        })
    }
}

fn via_json<T: DeserializeOwned>(value: &Value) -> Result<T, skyflow_api::DecodeError> {
    Json::parse(&value.to_string()).and_then(|json| json.decode())
}

fn object_of(pairs: &[(String, String)]) -> Value {
    let mut object = Map::new();
    for (name, value) in pairs {
        let value = Value::String(value.clone());
        match object.get_mut(name) {
            None => {
                object.insert(name.clone(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(object)
}

/// JSON as it is, a form as an object of strings, text as a string, bytes as Base64, no body as null.
impl Serialize for ConnectionData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_unit(),
            Self::Json(json) => json.serialize(serializer),
            Self::Form(pairs) => object_of(pairs).serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
        }
    }
}

/// The headers are an object of lists; values that are not text are left out.
impl Serialize for ConnectionMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut headers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in &self.headers {
            let values = headers.entry(name.as_str()).or_default();
            values.extend(value.to_str());
        }
        let mut metadata = serializer.serialize_struct("ConnectionMetadata", 3)?;
        metadata.serialize_field("request_id", &self.request_id)?;
        metadata.serialize_field("status", &self.status.as_u16())?;
        metadata.serialize_field("headers", &headers)?;
        metadata.end()
    }
}

impl fmt::Debug for ConnectionData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Json(_) => f.write_str("Json([REDACTED])"),
            Self::Form(pairs) => write!(f, "Form({} pairs)", pairs.len()),
            Self::Text(_) => f.write_str("Text([REDACTED])"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
        }
    }
}

impl fmt::Debug for ConnectionMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.keys().map(|name| name.as_str()).collect();
        f.debug_struct("ConnectionMetadata")
            .field("request_id", &self.request_id)
            .field("status", &self.status)
            .field("headers", &names)
            .finish()
    }
}
