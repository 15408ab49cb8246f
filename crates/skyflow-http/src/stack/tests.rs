use std::sync::Mutex;

use tower::ServiceExt;
use tower_layer::Layer as _;

use super::*;
use crate::auth::{AccessToken, AuthHeader, HostGuard, Scheme, StaticToken, provider_fn};
use crate::{
    BaseUri, Body, BoxError, CallContext, CallOptions, Error, ErrorKind, Idempotency, ManualClock,
    OperationInfo, Progress, Request, Response,
};

fn request() -> Request {
    let mut request = http::Request::get("https://vault.example/v1").body(Body::empty()).unwrap();
    let info = OperationInfo::new("test", "/v1", Idempotency::Safe);
    request.extensions_mut().insert(CallContext::new(info));
    request
}

fn recording(name: &'static str, seen: &Arc<Mutex<Vec<&'static str>>>) -> DynLayer {
    let seen = Arc::clone(seen);
    DynLayer::from_fn(move |inner: HttpService| {
        let seen = Arc::clone(&seen);
        inner.map_request(move |request: Request| {
            assert!(OperationInfo::of(request.extensions()).is_some(), "{name} knows the operation");
            seen.lock().unwrap().push(name);
            request
        })
    })
}

#[tokio::test]
async fn layers_see_operations_once_and_each_attempt() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let statuses = Arc::new(Mutex::new(vec![200, 503]));
    let transport = HttpService::new(tower::service_fn(move |request: Request| {
        let status = statuses.lock().unwrap().pop().unwrap();
        async move {
            assert_eq!(request.headers()["user-agent"], "acme/1");
            assert!(CallContext::of(request.extensions()).unwrap().deadline.is_some());
            Ok::<_, BoxError>(http::Response::builder().status(status).body(Body::empty())?)
        }
    }));
    let minted = Arc::clone(&seen);
    let tokens = provider_fn(move || {
        minted.lock().unwrap().push("auth");
        std::future::ready(Ok(AccessToken::new("token").unwrap()))
    });
    let hosts = HostGuard::new(BaseUri::parse("https://vault.example").unwrap());
    let stack = Stack::new(Arc::new(ManualClock::auto_advancing()))
        .default_metadata(MetadataLayer::new("acme/1").unwrap())
        .operation_layer(recording("operation 1", &seen))
        .operation_layer(recording("operation 2", &seen))
        .attempt_layer(recording("attempt 1", &seen))
        .attempt_layer(recording("attempt 2", &seen))
        .auth(AuthLayer::new(Arc::new(tokens), AuthHeader::bearer(), hosts))
        .build(transport);
    let mut request = request();
    let progress = Progress::of(request.extensions_mut());
    let response: Response = stack.send(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(progress.attempts(), 2);
    let attempt = ["attempt 1", "attempt 2", "auth"];
    assert_eq!(*seen.lock().unwrap(), [&["operation 1", "operation 2"][..], &attempt, &attempt].concat());
}

/// Responds to the attempts in turn, and returns what a stack has sent of one request.
async fn sent(stack: Stack, statuses: &[u16], request: Request) -> Vec<String> {
    let (sent, mut left) = (Arc::new(Mutex::new(Vec::new())), statuses.to_vec());
    left.reverse();
    let left = Arc::new(Mutex::new(left));
    let transport = {
        let sent = Arc::clone(&sent);
        HttpService::new(tower::service_fn(move |request: Request| {
            let status = left.lock().unwrap().pop().unwrap();
            let name = OperationInfo::of(request.extensions()).unwrap().name;
            let (parts, body) = request.into_parts();
            let body = body.as_bytes().cloned();
            sent.lock().unwrap().push(format!("{} {name} {:?} {body:?}", parts.uri, parts.headers));
            async move { Ok::<_, BoxError>(http::Response::builder().status(status).body(Body::empty())?) }
        }))
    };
    stack.build(transport).send(request).await.unwrap();
    let sent = sent.lock().unwrap();
    sent.clone()
}

fn authenticated(layers: &[DynLayer]) -> Stack {
    let minted = std::sync::atomic::AtomicU32::new(0);
    let tokens = provider_fn(move || {
        let number = minted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        std::future::ready(Ok(AccessToken::new(format!("token-{number}")).unwrap()))
    });
    let hosts = HostGuard::new(BaseUri::parse("https://vault.example").unwrap());
    let stack = Stack::new(Arc::new(ManualClock::auto_advancing()));
    let stack = stack.auth(AuthLayer::new(
        Arc::new(tokens),
        AuthHeader::new(HeaderName::from_static("x-token"), Scheme::NONE),
        hosts,
    ));
    layers.iter().cloned().fold(stack, Stack::attempt_layer)
}

