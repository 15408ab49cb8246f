//! The cost of a token: `cargo bench -p skyflow-auth`. Times and allocations per call.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "the macros of divan make undocumented items; a bench may panic"
)]

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use divan::Bencher;
use skyflow_auth::{
    AccessToken, ApiKey, AuthHeader, AuthLayer, Cached, DataTokenSigner, HostGuard, ServiceAccountKey,
    TokenProvider, provider_fn,
};
use skyflow_http::{BaseUri, Body, Clock, Idempotency, OperationInfo, Request, SystemClock};
use skyflow_testkit::{API_KEY, Constant};
use tower_layer::Layer;
use tower_service::Service;

#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

/// Polls a future that is ready at once.
fn now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

fn cached() -> impl TokenProvider {
    let tokens = Cached::new(provider_fn(|| async {
        Ok(AccessToken::new("e30.e30.c2ln")?
            .with_lifetime(SystemClock.monotonic(), Duration::from_secs(3600)))
    }));
    now(tokens.token()).unwrap();
    tokens
}

#[divan::bench]
fn cached_hit(bencher: Bencher<'_, '_>) {
    let tokens = cached();
    bencher.bench_local(|| now(tokens.token()));
}

#[divan::bench(threads = [1, 2])]
fn cached_hit_on_threads(bencher: Bencher<'_, '_>) {
    let tokens = cached();
    bencher.bench(|| now(tokens.token()));
}

/// A request as the layers above hand it down.
fn request() -> Request {
    http::Request::post("https://abc.example/v1/vaults/v/t")
        .header("user-agent", "bench")
        .header("content-type", "application/json")
        .extension(OperationInfo::new("records.insert", "/v1/vaults/{}/{}", Idempotency::NonIdempotent))
        .body(Body::from("{}"))
        .unwrap()
}

#[divan::bench]
fn transport_without_auth(bencher: Bencher<'_, '_>) {
    let mut transport = Constant::default();
    bencher.with_inputs(request).bench_local_values(|request| now(transport.call(request)));
}

#[divan::bench]
fn transport_with_auth(bencher: Bencher<'_, '_>) {
    let hosts = HostGuard::new(BaseUri::parse("https://abc.example").unwrap());
    let mut stack =
        AuthLayer::new(Arc::new(cached()), AuthHeader::bearer(), hosts).layer(Constant::default());
    bencher.with_inputs(request).bench_local_values(|request| now(stack.call(request)));
}

#[divan::bench]
fn transport_with_api_key(bencher: Bencher<'_, '_>) {
    let hosts = HostGuard::new(BaseUri::parse("https://abc.example").unwrap());
    let key = ApiKey::new(API_KEY).unwrap();
    let mut stack = AuthLayer::new(Arc::new(key), AuthHeader::bearer(), hosts).layer(Constant::default());
    bencher.with_inputs(request).bench_local_values(|request| now(stack.call(request)));
}

fn key() -> (KeyPair, String) {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap().as_ref().to_vec();
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    let json = serde_json::json!({
        "clientID": "c", "keyID": "k", "privateKey": pem,
        "tokenURI": "https://manage.skyflowapis.com/v1/auth/sa/oauth/token",
    });
    (key, json.to_string())
}

const DATA_TOKEN: &str = "3a8f1c52-6f0a-4d0e-8f7e-2b1f1f7f9c11";

#[divan::bench(min_time = 2)]
fn sign_raw_aws_lc_rs(bencher: Bencher<'_, '_>) {
    let (key, _) = key();
    let message = [b'x'; 260];
    let mut signature = vec![0; key.public_modulus_len()];
    let random = SystemRandom::new();
    bencher.bench_local(|| key.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature));
}

#[divan::bench(min_time = 2)]
fn sign_data_token(bencher: Bencher<'_, '_>) {
    let signer = DataTokenSigner::new(ServiceAccountKey::from_json(&key().1).unwrap());
    bencher.bench_local(|| signer.sign(DATA_TOKEN).unwrap());
}

#[divan::bench]
fn read_credentials(bencher: Bencher<'_, '_>) {
    let (_, json) = key();
    bencher.bench_local(|| ServiceAccountKey::from_json(&json).unwrap());
}
