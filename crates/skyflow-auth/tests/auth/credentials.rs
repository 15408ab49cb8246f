//! Credentials in every form, and every bad one refused before anything is sent.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{CLIENT_ID, Endpoint, KEY_ID, TOKEN_URI, TestKey};
use serde_json::{Value, json};
use skyflow_auth::{
    Credentials, CredentialsError, CredentialsErrorKind as Kind, KeyProblem, ServiceAccountKey,
    TokenExchange, TokenProviders,
};
use skyflow_http::{LogControl, ManualClock};
use skyflow_testkit::{API_KEY, Output};
use skyflow_types::LogLevel;

fn with(change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> String {
    let mut json = TestKey::shared().json();
    change(json.as_object_mut().unwrap());
    json.to_string()
}

fn refused(json: &str) -> CredentialsError {
    ServiceAccountKey::from_json(json).map(|_| ()).expect_err(json)
}

#[test]
fn every_spelling_of_the_field_names_is_read() {
    let key = &TestKey::shared().pem;
    for [private_key, client, id, uri, name] in [
        ["privateKey", "clientID", "keyID", "tokenURI", "clientName"],
        ["privateKey", "clientId", "keyId", "tokenUri", "clientName"],
        ["private_key", "client_id", "key_id", "token_uri", "client_name"],
    ] {
        let json = json!({ private_key: key, client: CLIENT_ID, id: KEY_ID, uri: TOKEN_URI, name: "n" });
        for text in
            [json.to_string(), serde_json::to_string_pretty(&json).unwrap(), format!("\u{feff}{json}\r\n")]
        {
            let account = ServiceAccountKey::from_json(&text).unwrap();
            assert_eq!(account.client_id(), CLIENT_ID);
            assert_eq!(account.key_id(), KEY_ID);
            assert_eq!(account.token_uri().as_str(), TOKEN_URI);
            assert_eq!(account.client_name(), Some("n"));
        }
    }
}

#[test]
fn other_fields_are_ignored_whatever_they_hold() {
    let json = with(|json| {
        json.insert("keyValidAfterTime".into(), "2026-01-01".into());
        json.insert("anything".into(), json!({"nested": [1, null]}));
        json.insert("client_name".into(), Value::Null);
    });
    ServiceAccountKey::from_json(&json).unwrap();
}

#[test]
fn key_keeps_line_breaks_of_files_and_variables() {
    let pem = &TestKey::shared().pem;
    for spelled in [
        pem.clone(),
        pem.replace('\n', "\r\n"),
        pem.replace('\n', "\\n"),
        pem.replace('\n', "\\\\n"),
        pem.replace('\n', ""),
        pem.replace('\n', " "),
        format!("\n\n  {pem}"),
    ] {
        ServiceAccountKey::from_json(&with(|json| _ = json.insert("privateKey".into(), spelled.into())))
            .unwrap();
    }
    let escaped = with(|_| ()).replace('=', "\\u003d").replace('/', "\\/");
    ServiceAccountKey::from_json(&escaped).unwrap();
}

#[test]
fn each_missing_field_has_an_error_of_its_own() {
    for field in ["privateKey", "clientID", "keyID", "tokenURI"] {
        let error = refused(&with(|json| _ = json.remove(field)));
        assert_eq!((error.field(), error.kind()), (field, Kind::Missing));
        assert_eq!(error.to_string(), format!("{field} is missing"));
        for (value, kind) in [
            (Value::Null, Kind::Missing),
            (json!(""), Kind::Empty),
            (json!("  \n"), Kind::Empty),
            (json!(7), Kind::NotText),
            (json!({"a": "b"}), Kind::NotText),
        ] {
            let error = refused(&with(|json| _ = json.insert(field.into(), value.clone())));
            assert_eq!((error.field(), error.kind()), (field, kind), "{value}");
        }
    }
}

#[test]
fn a_field_in_two_spellings_has_to_agree() {
    let error = refused(&with(|json| _ = json.insert("client_id".into(), "another".into())));
    assert_eq!((error.field(), error.kind()), ("clientID", Kind::Several));
    ServiceAccountKey::from_json(&with(|json| _ = json.insert("client_id".into(), CLIENT_ID.into())))
        .unwrap();
}

#[test]
fn json_errors_show_only_the_position() {
    for text in
        ["", " ", "{", "[]", "null", "\"x\"", "credentials.json", "{\"clientID\": canary-value}", API_KEY]
    {
        let error = refused(text);
        assert_eq!(error.kind(), Kind::NotJson, "{text}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[test]
fn a_token_uri_must_be_https_or_loopback() {
    for uri in ["http://manage.skyflowapis.com/x", "manage.skyflowapis.com", "ftp://h", "https://u@h/"] {
        let error = refused(&with(|json| _ = json.insert("tokenURI".into(), uri.into())));
        assert_eq!((error.field(), error.kind()), ("tokenURI", Kind::TokenUri), "{uri}");
    }
    for uri in ["http://127.0.0.1:8080/t", "http://localhost:1/t", "http://[::1]:1/t", "https://h:1/t"] {
        ServiceAccountKey::from_json(&with(|json| _ = json.insert("tokenURI".into(), uri.into()))).unwrap();
    }
}

#[test]
fn unusable_key_is_refused_and_not_shown() {
    for (pem, problem) in [
        ("canary", KeyProblem::NotPem),
        ("-----BEGIN PUBLIC KEY-----\nY2FuYXJ5\n-----END PUBLIC KEY-----", KeyProblem::Public),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nY2FuYXJ5\n-----END ENCRYPTED PRIVATE KEY-----",
            KeyProblem::Encrypted,
        ),
        ("-----BEGIN EC PRIVATE KEY-----\nY2FuYXJ5\n-----END EC PRIVATE KEY-----", KeyProblem::NotRsa),
        ("-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----", KeyProblem::Malformed),
    ] {
        let error = refused(&with(|json| _ = json.insert("privateKey".into(), pem.into())));
        assert_eq!((error.field(), error.kind()), ("privateKey", Kind::PrivateKey(problem)));
        assert!(!format!("{error} {error:?}").contains("canary") && !format!("{error:?}").contains("Y2Fu"));
    }
}

#[test]
fn file_errors_are_distinct_and_hide_the_path() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = Endpoint::new(&ManualClock::new()).exchange();
    let error = |path: &std::path::Path| Credentials::from_path(path).to_provider(&exchange).unwrap_err();
    let missing = error(&directory.path().join("canary.json"));
    assert_eq!(missing.kind(), Kind::FileNotFound);
    assert!(!format!("{missing} {missing:?}").contains("canary"));
    assert!(std::error::Error::source(&missing).is_some());
    assert_eq!(error(directory.path()).kind(), Kind::FileUnreadable);
    let binary = directory.path().join("binary");
    std::fs::write(&binary, [0xff, 0xfe, 0x00]).unwrap();
    assert_eq!(error(&binary).kind(), Kind::FileUnreadable);
    assert_eq!(error(std::path::Path::new("")).kind(), Kind::Empty);
    let text = directory.path().join("text");
    std::fs::write(&text, "not json").unwrap();
    assert_eq!(error(&text).kind(), Kind::NotJson);
}

#[cfg(unix)]
#[test]
fn open_key_file_is_silent_at_error_and_off() {
    use std::os::unix::fs::PermissionsExt;

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), with(|_| ())).unwrap();
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    for (level, warns) in [(LogLevel::Warn, 1), (LogLevel::Error, 0), (LogLevel::Off, 0)] {
        let clock = ManualClock::new();
        let transport = Endpoint::new(&clock).service();
        let exchange =
            TokenExchange::with_log_control(transport, std::sync::Arc::new(clock), LogControl::new(level));
        let output = Output::default();
        let subscriber = tracing_subscriber::fmt().with_writer(output.writer()).with_ansi(false).finish();
        tracing::subscriber::with_default(subscriber, || {
            Credentials::from_path(file.path()).to_provider(&exchange).unwrap();
        });
        assert_eq!(output.text().lines().count(), warns, "{level}");
    }
}

