//! Canaries: no key, assertion, bearer or API key in any output, in any spelling.

use std::sync::Arc;

use crate::support::{Endpoint, Reply, TestKey};
use skyflow_auth::{
    AuthHeader, AuthLayer, Cached, Credentials, HostGuard, ServiceAccountKey, TokenOptions, TokenProvider,
};
use skyflow_http::{BaseUri, Body, HttpService, ManualClock};
use skyflow_testkit::{Canaries, Output, Scripted};
use tower_layer::Layer;

const API_KEY: &str = "sky-canar-c0ffeec0ffeec0ffeec0ffeec0ffee00";

fn assert_clean(output: &str, secrets: &[(&str, String)]) {
    let mut canaries = Canaries::new();
    for (name, secret) in secrets {
        canaries.forbid_pieces(name, secret);
    }
    canaries.assert_absent("the output", output);
}

fn vault(refuse: bool) -> Scripted {
    Scripted::from_fn(move |request| {
        tracing::trace!(headers = ?request.headers, "the wire");
        skyflow_testkit::Reply::status(if refuse { 401 } else { 200 })
    })
}

#[tokio::test]
async fn secrets_are_absent_from_logs_errors_and_debug() {
    let output = Output::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(output.writer())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut secrets =
        vec![("API key", API_KEY.to_owned()), ("context", "canary-context-of-a-user-0001".to_owned())];
    let key = TestKey::shared();
    secrets.push(("private key", key.pem.lines().nth(3).unwrap().to_owned()));
    secrets.push(("private key", key.pem.lines().nth(20).unwrap().to_owned()));

    let clock = ManualClock::auto_advancing();
    let endpoint = Endpoint::new(&clock);
    let options = TokenOptions::new().context("canary-context-of-a-user-0001").unwrap();
    let provider = endpoint.tokens().with_options(options.clone());
    let tokens = Arc::new(Cached::with_clock(provider, Arc::new(clock.clone())));
    let hosts = HostGuard::new(BaseUri::parse("https://abc.example").unwrap());
    for refuse in [false, true] {
        let layer = AuthLayer::new(tokens.clone(), AuthHeader::bearer(), hosts.clone());
        let stack = HttpService::new(layer.layer(vault(refuse)));
        let request = || http::Request::get("https://abc.example/x").body(Body::empty()).unwrap();
        stack.send(request()).await.unwrap();
        output.note(format!("{layer:?} {stack:?} {:?}", tokens.token()));
        let token = tokens.token().await.unwrap();
        output.note(format!("{token:?} {token:#?} {:?} {:?}", token.bearer_header(), token.raw_header()));
        secrets.push(("bearer", token.expose().to_owned()));
        secrets
            .push(("assertion", endpoint.last(|seen| seen.body["assertion"].as_str().unwrap().to_owned())));
    }

    // A server that echoes what it was sent.
    let assertion = endpoint.last(|seen| seen.body["assertion"].as_str().unwrap().to_owned());
    for body in [
        format!("{{\"error\":{{\"message\":\"bad assertion {assertion}\"}}}}"),
        format!("bad key {API_KEY}"),
        format!("{{\"error\":\"x\",\"error_description\":\"{assertion}\"}}"),
        format!("<html>{assertion}</html>"),
        format!("{{\"accessToken\":{{\"token\":\"{assertion}\"}}}}"),
    ] {
        for status in [200, 401, 503] {
            endpoint.otherwise(Reply::Body(status, body.clone()));
            if let Err(error) = endpoint.tokens().token().await {
                output.note_error(&error);
            }
        }
    }

    let json = key.json();
    let account = ServiceAccountKey::from_json(&json.to_string()).unwrap();
    output.note(format!("{account:?} {account:#?} {options:?} {:?}", endpoint.tokens()));
    for credentials in [
        Credentials::api_key(API_KEY).unwrap(),
        Credentials::bearer_token(API_KEY).unwrap(),
        Credentials::from_path(&key.pem),
        Credentials::from_json(&json.to_string()).unwrap().context("canary-context-of-a-user-0001").unwrap(),
    ] {
        output.note(format!("{credentials:?} {credentials:#?}"));
        match credentials.to_provider(&endpoint.exchange()) {
            Ok(provider) => output.note(format!("{provider:?} {provider:#?}")),
            Err(error) => output.note_error(&error),
        }
    }
    for broken in [
        key.pem.clone(),
        json.to_string().replace("privateKey", "key"),
        json.to_string().replace(":8", ""),
        json.to_string().replace("BEGIN PRIVATE", "BEGIN PUBLIC"),
        json.to_string().replace('}', ""),
        format!("{{\"clientID\":\"{API_KEY}\",\"clientId\":\"x\"}}"),
        format!("{{\"privateKey\":[\"{API_KEY}\"]}}"),
    ] {
        if let Err(error) = ServiceAccountKey::from_json(&broken) {
            output.note_error(&error);
        }
    }
    for wrong in [format!("{API_KEY}0"), format!("x{API_KEY}"), format!("{API_KEY} "), format!("{API_KEY}.x")]
    {
        if let Err(error) = Credentials::api_key(wrong.as_str()) {
            output.note_error(&error);
        }
        if let Err(error) = Credentials::bearer_token(wrong.as_str()) {
            output.note_error(&error);
        }
    }

    let text = output.text();
    assert!(text.contains("the wire") && text.contains("got a new token"), "TRACE was captured");
    assert!(text.len() > 5_000);
    assert_clean(&text, &secrets);
}

/// Serves one response over a real socket, so that the logs of hyper are checked too.
#[cfg(feature = "transport")]
#[tokio::test]
async fn no_secret_appears_in_what_the_transport_logs() {
    use skyflow_testkit::{Reply, Server};

    let output = Output::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(output.writer())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let granted = serde_json::json!({"accessToken": API_KEY, "tokenType": "Bearer", "expiresIn": 60});
    let endpoint = Scripted::new([Reply::json(200, &granted)]);
    let server = Server::serve(endpoint.clone()).await.unwrap();
    let uri = server.url("/v1/auth/sa/oauth/token");
    let account = TestKey::shared().account();
    let tokens = skyflow_auth::ServiceAccountTokens::new(account, skyflow_auth::TokenExchange::over_hyper())
        .with_options(TokenOptions::new().token_uri(&uri).unwrap());
    let token = tokens.token().await.unwrap();
    assert_eq!(token.expose(), API_KEY);
    let request = endpoint.requests().remove(0);
    assert_eq!((request.method.as_str(), request.target()), ("POST", "/v1/auth/sa/oauth/token"));
    let assertion = request.json()["assertion"].as_str().unwrap().to_owned();
    let text = output.text();
    assert!(text.contains("authentication.get_token"), "TRACE was captured");
    assert_clean(&text, &[("bearer", API_KEY.to_owned()), ("assertion", assertion)]);
}
