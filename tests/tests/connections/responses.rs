use serde::Deserialize;
use serde_json::{Value, json};
use skyflow::{ConnectionData, Error, ErrorKind, InvokeConnectionRequest, InvokeConnectionResponse};

use skyflow_testkit::Scripted;

use crate::third_party::{Clients, URL};

async fn response(
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: &'static [u8],
) -> Result<InvokeConnectionResponse, Error> {
    let third_party = Scripted::new([crate::third_party::reply(status, headers, body)]);
    let result = third_party.at(URL).invoke(InvokeConnectionRequest::post()).await;
    assert_eq!(third_party.requests().len(), 1);
    result
}

async fn typed(
    content_type: &'static [(&'static str, &'static str)],
    body: &'static [u8],
) -> InvokeConnectionResponse {
    response(200, content_type, body).await.unwrap()
}

#[tokio::test]
async fn json_is_decoded_and_keeps_its_digits() {
    #[derive(Deserialize)]
    struct Charge {
        id: String,
    }
    for content_type in [
        &[("content-type", "application/json")][..],
        &[("content-type", "Application/Problem+JSON; charset=utf-8")],
        &[],
    ] {
        let response = typed(content_type, br#"{"id":"ch_1","n":12345678901234567890.10}"#).await;
        let ConnectionData::Json(json) = &response.data else { panic!("json") };
        assert!(json.get().contains("12345678901234567890.10"));
        assert_eq!(response.decode::<Charge>().unwrap().id, "ch_1");
        assert_eq!(response.metadata.request_id.as_ref().unwrap().as_str(), "req-1");
        assert_eq!(response.metadata.status, 200);
    }
}

#[tokio::test]
async fn form_is_a_list_of_pairs_and_decodes_as_a_map() {
    let response =
        typed(&[("content-type", "application/x-www-form-urlencoded")], b"a=1+2&b=%C3%A9&b=y&c").await;
    let ConnectionData::Form(pairs) = &response.data else { panic!("form") };
    assert_eq!(pairs[0], ("a".to_owned(), "1 2".to_owned()));
    assert_eq!(response.decode::<Value>().unwrap(), json!({"a": "1 2", "b": ["é", "y"], "c": ""}));
}

#[tokio::test]
async fn markup_is_text_and_unknown_types_are_bytes() {
    for content_type in [
        &[("content-type", "text/xml")][..],
        &[("content-type", "application/atom+xml; charset=utf-8")],
        &[("content-type", "text/html")],
        &[("content-type", "Text/Plain; charset=utf-8")],
    ] {
        let response = typed(content_type, b"<a>plain ok</a>").await;
        assert_eq!(response.data.as_text(), Some("<a>plain ok</a>"));
        assert_eq!(response.decode::<String>().unwrap(), "<a>plain ok</a>");
    }
    for content_type in
        [&[("content-type", "image/png")][..], &[("content-type", "application/octet-stream")]]
    {
        let response = typed(content_type, b"abc").await;
        assert!(matches!(&response.data, ConnectionData::Bytes(bytes) if bytes == "abc"));
        assert_eq!(response.decode::<String>().unwrap_err().kind(), ErrorKind::Decode);
    }
    let packed =
        typed(&[("content-type", "application/json"), ("content-encoding", "gzip")], b"\x1f\x8b").await;
    assert!(matches!(packed.data, ConnectionData::Bytes(_)));
}

#[tokio::test]
async fn success_with_a_mismatched_body_is_kept() {
    let response = typed(&[("content-type", "application/json")], b"<html>").await;
    assert_eq!(response.data.as_text(), Some("<html>"));
    let error = response.decode::<Vec<u8>>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.may_have_been_applied());
    assert_eq!(error.request_id().unwrap().as_str(), "req-1");
    let response = typed(&[("content-type", "text/plain")], b"\xff\xfe").await;
    assert!(matches!(response.data, ConnectionData::Bytes(_)));
    for (status, body) in [(204, &b""[..]), (200, b"")] {
        let response = self::response(status, &[("content-type", "application/json")], body).await.unwrap();
        assert!(matches!(response.data, ConnectionData::Empty));
        assert_eq!(response.decode::<Option<Value>>().unwrap(), None);
        assert_eq!(response.metadata.status.as_u16(), status);
    }
}

#[tokio::test]
async fn an_error_tells_whose_fault_it_was() {
    for (header, whose) in [
        (&[("error-from-client", "true")][..], Some(true)),
        (&[("error-from-client", "false")], Some(false)),
        (&[("error-from-client", "perhaps")], None),
        (&[], None),
    ] {
        let error = response(422, header, br#"{"code":"E1","reason":"declined"}"#).await.unwrap_err();
        assert_eq!((error.kind(), error.http_code()), (ErrorKind::Api, Some(422)));
        assert_eq!(error.error_from_client(), whose);
        assert_eq!(error.operation(), Some("connections.invoke"));
        assert_eq!(error.expose_server_body(), br#"{"code":"E1","reason":"declined"}"#);
        assert!(error.may_have_been_applied(), "a third party may have acted before it said no");
    }
}

#[tokio::test]
async fn skyflows_own_error_has_all_its_parts() {
    let body = br#"{"error":{"grpc_code":3,"http_code":400,"http_status":"Bad Request","message":"invalid route","details":[]}}"#;
    let headers = &[("content-type", "application/json"), ("error-from-client", "true")];
    let error = response(400, headers, body).await.unwrap_err();
    assert_eq!(
        (error.http_code(), error.grpc_code(), error.http_status()),
        (Some(400), Some(3), Some("Bad Request"))
    );
    assert_eq!(error.message(), "invalid route");
    assert_eq!(error.request_id().unwrap().as_str(), "req-1");
}

#[tokio::test]
async fn error_of_any_shape_keeps_its_bounded_body() {
    for body in [&b""[..], b"plain", b"<html>502</html>", b"{", b"[]", b"\xff\xfe", b"{\"error\":\"text\"}"] {
        let error = response(502, &[], body).await.unwrap_err();
        assert_eq!((error.kind(), error.http_code()), (ErrorKind::Api, Some(502)));
        assert_eq!(error.expose_server_body(), body);
    }
    let long: &'static [u8] = Vec::leak(vec![b'x'; 1_000_000]);
    let error = response(500, &[], long).await.unwrap_err();
    assert_eq!(error.expose_server_body().len(), 64 * 1024);
    assert!(error.to_string().len() < 5_000);
}

#[tokio::test]
async fn rel_r16_redirect_is_an_error_and_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let headers = &[("location", "https://evil.example/x")];
        let error = response(status, headers, b"").await.unwrap_err();
        assert_eq!((error.kind(), error.http_code()), (ErrorKind::Api, Some(status)));
        assert!(error.message().contains("redirect"), "{error}");
        assert!(!format!("{error} {error:?}").contains("evil"));
    }
}