#[tokio::test]
async fn replays_and_retries_send_the_same_request() {
    let signing = DynLayer::from_fn(|inner: HttpService| {
        inner.map_request(|mut request: Request| {
            request.headers_mut().insert("x-signature", http::HeaderValue::from_static("signed"));
            request
        })
    });
    // A replay after the first attempt, after a retry, and after the last retry.
    for statuses in [&[401, 200][..], &[503, 401, 200], &[401, 503, 401, 200], &[503, 503, 401, 200]] {
        for layers in [&[][..], std::slice::from_ref(&signing)] {
            let mut request = request();
            *request.body_mut() = Body::from("{}");
            let sent = sent(authenticated(layers), statuses, request).await;
            assert_eq!(sent.len(), statuses.len());
            for one in &sent {
                assert_eq!(*one, sent[0], "{statuses:?}");
                assert_eq!(one.contains("signed"), !layers.is_empty());
            }
        }
    }
}

#[tokio::test]
async fn replay_below_keeps_the_token_from_above() {
    let key = AuthHeader::new(HeaderName::from_static("x-key"), Scheme::NONE);
    let hosts = || HostGuard::new(BaseUri::parse("https://vault.example").unwrap());
    let fixed = StaticToken::new(AccessToken::new("key").unwrap());
    let sent = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&sent);
    let statuses = Arc::new(Mutex::new(vec![200, 401]));
    let network = HttpService::new(tower::service_fn(move |request: Request| {
        recorded.lock().unwrap().push(request.headers().clone());
        let status = statuses.lock().unwrap().pop().unwrap();
        async move { Ok::<_, BoxError>(http::Response::builder().status(status).body(Body::empty())?) }
    }));
    // A gateway's own authentication, as a part of the transport.
    let minted = std::sync::atomic::AtomicU32::new(0);
    let tokens = provider_fn(move || {
        let number = minted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        std::future::ready(Ok(AccessToken::new(format!("gateway-{number}")).unwrap()))
    });
    let gateway = AuthLayer::new(Arc::new(tokens), AuthHeader::bearer(), hosts());
    let stack = Stack::new(Arc::new(ManualClock::auto_advancing()))
        .auth(AuthLayer::new(Arc::new(fixed), key, hosts()))
        .build(HttpService::new(gateway.layer(network)));
    assert_eq!(stack.send(request()).await.unwrap().status(), 200);
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|headers| headers["x-key"] == "key"), "{sent:?}");
}

#[tokio::test]
async fn wait_for_a_permit_ends_at_the_deadline() {
    let clock = ManualClock::auto_advancing();
    let transport = HttpService::new(tower::service_fn(|_: Request| async {
        Ok::<_, BoxError>(http::Response::builder().status(200).body(Body::empty())?)
    }));
    let stack = Stack::new(Arc::new(clock)).in_flight(Arc::new(Semaphore::new(0))).build(transport);
    let mut request = request();
    CallContext::of_mut(request.extensions_mut()).options =
        CallOptions::new().deadline(Duration::from_secs(7));
    let progress = Progress::of(request.extensions_mut());
    let error = stack.send(request).await.unwrap_err().downcast::<Error>().unwrap();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert!(!error.may_have_been_applied(), "nothing was sent");
    assert_eq!(progress.attempts(), 0);
}

#[tokio::test]
async fn sleeping_retry_holds_no_permit() {
    let permits = Arc::new(Semaphore::new(1));
    let clock = ManualClock::new();
    let transport = HttpService::new(tower::service_fn(|_: Request| async {
        Err::<Response, BoxError>(Error::new(ErrorKind::Io, None).into())
    }));
    let stack = Stack::new(Arc::new(clock.clone())).in_flight(Arc::clone(&permits)).build(transport);
    let call = tokio::spawn(async move { stack.send(request()).await });
    while clock.slept().is_empty() {
        assert!(!call.is_finished());
        tokio::task::yield_now().await;
    }
    assert_eq!(permits.available_permits(), 1);
    call.abort();
}

#[tokio::test]
async fn rel_r08_no_call_outlives_its_deadline() {
    let clock = ManualClock::auto_advancing();
    let start = clock.monotonic();
    let transport = HttpService::new(tower::service_fn(|_: Request| {
        std::future::pending::<Result<Response, BoxError>>()
    }));
    let stack = Stack::new(Arc::new(clock.clone())).build(transport);
    let mut request = request();
    CallContext::of_mut(request.extensions_mut()).options =
        CallOptions::new().deadline(Duration::from_secs(7));
    let error = stack.send(request).await.unwrap_err().downcast::<Error>().unwrap();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert!(error.may_have_been_applied(), "the attempt was on its way");
    assert!(clock.monotonic() - start <= Duration::from_secs(7));
}
