//! A `401` behind a connection may be the third party's, given after it has acted.

use std::sync::Arc;

use skyflow_auth::{AuthLayer, Cached, HostGuard, TokenProvider, connection_header};
use skyflow_http::{BaseUri, Body, HttpService, ManualClock};
use skyflow_testkit::{Reply, Scripted};
use tower_layer::Layer;

use crate::support::Endpoint;

const GATEWAY: &str = "https://abc.gateway.skyflowapis.com";

/// Sends one request to a connection that responds with 401, and returns how often it was sent, how many tokens were
/// minted, and whether the first token is used again.
async fn meet_401(from_client: Option<&'static str>) -> (usize, usize, bool) {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let tokens = Arc::new(Cached::with_clock(endpoint.tokens(), Arc::new(clock.clone())));
    let first = tokens.token().await.unwrap();
    let refused = Reply::status(401);
    let target = Scripted::new([match from_client {
        Some(value) => refused.header("error-from-client", value),
        None => refused,
    }]);
    let hosts = HostGuard::new(BaseUri::parse(GATEWAY).unwrap());
    let layer = AuthLayer::new(tokens.clone(), connection_header(), hosts);
    let request = http::Request::post(format!("{GATEWAY}/pay")).body(Body::from("{}")).unwrap();
    HttpService::new(layer.layer(target.clone())).send(request).await.unwrap();
    for request in target.requests() {
        let token = request.header("x-skyflow-authorization");
        assert!(!token.is_empty() && !token.contains("Bearer"));
    }
    let kept = tokens.token().await.unwrap().is_same(&first);
    (target.count(), endpoint.exchanges(), kept)
}

#[tokio::test]
async fn replay_needs_proof_of_no_effect() {
    assert_eq!(meet_401(Some("false")).await.0, 2, "Skyflow refused the token before it acted");
    assert_eq!(
        meet_401(Some("true")).await,
        (1, 1, true),
        "the target's own 401 says nothing about the token"
    );
    assert_eq!(
        meet_401(None).await,
        (1, 2, false),
        "unknown: neither the request nor the token is used again"
    );
}
