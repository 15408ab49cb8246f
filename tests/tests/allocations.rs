//! What the default stack costs per call, in allocations: exact, and so the same on every machine.

use std::sync::Arc;
use std::task::Poll;

use allocation_counter::measure;
use http::Method;
use skyflow_http::{Body, BoxError, HttpService, Idempotency, ManualClock, Request, Response, Stack};
use skyflow_testkit::polling::Stepped;
use skyflow_tests::calls::request;

fn transport() -> HttpService {
    HttpService::new(tower::service_fn(|_: Request| {
        std::future::ready(Ok::<_, BoxError>(Response::new(Body::from("{}"))))
    }))
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

#[test]
fn default_stack_allocations_are_bounded() {
    const MOST: u64 = 25;
    let bare = per_call(&transport());
    let stack = per_call(&Stack::new(Arc::new(ManualClock::new())).build(transport()));
    println!("allocations per call: transport {bare}, default stack {stack}, difference {}", stack - bare);
    assert!(stack - bare <= MOST, "{} more than the transport alone, {MOST} allowed", stack - bare);
}

#[test]
fn the_count_sees_an_allocation() {
    assert_eq!(measure(|| drop(std::hint::black_box(Box::new(1)))).count_total, 1);
    assert_eq!(measure(|| ()).count_total, 0);
}