#[cfg(unix)]
#[test]
fn key_file_readable_by_others_warns_once() {
    use std::os::unix::fs::PermissionsExt;

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), with(|_| ())).unwrap();
    let exchange = Endpoint::new(&ManualClock::new()).exchange();
    for (mode, warns) in [(0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1), (0o777, 1)] {
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        let output = Output::default();
        let subscriber = tracing_subscriber::fmt().with_writer(output.writer()).with_ansi(false).finish();
        tracing::subscriber::with_default(subscriber, || {
            Credentials::from_path(file.path()).to_provider(&exchange).unwrap();
        });
        assert_eq!(output.text().matches("open to other users").count(), warns, "{mode:o}");
        assert!(!output.text().contains(file.path().to_str().unwrap()));
    }
}

#[test]
fn options_that_would_not_hold_are_refused() {
    let key = || Credentials::api_key(API_KEY).unwrap();
    for (error, field) in [
        (key().roles(["r"]).unwrap_err(), "roles"),
        (key().context("u").unwrap_err(), "context"),
        (key().token_uri(TOKEN_URI).unwrap_err(), "tokenURI"),
        (key().lifetime(Duration::from_secs(60)).unwrap_err(), "lifetime"),
    ] {
        assert_eq!((error.field(), error.kind()), (field, Kind::NotApplicable));
    }
    let account = || Credentials::service_account(TestKey::shared().account());
    for (error, field, kind) in [
        (account().roles(Vec::<String>::new()).unwrap_err(), "roles", Kind::Empty),
        (account().roles(["ok", " "]).unwrap_err(), "roles", Kind::Role),
        (account().context("").unwrap_err(), "context", Kind::Context),
        (account().context(json!([])).unwrap_err(), "context", Kind::Context),
        (account().context(json!({"bad-key": 1})).unwrap_err(), "context", Kind::ContextKey),
        (account().token_uri("http://h/").unwrap_err(), "tokenURI", Kind::TokenUri),
        (account().lifetime(Duration::from_secs(3601)).unwrap_err(), "lifetime", Kind::Lifetime),
    ] {
        assert_eq!((error.field(), error.kind()), (field, kind));
    }
}

