//! One request, as the operations see it, and what they respond with.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use scaivault::{SecretPath, VaultDuration};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::{Failure, Outcome, invalid};
use crate::identity::Caller;

/// A request whose caller is known.
pub(crate) struct Call {
    pub(crate) parameters: Vec<(&'static str, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) caller: Caller,
    pub(crate) tenant: String,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
    pub(crate) request_id: String,
    pub(crate) source_ip: String,
}

impl Call {
    /// Returns a parameter of the path; empty when the template has none of this name.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// Returns the path of a secret, checked.
    pub(crate) fn path(&self) -> Outcome<SecretPath> {
        SecretPath::new(self.parameter("path")).map_err(invalid("invalid_path"))
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn number(&self, name: &str) -> Outcome<Option<u64>> {
        self.query(name)
            .map(|text| {
                text.parse().map_err(|_| Failure::new("invalid_request", format!("{name} must be a number")))
            })
            .transpose()
    }

    pub(crate) fn flag(&self, name: &str) -> Outcome<Option<bool>> {
        self.query(name)
            .map(|text| {
                text.parse()
                    .map_err(|_| Failure::new("invalid_request", format!("{name} must be true or false")))
            })
            .transpose()
    }

    /// Reads the body as JSON of a shape.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Outcome<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let problem = match error.is_data() {
                // serde quotes values in its messages.
                true => "the body does not have the expected members",
                false => "the body is not JSON",
            };
            Failure::new(if error.is_data() { "validation_error" } else { "invalid_request" }, problem)
        })
    }

    /// Reads a body that may be absent.
    pub(crate) fn optional_json<T: DeserializeOwned + Default>(&self) -> Outcome<T> {
        if self.body.trim_ascii().is_empty() { Ok(T::default()) } else { self.json() }
    }

    pub(crate) fn time(&self) -> String {
        time(self.now)
    }
}

/// Writes a time as the server does.
pub(crate) fn time(millis: i64) -> String {
    Timestamp::from_millisecond(millis)
        .unwrap_or(Timestamp::MAX)
        .strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        .to_string()
}

/// Reads a time.
pub(crate) fn millis(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// Returns a duration in milliseconds.
pub(crate) fn duration_millis(duration: VaultDuration) -> i64 {
    i64::try_from(duration.as_seconds()).unwrap_or(i64::MAX).saturating_mul(1000)
}

/// What an operation responds with.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    /// How many read units it costs beside the request, by the documentation of batches.
    pub(crate) read_units: u32,
}

impl Reply {
    pub(crate) fn json<T: Serialize>(status: u16, value: &T) -> Outcome<Self> {
        let body = serde_json::to_vec(value)
            .map_err(|_| Failure::new("internal_error", "the response has no JSON form"))?;
        Ok(Self::new(status, "application/json", body))
    }

    pub(crate) fn ok<T: Serialize>(value: &T) -> Outcome<Self> {
        Self::json(200, value)
    }

    pub(crate) fn created<T: Serialize>(value: &T) -> Outcome<Self> {
        Self::json(201, value)
    }

    pub(crate) fn nothing() -> Outcome<Self> {
        Ok(Self::new(204, "application/json", Vec::new()))
    }

    pub(crate) fn new(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        Self { status, content_type, body, read_units: 0 }
    }
}

/// Cuts a page out of a list that is sorted by `key`, and names the place where the next one begins.
pub(crate) fn page<T>(
    epoch: &str,
    call: &Call,
    mut elements: Vec<T>,
    default_limit: u64,
    key: impl Fn(&T) -> String,
) -> Outcome<(Vec<T>, Option<String>)> {
    let limit = call.number("limit")?.unwrap_or(default_limit);
    if limit == 0 || limit > 1_000 {
        return Err(Failure::new("invalid_request", "limit must be from 1 to 1000"));
    }
    if let Some(cursor) = call.query("cursor") {
        let unknown =
            || Failure::new("invalid_cursor", "the cursor has expired, or is not one of this server");
        let after = cursor.strip_prefix(epoch).and_then(|rest| rest.strip_prefix('.')).and_then(unhex);
        let after = after.ok_or_else(unknown)?;
        elements.retain(|element| key(element) > after);
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = elements.len() > limit;
    elements.truncate(limit);
    let cursor =
        elements.last().filter(|_| has_more).map(|last| format!("{epoch}.{}", hex(key(last).as_bytes())));
    Ok((elements, cursor))
}

/// Makes the body of a page, with the elements under the name that the area uses.
pub(crate) fn page_body(name: &str, elements: Vec<Value>, cursor: Option<String>) -> Value {
    let mut body = serde_json::Map::new();
    body.insert(name.to_owned(), Value::Array(elements));
    body.insert("has_more".to_owned(), cursor.is_some().into());
    body.insert("cursor".to_owned(), cursor.into());
    Value::Object(body)
}

const NULL: &Value = &Value::Null;

/// Returns a member of an object; null without it.
pub(crate) fn member<'a>(object: &'a Value, name: &str) -> &'a Value {
    object.get(name).unwrap_or(NULL)
}

/// Sets a member of an object.
pub(crate) fn set(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    String::from_utf8(bytes?).ok()
}
