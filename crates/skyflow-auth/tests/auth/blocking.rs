//! Tokens for programs without a runtime.

use std::sync::Arc;

use skyflow_auth::blocking::BlockingTokens;
use skyflow_auth::{ApiKey, AuthErrorKind, Cached, TokenProvider};
use skyflow_http::ManualClock;

use crate::support::{Endpoint, Reply};

fn tokens(endpoint: &Endpoint, clock: &ManualClock) -> BlockingTokens<Arc<dyn TokenProvider>> {
    let cached = Cached::with_clock(endpoint.tokens(), Arc::new(clock.clone()));
    BlockingTokens::new(Arc::new(cached) as Arc<dyn TokenProvider>).unwrap()
}

#[test]
fn threads_without_a_runtime_share_one_exchange() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let tokens = tokens(&endpoint, &clock);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| tokens.token().unwrap());
        }
    });
    assert_eq!(endpoint.exchanges(), 1);
    let old = tokens.token().unwrap();
    tokens.invalidate(&old);
    assert!(!tokens.token().unwrap().is_same(&old));
}

#[test]
fn a_failure_is_typed() {
    let clock = ManualClock::auto_advancing();
    let endpoint = Endpoint::new(&clock);
    endpoint.otherwise(Reply::Status(403, ""));
    assert_eq!(tokens(&endpoint, &clock).token().unwrap_err().kind(), AuthErrorKind::Rejected);
}

#[tokio::test]
async fn blocking_provider_works_inside_a_runtime() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let tokens = tokens(&endpoint, &clock);
    tokens.token().unwrap();
    let tokens = tokio::task::spawn_blocking(move || {
        tokens.token().unwrap();
        tokens
    });
    drop(tokens.await.unwrap());
    assert_eq!(endpoint.exchanges(), 1);
    let key = ApiKey::new("sky-abcde-0123456789abcdef0123456789abcdef").unwrap();
    assert!(format!("{:?}", BlockingTokens::new(key).unwrap()).starts_with("BlockingTokens(ApiKey"));
}