#[tokio::test]
async fn only_equal_credentials_share_a_token() {
    let endpoint = Endpoint::new(&ManualClock::new());
    let providers = TokenProviders::new(endpoint.exchange().allow_host("other.example").unwrap());
    let json = with(|_| ());
    let base = || Credentials::from_json(&json).unwrap();
    let different = [
        base(),
        base().roles(["a"]).unwrap(),
        base().roles(["b"]).unwrap(),
        base().context("a").unwrap(),
        base().context(json!({"a": 1})).unwrap(),
        base().context(1).unwrap(),
        base().context("1").unwrap(),
        base().lifetime(Duration::from_secs(60)).unwrap(),
        base().token_uri("https://other.example/t").unwrap(),
        Credentials::from_json(&with(|json| _ = json.insert("keyID".into(), "k2".into()))).unwrap(),
    ];
    let (mut tokens, mut in_use) = (Vec::new(), Vec::new());
    for credentials in &different {
        let first = providers.get(credentials).unwrap();
        let again = providers.clone().get(&credentials.clone()).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let token = first.token().await.unwrap();
        assert!(token.is_same(&again.token().await.unwrap()));
        assert!(tokens.iter().all(|other| !token.is_same(other)));
        tokens.push(token);
        in_use.push(first);
    }
    assert_eq!(endpoint.exchanges(), different.len());
}

