//! Bodies that are not JSON: forms without files, text and bytes.

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::json::without_mark;
use super::runtime::{decode_json, request};
use super::{DecodeError, EncodeError, Json};
use crate::{Request, RequestTarget, form_urlencoded};

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// Makes a request with a form without files as its body; a list repeats its key.
pub fn encode_urlencoded<T: Serialize>(
    method: Method,
    target: RequestTarget,
    body: &T,
) -> Result<Request, EncodeError> {
    let json = Json::from_serialize(body).map_err(|error| match error {
        EncodeError::NotFinite(_) => error,
        _ => EncodeError::Form,
    })?;
    let Ok(Value::Object(members)) = json.decode() else { return Err(EncodeError::Form) };
    let mut pairs = Vec::new();
    for (name, value) in &members {
        match value {
            Value::Array(values) => {
                for value in values {
                    pairs.extend(scalar(value)?.map(|text| (name.as_str(), text)));
                }
            }
            value => pairs.extend(scalar(value)?.map(|text| (name.as_str(), text))),
        }
    }
    let form = form_urlencoded(pairs.iter().map(|(name, text)| (*name, text.as_str())));
    request(method, target, Some(FORM), form.into())
}

fn scalar(value: &Value) -> Result<Option<String>, EncodeError> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(value) => Ok(Some(value.to_string())),
        Value::Number(value) => Ok(Some(value.to_string())),
        Value::String(value) => Ok(Some(value.clone())),
        Value::Array(_) | Value::Object(_) => Err(EncodeError::Form),
    }
}

/// Sets the media type of the expected response.
pub fn accepting(
    request: Result<Request, EncodeError>,
    media_type: &'static str,
) -> Result<Request, EncodeError> {
    request.map(|mut request| {
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(media_type));
        request
    })
}

/// Reads a JSON response that may be empty or null.
pub fn decode_optional_json<T: DeserializeOwned>(body: &Bytes) -> Result<Option<T>, DecodeError> {
    match without_mark(body).trim_ascii().is_empty() {
        true => Ok(None),
        false => decode_json(body),
    }
}

/// Reads a response that is text.
pub fn decode_text(body: &Bytes) -> Result<String, DecodeError> {
    String::from_utf8(body.to_vec())
        .map_err(|error| DecodeError::not_utf8(error.as_bytes(), error.utf8_error()))
}

/// Returns a response as bytes.
pub fn decode_bytes(body: &Bytes) -> Result<Bytes, DecodeError> {
    Ok(body.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(body: Value) -> Result<String, EncodeError> {
        let request = encode_urlencoded(Method::POST, RequestTarget::new().literal("/token"), &body)?;
        assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
        Ok(String::from_utf8(request.body().as_bytes().unwrap().to_vec()).unwrap())
    }

    #[test]
    fn a_form_holds_scalars_and_repeats_lists() {
        let body = json!({"a": "x y&z", "b": 1, "c": true, "d": null, "e": ["1", 2]});
        assert_eq!(form(body).unwrap(), "a=x%20y%26z&b=1&c=true&e=1&e=2");
        for body in [json!("text"), json!({"a": {}}), json!({"a": [[1]]})] {
            assert!(matches!(form(body), Err(EncodeError::Form)));
        }
    }

    #[test]
    fn text_must_be_utf8_and_bytes_need_not() {
        let body = Bytes::from_static(b"ok\n\xff");
        assert_eq!(decode_bytes(&body).unwrap(), body);
        let error = decode_text(&body).unwrap_err();
        assert_eq!((error.line(), error.column()), (2, 1));
        assert_eq!(error.to_string(), "invalid UTF-8 at line 2 column 1");
        assert_eq!(decode_text(&Bytes::from_static(b"pem")).unwrap(), "pem");
    }

    #[test]
    fn an_optional_response_may_be_empty_or_null() {
        for body in ["", " \r\n", "null"] {
            assert_eq!(decode_optional_json::<u8>(&Bytes::from_static(body.as_bytes())).unwrap(), None);
        }
        assert_eq!(decode_optional_json::<u8>(&Bytes::from_static(b"7")).unwrap(), Some(7));
        assert!(decode_optional_json::<u8>(&Bytes::from_static(b"<p>")).is_err());
    }
}
