//! The client: what it sends, and what it makes of responses and failures.

#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use skyflow_api::{
    ApiErrorBody, Client, DecodeError, DecodeErrorKind, EncodeError, Error, Operation, query, records, types,
};
use skyflow_http::{
    BaseUri, Body, BoxError, CallContext, CallOptions, ErrorKind, Idempotency, OperationInfo, Request,
    RequestTarget,
};
use skyflow_types::RequestId;
use tower::service_fn;

const BASE: &str = "https://cluster.vault.skyflowapis.com/prefix";

fn answer(status: u16, body: impl Into<Body>) -> skyflow_http::Response {
    let mut answer = skyflow_http::Response::new(body.into());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer.headers_mut().insert(RequestId::HEADER, "req-1".parse().unwrap());
    answer
}

fn client<F, R, E>(leaf: F) -> Client<tower::util::ServiceFn<F>>
where
    F: FnMut(Request) -> R + Clone,
    R: Future<Output = Result<skyflow_http::Response, E>>,
{
    Client::new(service_fn(leaf), BaseUri::parse(BASE).unwrap())
}

fn select() -> query::Execute {
    query::Execute::new("v", types::QueryRequest::new("SELECT 1"))
}

#[tokio::test]
async fn layers_see_the_whole_request_and_what_it_is() {
    let seen = Arc::new(Mutex::new(None));
    let client = client({
        let seen = Arc::clone(&seen);
        move |request: Request| {
            *seen.lock().unwrap() = Some(request);
            async { Ok::<_, BoxError>(answer(200, r#"{"records":null}"#)) }
        }
    });
    let options = CallOptions::new().idempotent(true);
    let done = client.send_with(select(), options).await.unwrap();
    assert_eq!(done.status, StatusCode::OK);
    assert_eq!(done.request_id.as_ref().map(RequestId::as_str), Some("req-1"));
    assert!(done.body.records.is_empty());

    let request = seen.lock().unwrap().take().unwrap();
    assert_eq!(request.method(), Method::POST);
    assert_eq!(*request.uri(), *format!("{BASE}/v1/vaults/v/query"));
    let call = CallContext::of(request.extensions()).unwrap();
    let info = call.operation.unwrap();
    assert_eq!((info.name, info.idempotency), ("query.execute", Idempotency::Safe));
    assert_eq!(info.path_template, "/v1/vaults/{vault_id}/query");
    assert_eq!(call.options, options);
    assert_eq!(request.into_body().as_bytes().unwrap(), r#"{"query":"SELECT 1"}"#);
}

#[tokio::test]
async fn refused_path_parameter_sends_nothing() {
    let client = client(|_| async { Err::<skyflow_http::Response, _>(BoxError::from("it was sent")) });
    let error = client.send(records::Delete::new("v", "t", "..")).await.unwrap_err();
    assert!(matches!(error, Error::Encode(EncodeError::Target(_))));
    assert!(error.progress().is_none());
}

#[tokio::test]
async fn service_error_is_kept_as_the_source() {
    let client = client(|_| async {
        Err::<skyflow_http::Response, _>(BoxError::from(skyflow_http::Error::new(ErrorKind::Connect, None)))
    });
    let error = client.send(select()).await.unwrap_err();
    assert_eq!(error.to_string(), "the request got no response");
    assert_eq!(skyflow_http::Error::find(&error).unwrap().kind(), ErrorKind::Connect);
}

#[tokio::test]
async fn error_status_is_an_api_error() {
    let client = client(|_| async {
        Ok::<_, BoxError>(answer(404, r#"{"error":{"message":"no such vault","http_code":404}}"#))
    });
    let error = client.send(select()).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
    assert_eq!(error.request_id().map(RequestId::as_str), Some("req-1"));
    assert_eq!(error.to_string(), "the server responded with 404 Not Found: no such vault");
}

#[tokio::test]
async fn decode_error_keeps_status_and_request_id() {
    let client = client(|_| async { Ok::<_, BoxError>(answer(207, r#"{"records":"canary"}"#)) });
    let error = client.send(select()).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::MULTI_STATUS));
    assert_eq!(error.request_id().map(RequestId::as_str), Some("req-1"));
    let Error::Decode { source, .. } = &error else { panic!("{error}") };
    assert_eq!((source.kind(), source.path()), (DecodeErrorKind::Data, "records"));
    assert!(!format!("{error} {error:?} {source}").contains("canary"));
}

#[tokio::test]
async fn a_request_id_is_never_made_up() {
    for (header, found) in [(None, None), (Some(&b""[..]), None), (Some(&b"a\xffb"[..]), Some("a?b"))] {
        let client = client(move |_| async move {
            let mut answer = answer(200, r#"{"records":[]}"#);
            answer.headers_mut().clear();
            if let Some(bytes) = header {
                let value = http::HeaderValue::from_bytes(bytes).unwrap();
                answer.headers_mut().insert(RequestId::HEADER, value);
            }
            Ok::<_, BoxError>(answer)
        });
        let done = client.send(select()).await.unwrap();
        assert_eq!(done.request_id.as_ref().map(RequestId::as_str), found);
    }
}

#[tokio::test]
async fn unread_response_is_read_up_to_the_limit() {
    let client = client(|_| async {
        let stream = Body::new(skyflow_http::Body::from(r#"{"records":[]}"#));
        Ok::<_, BoxError>(answer(200, stream))
    });
    assert!(client.send(select()).await.is_ok());
    let error = client.response_limit(13).send(select()).await.unwrap_err();
    assert_eq!(skyflow_http::Error::find(&error).unwrap().kind(), ErrorKind::BodyTooLarge);
}

#[tokio::test]
async fn a_service_is_only_called_when_it_is_ready() {
    let leaf = service_fn(|_: Request| async { Ok::<_, BoxError>(answer(200, r#"{"records":[]}"#)) });
    // The limit panics when it is called without a permit, which only `poll_ready` of the same clone takes.
    let limited = tower::limit::ConcurrencyLimit::new(leaf, 1);
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

    let client = client(|request: Request| async move {
        assert_eq!(request.uri().path(), "/prefix/ping");
        Ok::<_, BoxError>(answer(204, ""))
    });
    assert_eq!(client.send(Ping).await.unwrap().into_body(), StatusCode::NO_CONTENT);
}
