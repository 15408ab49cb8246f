//! What the default stack costs per call, in allocations: exact, and so the same on every machine.

use std::sync::Arc;
use std::task::Poll;

use allocation_counter::measure;
use http::Method;
use skyflow_http::auth::{AccessToken, AuthHeader, AuthLayer, HostGuard, TokenFuture, TokenProvider};
use skyflow_http::layers::MetadataLayer;
use skyflow_http::{BaseUri, Body, HttpService, Idempotency, ManualClock, Stack};
use skyflow_testkit::Constant;
use skyflow_testkit::polling::Stepped;
use skyflow_tests::calls::request;

fn transport() -> HttpService {
    HttpService::new(Constant::new("{}"))
}

/// Counts the allocations of one call; making the request is part of it on both sides of a comparison.
fn per_call(service: &HttpService) -> u64 {
    let call = || {
        let service = service.clone();
        let request = request(Method::POST, "https://vault.example/", Idempotency::Safe, Body::from("{}"));
        let mut call = Stepped::new(async move { service.send(request).await });
        let Poll::Ready(response) = call.step() else { panic!("the transport is always ready") };
        response.unwrap();
    };
    // Costs that occur once per process or service are not part of a call.
    call();
    let counts: Vec<_> = (0..3).map(|_| measure(call).count_total).collect();
    assert_eq!(counts[0], counts[1]);
    assert_eq!(counts[1], counts[2]);
    counts[0]
}

/// A token that can be replaced, so that the request is kept for a replay.
#[derive(Debug)]
struct AtHand(AccessToken);

impl TokenProvider for AtHand {
    fn token(&self) -> TokenFuture<'_> {
        TokenFuture::ready(Ok(self.0.clone()))
    }

    fn peek(&self) -> Option<AccessToken> {
        Some(self.0.clone())
    }
}

/// Returns what a stack allocates beyond its transport.
fn more_than_the_transport(stack: Stack) -> u64 {
    let bare = per_call(&transport());
    let whole = per_call(&stack.build(transport()));
    println!("allocations per call: transport {bare}, stack {whole}, difference {}", whole - bare);
    whole - bare
}

fn stack() -> Stack {
    Stack::new(Arc::new(ManualClock::new()))
}

#[test]
fn default_stack_allocates_two_futures_and_a_copy() {
    assert_eq!(more_than_the_transport(stack()), 3);
}

#[test]
fn headers_and_a_token_allocate_once_for_all_copies() {
    let tokens = Arc::new(AtHand(AccessToken::new("token").unwrap()));
    let hosts = HostGuard::new(BaseUri::parse("https://vault.example").unwrap());
    let stack = stack().metadata(MetadataLayer::new("bench/1").unwrap()).auth(AuthLayer::new(
        tokens,
        AuthHeader::bearer(),
        hosts,
    ));
    assert_eq!(more_than_the_transport(stack), 8);
}

#[test]
fn the_count_sees_an_allocation() {
    assert_eq!(measure(|| drop(std::hint::black_box(Box::new(1)))).count_total, 1);
    assert_eq!(measure(|| ()).count_total, 0);
}
