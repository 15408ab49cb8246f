//! What the default stack costs per call, in allocations: exact, and so the same on every machine.

use std::sync::Arc;
use std::task::Poll;

use allocation_counter::measure;
use http::Method;
use skyflow_http::{Body, BoxError, HttpService, Idempotency, ManualClock, Request, Response, Stack};
use skyflow_testkit::polling::Stepped;
use skyflow_tests::calls::request;

fn leaf() -> HttpService {
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
        let Poll::Ready(answer) = call.step() else { panic!("the leaf is always ready") };
        answer.unwrap();
    };
    // What is set up once per process or service is not the cost of a call.
    call();
    let counts: Vec<_> = (0..3).map(|_| measure(call).count_total).collect();
    assert_eq!(counts[0], counts[1]);
    assert_eq!(counts[1], counts[2]);
    counts[0]
}

#[test]
fn the_default_stack_allocates_no_more_than_this_per_call() {
    const MOST: u64 = 25;
    let bare = per_call(&leaf());
    let stack = per_call(&Stack::new(Arc::new(ManualClock::new())).build(leaf()));
    println!("allocations per call: leaf {bare}, default stack {stack}, difference {}", stack - bare);
    assert!(stack - bare <= MOST, "{} more than the leaf alone, {MOST} allowed", stack - bare);
}

#[test]
fn the_count_sees_an_allocation() {
    assert_eq!(measure(|| drop(std::hint::black_box(Box::new(1)))).count_total, 1);
    assert_eq!(measure(|| ()).count_total, 0);
}
