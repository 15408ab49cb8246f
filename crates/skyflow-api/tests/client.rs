//! The client: what it sends, and what it makes of responses and failures.

#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use skyflow_api::{
    ApiErrorBody, Client, DecodeError, DecodeErrorKind, EncodeError, Error, Operation, query, records, types,
};
use skyflow_http::{
    BaseUri, Body, CallContext, CallOptions, ErrorKind, Idempotency, OperationInfo, Request, RequestTarget,
};
use skyflow_testkit::{Reply, Scripted};
use skyflow_types::RequestId;

const BASE: &str = "https://cluster.vault.skyflowapis.com/prefix";

fn response(status: u16, body: &'static str) -> Reply {
    Reply::status(status).header(RequestId::HEADER, "req-1").body(body)
}

fn client(reply: Reply) -> Client<Scripted> {
    over(&Scripted::new([reply]))
}

fn over(server: &Scripted) -> Client<Scripted> {
    Client::new(server.clone(), BaseUri::parse(BASE).unwrap())
}

fn select() -> query::Execute {
    query::Execute::new("v", types::QueryRequest::new("SELECT 1"))
}

#[tokio::test]
async fn layers_see_the_whole_request_and_what_it_is() {
    let server = Scripted::new([response(200, r#"{"records":null}"#)]);
    let options = CallOptions::new().idempotent(true);
    let done = over(&server).send_with(select(), options).await.unwrap();
    assert_eq!(done.status, StatusCode::OK);
    assert_eq!(done.request_id.as_ref().map(RequestId::as_str), Some("req-1"));
    assert!(done.body.records.is_empty());

    let request = server.requests().remove(0);
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.uri, *format!("{BASE}/v1/vaults/v/query"));
    let call = CallContext::of(&request.extensions).unwrap();
    let info = call.operation.unwrap();
    assert_eq!((info.name, info.idempotency), ("query.execute", Idempotency::Safe));
    assert_eq!(info.path_template, "/v1/vaults/{vault_id}/query");
    assert_eq!(call.options, options);
    assert!(!request.is_stream);
    assert_eq!(request.text(), r#"{"query":"SELECT 1"}"#);
}

#[tokio::test]
async fn refused_path_parameter_sends_nothing() {
    let server = Scripted::default();
    let error = over(&server).send(records::Delete::new("v", "t", "..")).await.unwrap_err();
    assert!(matches!(error, Error::Encode(EncodeError::Target(_))));
    assert!(error.progress().is_none());
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn service_error_is_kept_as_the_source() {
    let error = client(Reply::fails(ErrorKind::Connect)).send(select()).await.unwrap_err();
    assert_eq!(error.to_string(), "the request got no response");
    assert_eq!(skyflow_http::Error::find(&error).unwrap().kind(), ErrorKind::Connect);
}

#[tokio::test]
async fn error_status_is_an_api_error() {
    let reply = response(404, r#"{"error":{"message":"no such vault","http_code":404}}"#);
    let error = client(reply).send(select()).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
    assert_eq!(error.request_id().map(RequestId::as_str), Some("req-1"));
    assert_eq!(error.to_string(), "the server responded with 404 Not Found: no such vault");
}

#[tokio::test]
async fn decode_error_keeps_status_and_request_id() {
    let error = client(response(207, r#"{"records":"canary"}"#)).send(select()).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::MULTI_STATUS));
    assert_eq!(error.request_id().map(RequestId::as_str), Some("req-1"));
    let Error::Decode { source, .. } = &error else { panic!("{error}") };
    assert_eq!((source.kind(), source.path()), (DecodeErrorKind::Data, "records"));
    assert!(!format!("{error} {error:?} {source}").contains("canary"));
}

#[tokio::test]
async fn a_request_id_is_never_made_up() {
    for (header, found) in [(None, None), (Some(&b""[..]), None), (Some(&b"a\xffb"[..]), Some("a?b"))] {
        let reply = Reply::status(200).body(r#"{"records":[]}"#);
        let reply = match header {
            Some(value) => reply.header(RequestId::HEADER, value),
            None => reply,
        };
        let done = client(reply).send(select()).await.unwrap();
        assert_eq!(done.request_id.as_ref().map(RequestId::as_str), found);
    }
}

#[tokio::test]
async fn unread_response_is_read_up_to_the_limit() {
    let client = client(response(200, r#"{"records":[]}"#).streamed());
    assert!(client.send(select()).await.is_ok());
    let error = client.response_limit(13).send(select()).await.unwrap_err();
    assert_eq!(skyflow_http::Error::find(&error).unwrap().kind(), ErrorKind::BodyTooLarge);
}

#[tokio::test]
async fn a_service_is_only_called_when_it_is_ready() {
    let server = Scripted::new([response(200, r#"{"records":[]}"#)]);
    // The limit panics when it is called without a permit, which only `poll_ready` of the same clone takes.
    let limited = tower::limit::ConcurrencyLimit::new(server, 1);
    let client = Client::new(limited, BaseUri::parse(BASE).unwrap());
    for _ in 0..3 {
        assert!(client.send(select()).await.is_ok());
    }
}

#[tokio::test]
async fn an_operation_of_ones_own_can_be_sent() {
    struct Ping;

    impl Operation for Ping {
        type Output = StatusCode;
        type Error = ApiErrorBody;
        const INFO: OperationInfo = OperationInfo::new("ping", "/ping", Idempotency::Safe);

        fn encode(self) -> Result<Request, EncodeError> {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = Uri::from(RequestTarget::new().literal("/ping").finish()?);
            Ok(request)
        }

        fn decode(status: StatusCode, _: &HeaderMap, _: &Bytes) -> Result<StatusCode, DecodeError> {
            Ok(status)
        }
    }

    let server = Scripted::new([response(204, "")]);
    assert_eq!(over(&server).send(Ping).await.unwrap().into_body(), StatusCode::NO_CONTENT);
    assert_eq!(server.requests()[0].uri.path(), "/prefix/ping");
}
