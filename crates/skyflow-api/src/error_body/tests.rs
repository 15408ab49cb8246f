use http::HeaderValue;
use skyflow_http::Progress;

use super::*;
use crate::ApiError;

const JSON: &str = "application/json";

fn read(status: u16, content_type: &'static str, body: &'static str) -> ApiError {
    let mut headers = HeaderMap::new();
    if !content_type.is_empty() {
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    let status = StatusCode::from_u16(status).unwrap();
    ApiError::read(status, &headers, None, Bytes::from_static(body.as_bytes()), Progress::default())
}

#[test]
fn the_standard_envelope_is_read_whole() {
    let error = read(
        400,
        JSON,
        r#"{"error":{"grpc_code":3,"http_code":404,"message":"no such table","http_status":"Not Found","details":[{"a":1},"b"]}}"#,
    );
    assert_eq!(error.status, 400);
    assert_eq!(error.error.http_code, 404);
    assert_eq!(error.error.grpc_code, Some(3));
    assert_eq!(error.error.http_status.as_deref(), Some("Not Found"));
    assert_eq!(error.message, "no such table");
    assert_eq!(error.error.details.iter().map(Json::get).collect::<Vec<_>>(), [r#"{"a":1}"#, r#""b""#]);
    assert_eq!(error.to_string(), "the server responded with 400 Bad Request: no such table");
}

#[test]
fn an_error_string_is_the_message() {
    let error = read(502, JSON, r#"{"error":"upstream failed"}"#);
    assert_eq!(
        (error.message.as_str(), error.error.http_code, error.error.grpc_code),
        ("upstream failed", 502, None)
    );
}

#[test]
fn plain_text_is_the_message_unless_it_is_json() {
    assert_eq!(read(429, "text/plain", "slow down\n").message, "slow down");
    let nested = read(400, "text/plain; charset=utf-8", r#"{"error":{"message":"bad","http_code":"422"}}"#);
    assert_eq!((nested.message.as_str(), nested.error.http_code), ("bad", 422));
    assert_eq!(read(400, "", r#""only text""#).message, "only text");
}

#[test]
fn pages_and_empty_bodies_get_our_message() {
    for (content_type, body) in
        [("text/html", "Bad Gateway"), ("", "<!doctype html><p>no</p>"), (JSON, "<html>")]
    {
        let message = "HTTP 502 from a proxy, HTML instead of Skyflow's JSON";
        assert_eq!(read(502, content_type, body).message, message, "{body}");
    }
    for body in ["", "  \n"] {
        assert_eq!(read(503, JSON, body).message, "the server sent an empty body");
    }
}

#[test]
fn known_forms_of_errors_are_read() {
    for (body, message) in [
        (r#"{"type":"about:blank","title":"Bad","status":404,"detail":"no such row"}"#, "Bad: no such row"),
        (r#"{"title":"Bad","detail":"Bad"}"#, "Bad"),
        (r#"{"title":"Only a title","status":400}"#, "Only a title"),
        (r#"{"errors":["one","two"]}"#, "one; two"),
        (
            r#"{"errors":[{"message":"one"},{"title":"t","detail":"two"},{"msg":"three"}]}"#,
            "one; t: two; three",
        ),
        (
            r#"{"errors":{"name":["must not be empty"],"age":["is no number","x"]}}"#,
            "must not be empty; is no number",
        ),
        (r#"{"Message":"User is not authorized"}"#, "User is not authorized"),
        (r#"{"message":"Forbidden"}"#, "Forbidden"),
        (r#"{"errorMessage":"timed out","errorType":"X"}"#, "timed out"),
        (r#"{"error_message":"no"}"#, "no"),
        (
            r#"{"error":"invalid_grant","error_description":"no such account"}"#,
            "invalid_grant: no such account",
        ),
        (r#"{"error_description":"no such account"}"#, "no such account"),
        (r#"{"fault":{"faultstring":"Invalid ApiKey","detail":{"errorcode":"x"}}}"#, "Invalid ApiKey"),
        (r#"{"detail":[{"loc":["body","ssn"],"msg":"not valid","input":"canary"}]}"#, "not valid"),
        (
            r#"{"error":{"code":404,"status":"NOT_FOUND","message":"gone","errors":[{"message":"x"}]}}"#,
            "gone",
        ),
        (r#"{"error":{"errors":[{"message":"inner"}]}}"#, "inner"),
        (r#"{"error":{"Message":"capital"}}"#, "capital"),
        (r#"[{"message":"of a list"}]"#, "of a list"),
        (r#"{"reason":"no"}"#, "no"),
        (r#"{"error":{"message":"a \ud800 b","details":["canary"]}}"#, "a \u{fffd}\u{fffd}\u{fffd} b"),
    ] {
        let error = read(400, "application/problem+json", body);
        assert_eq!(error.message, message, "{body}");
    }
    assert_eq!(read(400, JSON, r#"{"title":"x","status":404}"#).error.http_code, 404);
    assert_eq!(
        read(400, JSON, r#"{"error":{"code":409,"status":"ABORTED","message":"x"}}"#).error.http_code,
        409
    );
    assert_eq!(read(400, JSON, r#"{"error":{"code":409,"message":"x"}}"#).error.grpc_code, None);
    let xml = "<Error><Code>AccessDenied</Code><Message>no access</Message><Name>canary</Name></Error>";
    assert_eq!(read(403, "application/xml", xml).message, "no access");
}

#[test]
fn body_that_is_almost_json_is_not_shown_raw() {
    let whole = r#"{"error":{"message":"wrong row","details":[{"name":"Zebulon"}]}}"#;
    let deep =
        format!(r#"{{"error":{{"message":"wrong row","details":{}{}}}}}"#, "[".repeat(500), "]".repeat(500));
    let utf16: Vec<u8> = format!("\u{feff}{whole}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cut = &whole[..whole.len() - 6];
    for body in [
        format!("\u{feff}{whole}").into_bytes(),
        format!("{whole}x").into_bytes(),
        format!("{whole}\n{whole}").into_bytes(),
        format!(" \r\n{whole}\0").into_bytes(),
        cut.as_bytes().to_vec(),
        whole.as_bytes()[..whole.len() - 1].to_vec(),
        deep.into_bytes(),
        utf16,
    ] {
        let shown = shown(&body);
        assert!(shown.contains("wrong row") && !shown.contains("Zebulon"), "{shown}");
    }
    for body in [
        whole.replace('"', "'").into_bytes(),
        whole.replace('"', "\u{201d}").into_bytes(),
        whole.replacen('"', "", 1).into_bytes(),
        whole.replace("\"error\"", "error").into_bytes(),
        format!(")]}}',{whole}").into_bytes(),
        [whole.as_bytes(), b"\xff"].concat(),
        [b"\x1f\x8b\x08\x00", whole.as_bytes()].concat(),
        br#"{"error":{"message":"Zebulon"#.to_vec(),
    ] {
        let shown = shown(&body);
        assert!(!shown.contains("Zebulon"), "{shown}");
    }
}

/// Everything that a log may get to see of an error with this body.
fn shown(body: &[u8]) -> String {
    let body = Bytes::copy_from_slice(body);
    let error = ApiError::read(StatusCode::BAD_REQUEST, &HeaderMap::new(), None, body, Progress::default());
    format!("{error} {error:?} {}", error.message)
}

#[test]
fn batch_messages_are_joined_last_status_counts() {
    let error = read(
        500,
        JSON,
        r#"{"responses":[{"Status":200,"Body":{"records":[]}},{"Status":400,"Body":{"error":"one"}},
            {"Status":404,"Body":{"error":{"message":"two"}}},{"Status":200,"Body":{}}]}"#,
    );
    assert_eq!((error.message.as_str(), error.error.http_code), ("one; two", 404));
}

#[test]
fn rows_of_a_flow_vault_are_joined() {
    for key in ["records", "response", "tokens"] {
        let body =
            format!(r#"{{"{key}":[{{"error":null,"httpCode":200}},{{"error":"gone","httpCode":404}}]}}"#);
        let error = read(400, JSON, body.leak());
        assert_eq!((error.message.as_str(), error.error.http_code), ("gone", 404), "{key}");
    }
}

#[test]
fn a_status_without_an_envelope_is_read() {
    let error = read(401, JSON, r#"{"code":16,"message":"token expired","details":[]}"#);
    assert_eq!((error.message.as_str(), error.error.grpc_code), ("token expired", Some(16)));
}

#[test]
fn json_of_no_known_shape_keeps_the_status() {
    for body in
        [r#"{}"#, r#"[]"#, "null", "7", r#"{"error":null}"#, r#"{"error":7}"#, r#"{"error":{"http_code":7}}"#]
    {
        let error = read(418, JSON, body);
        assert_eq!(error.message, "the server sent no readable message", "{body}");
        assert_eq!(error.error.http_code, 418, "{body}");
    }
}

#[test]
fn a_body_that_is_not_text_is_no_panic() {
    let headers = HeaderMap::new();
    let deep = Bytes::from("[".repeat(100_000));
    for body in [Bytes::from_static(b"\xff\xfe\x00"), deep] {
        let error =
            ApiError::read(StatusCode::BAD_GATEWAY, &headers, None, body.clone(), Progress::default());
        assert!(error.message.len() <= 4096);
        assert_eq!(error.expose_body(), &body);
    }
}

#[test]
fn whose_fault_it_was_is_read_from_the_header() {
    for (text, found) in [("true", Some(true)), ("false", Some(false)), ("maybe", None)] {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static(ERROR_FROM_CLIENT),
            HeaderValue::from_str(text).unwrap(),
        )]);
        let error =
            ApiError::read(StatusCode::BAD_REQUEST, &headers, None, Bytes::new(), Progress::default());
        assert_eq!(error.error.error_from_client, found, "{text}");
    }
}

#[test]
fn display_and_debug_hide_identifying_values() {
    let error = read(
        400,
        JSON,
        r#"{"error":{"message":"4111 1111 1111 1111 of jane@example.com exists","details":["canary"]}}"#,
    );
    let shown = format!("{error} {error:?}");
    for value in ["4111", "jane", "canary"] {
        assert!(!shown.contains(value), "{shown}");
    }
    assert!(error.message.contains("jane@example.com"));
}
