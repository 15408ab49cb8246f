//! Credentials of an environment that is looked up, and providers as credentials.

use std::ffi::OsString;
use std::sync::Arc;

use serde_json::json;
use skyflow_auth::{
    AccessToken, Credentials, CredentialsError, CredentialsErrorKind as Kind, CredentialsKind, TokenProvider,
    provider_fn,
};
use skyflow_http::ManualClock;
use skyflow_testkit::API_KEY;

use crate::support::{Endpoint, Reply, TestKey};

fn read(variables: &[(&str, &str)]) -> Result<Credentials, CredentialsError> {
    Credentials::from_env_with(|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn each_variable_gives_its_kind_of_credentials() {
    let json = TestKey::shared().json().to_string();
    for (variables, kind) in [
        (vec![("SKYFLOW_API_KEY", API_KEY)], CredentialsKind::ApiKey),
        (vec![("SKYFLOW_CREDENTIALS_PATH", "credentials.json")], CredentialsKind::File),
        (vec![("SKYFLOW_CREDENTIALS", json.as_str())], CredentialsKind::ServiceAccount),
        (vec![("SKYFLOW_API_KEY", " "), ("SKYFLOW_CREDENTIALS", &json)], CredentialsKind::ServiceAccount),
    ] {
        assert_eq!(read(&variables).unwrap().kind(), kind);
    }
}

#[test]
fn credentials_variable_takes_documented_objects() {
    let mut json = TestKey::shared().json();
    let account = Credentials::from_json(&json.to_string()).unwrap();
    let scoped = account.clone().roles(["r1"]).unwrap().context("user-7").unwrap();
    for (text, expected) in [
        (json!({"api_key": API_KEY}), Credentials::api_key(API_KEY).unwrap()),
        (json!({"apiKey": API_KEY}), Credentials::api_key(API_KEY).unwrap()),
        (json!({"token": "opaque"}), Credentials::bearer_token("opaque").unwrap()),
        (json!({"path": "x", "roles": ["r1"]}), Credentials::from_path("x").roles(["r1"]).unwrap()),
        (json!({"credentials_string": json.to_string()}), account.clone()),
        (
            json!({"credentialsString": json.to_string(), "roles": ["r1"], "context": "user-7"}),
            scoped.clone(),
        ),
        (json.clone(), account),
    ] {
        assert_eq!(read(&[("SKYFLOW_CREDENTIALS", &text.to_string())]).unwrap(), expected);
    }
    json["roles"] = json!(["r1"]);
    json["context"] = json!("user-7");
    assert_eq!(read(&[("SKYFLOW_CREDENTIALS", &json.to_string())]).unwrap(), scoped);
}

#[test]
fn two_kinds_of_credentials_name_both_variables() {
    let error = read(&[("SKYFLOW_API_KEY", API_KEY), ("SKYFLOW_CREDENTIALS_PATH", "x.json")]).unwrap_err();
    assert_eq!(error.kind(), Kind::Several);
    assert_eq!(
        error.to_string(),
        "credentials is specified more than once: specify only one of SKYFLOW_API_KEY, SKYFLOW_CREDENTIALS_PATH"
    );
    let text = json!({"api_key": API_KEY, "path": "x"}).to_string();
    let error = read(&[("SKYFLOW_CREDENTIALS", &text)]).unwrap_err().to_string();
    assert!(error.starts_with("SKYFLOW_CREDENTIALS: ") && error.ends_with("one of path, api_key"), "{error}");
}

#[test]
fn unusable_variables_are_named_and_not_repeated() {
    for (name, value, kind, says) in [
        ("SKYFLOW_CREDENTIALS", "", Kind::Empty, "SKYFLOW_CREDENTIALS is empty"),
        ("SKYFLOW_API_KEY", "sky-canary", Kind::ApiKeyFormat, "SKYFLOW_API_KEY: apiKey is not"),
        ("SKYFLOW_CREDENTIALS", "canary", Kind::NotJson, "SKYFLOW_CREDENTIALS is not a JSON object"),
        ("SKYFLOW_CREDENTIALS", "/etc/canary", Kind::LooksLikePath, "set SKYFLOW_CREDENTIALS_PATH"),
        ("SKYFLOW_CREDENTIALS", r"C:\canary", Kind::LooksLikePath, "set SKYFLOW_CREDENTIALS_PATH"),
        ("SKYFLOW_CREDENTIALS", "canary.json", Kind::LooksLikePath, "looks like a path"),
        ("SKYFLOW_CREDENTIALS", "~/canary", Kind::LooksLikePath, "SKYFLOW_CREDENTIALS looks like a path"),
        ("SKYFLOW_CREDENTIALS", "canary/{id}.json", Kind::LooksLikePath, "looks like a path"),
        ("SKYFLOW_CREDENTIALS", "file:///canary", Kind::LooksLikePath, "looks like a path"),
        ("SKYFLOW_CREDENTIALS", "CANARY.JSON\n", Kind::LooksLikePath, "looks like a path"),
        (
            "SKYFLOW_CREDENTIALS_PATH",
            r#"{"canary": 1}"#,
            Kind::LooksLikeJson,
            "set SKYFLOW_CREDENTIALS to it",
        ),
        ("SKYFLOW_CREDENTIALS_PATH", API_KEY, Kind::LooksLikeApiKey, "set SKYFLOW_API_KEY"),
        ("SKYFLOW_API_KEY", r#"{"canary": 1}"#, Kind::LooksLikeJson, "set SKYFLOW_CREDENTIALS to it"),
        ("SKYFLOW_API_KEY", "/run/secrets/canary", Kind::LooksLikePath, "SKYFLOW_API_KEY looks like a path"),
        ("SKYFLOW_CREDENTIALS", API_KEY, Kind::LooksLikeApiKey, "set SKYFLOW_API_KEY"),
        ("SKYFLOW_CREDENTIALS", "{}", Kind::Missing, "SKYFLOW_CREDENTIALS: privateKey is missing"),
        (
            "SKYFLOW_CREDENTIALS",
            r#"{"path": "canary", "role": ["canary"]}"#,
            Kind::UnknownField,
            "unknown field `role`, did you mean `roles`?",
        ),
        ("SKYFLOW_CREDENTIALS", r#"{"path": ["canary"]}"#, Kind::FieldType, "wrong type"),
    ] {
        let error = read(&[(name, value)]).unwrap_err();
        assert_eq!((error.kind(), error.variable()), (kind, Some(name)), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(!format!("{error} {error:?}").contains("canary") && !error.to_string().contains(API_KEY));
    }
    let missing = read(&[]).unwrap_err();
    assert_eq!((missing.kind(), missing.variable()), (Kind::Missing, None));
}

#[cfg(unix)]
#[test]
fn variable_that_is_not_utf8_is_named() {
    use std::os::unix::ffi::OsStringExt;

    let error = Credentials::from_env_with(|_| Some(OsString::from_vec(vec![0xff]))).unwrap_err();
    assert_eq!((error.kind(), error.variable()), (Kind::NotText, Some("SKYFLOW_API_KEY")));
}

#[test]
fn plain_string_as_credentials_is_not_repeated() {
    let error = serde_json::from_value::<Credentials>(json!("sky-canary")).unwrap_err().to_string();
    assert!(error.contains("must be an object") && !error.contains("canary"), "{error}");
}

#[tokio::test]
async fn any_provider_can_be_the_credentials() {
    let endpoint = Endpoint::new(&ManualClock::new());
    let tokens = provider_fn(|| async { Ok(AccessToken::new("canary")?) });
    let credentials = Credentials::provider(tokens);
    assert_eq!(credentials.kind(), CredentialsKind::Provider);
    assert!(!format!("{credentials:?}").contains("canary"));
    let provider = credentials.to_provider(&endpoint.exchange()).unwrap();
    assert_eq!(provider.token().await.unwrap().expose(), "canary");

    let shared: Arc<dyn TokenProvider> = provider;
    let (one, other) = (Credentials::provider(Arc::clone(&shared)), Credentials::provider(shared));
    assert_ne!(one, other, "two credentials, although of one source");
    assert_eq!(one, one.clone());
    assert_eq!(one.clone().roles(["r"]).unwrap_err().kind(), Kind::NotApplicable);
    assert_eq!(one.data_token_signer().unwrap_err().kind(), Kind::NotApplicable);
    assert_eq!(one.scoped(&endpoint.exchange()).unwrap_err().kind(), Kind::NotApplicable);
}

#[tokio::test]
async fn token_knows_the_type_that_was_issued() {
    let body = |grant: serde_json::Value| Reply::Body(200, grant.to_string());
    let endpoint = Endpoint::new(&ManualClock::new()).then([
        body(json!({"accessToken": "a", "tokenType": "bearer"})),
        body(json!({"access_token": "a", "token_type": "BEARER"})),
        body(json!({"accessToken": "a"})),
    ]);
    for expected in ["bearer", "BEARER", "Bearer"] {
        assert_eq!(endpoint.tokens().token().await.unwrap().token_type(), expected);
    }
}