#[test]
fn long_ids_and_control_characters_are_refused() {
    for field in ["clientID", "keyID"] {
        let long = "x".repeat(1024 * 1024);
        for id in ["a\u{0}b", "a\nb", "a\u{1b}[31m", "a\u{85}b", &"x".repeat(257), &long] {
            let error = refused(&with(|json| _ = json.insert(field.into(), id.into())));
            assert_eq!((error.field(), error.kind()), (field, Kind::Identifier));
        }
        ServiceAccountKey::from_json(&with(|json| _ = json.insert(field.into(), "x".repeat(256).into())))
            .unwrap();
    }
    let name = |name: &str| with(|json| _ = json.insert("clientName".into(), name.into()));
    assert_eq!(refused(&name("a\r\nb")).field(), "clientName");
    ServiceAccountKey::from_json(&name("J\u{f6}rg's account")).unwrap();
}

#[test]
fn field_twice_in_the_file_is_refused() {
    let json = with(|_| ());
    for field in ["privateKey", "clientID", "keyID", "tokenURI"] {
        let twice = json.replacen('{', &format!("{{\"{field}\":\"canary\","), 1);
        let error = refused(&twice);
        assert_eq!((error.field(), error.kind()), (field, Kind::Several));
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[test]
fn certificate_before_the_key_is_skipped() {
    let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let pem = format!("{certificate}{}", TestKey::shared().pem);
    ServiceAccountKey::from_json(&with(|json| _ = json.insert("privateKey".into(), pem.into()))).unwrap();
}

#[tokio::test]
async fn providers_are_dropped_with_their_last_user() {
    let endpoint = Endpoint::new(&ManualClock::new());
    let providers = TokenProviders::new(endpoint.exchange());
    let made = |count: usize| format!("providers: {count}");
    let user = |n: usize| Credentials::from_json(&with(|_| ())).unwrap().context(n).unwrap();
    for n in 0..1_000 {
        providers.get(&user(n)).unwrap();
        providers.end_users(&user(n)).unwrap();
        assert!(
            format!("{providers:?}").contains(&made(0)) && format!("{providers:?}").contains("accounts: 0")
        );
    }
    let first = providers.get(&user(0)).unwrap();
    let token = first.token().await.unwrap();
    let other = providers.clone().get(&user(0)).unwrap();
    drop(first);
    assert!(other.token().await.unwrap().is_same(&token), "one of its users is left");
    assert!(format!("{providers:?}").contains(&made(1)));
    drop(other);
    assert!(format!("{providers:?}").contains(&made(0)));
    let again = providers.get(&user(0)).unwrap();
    assert!(!again.token().await.unwrap().is_same(&token), "a new provider");
    drop(providers);
    assert!(again.token().await.is_ok(), "a provider outlives what made it");
}

#[test]
fn failed_provider_leaves_nothing_behind() {
    let providers = TokenProviders::new(Endpoint::new(&ManualClock::new()).exchange());
    for _ in 0..3 {
        let missing = Credentials::from_path("does/not/exist.json");
        assert_eq!(providers.get(&missing).unwrap_err().kind(), Kind::FileNotFound);
        assert_eq!(providers.end_users(&missing).unwrap_err().kind(), Kind::FileNotFound);
    }
    assert!(format!("{providers:?}").contains("providers: 0"));
}

#[tokio::test]
async fn static_credentials_need_no_exchange() {
    let endpoint = Endpoint::new(&ManualClock::new());
    for (credentials, expected) in [
        (Credentials::api_key(API_KEY).unwrap(), API_KEY),
        (Credentials::bearer_token("opaque").unwrap(), "opaque"),
    ] {
        let provider = credentials.to_provider(&endpoint.exchange()).unwrap();
        assert_eq!(provider.token().await.unwrap().expose(), expected);
    }
    assert_eq!(endpoint.exchanges(), 0);
}
