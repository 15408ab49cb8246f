//! What a client refuses when it is built, and what the settings of a vault change.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use skyflow::http::{BoxError, HttpService, ManualClock, Request, Response, Stack};
use skyflow::{
    CallOptions, ConnectionConfig, Credentials, DetokenizeRequest, Error, ErrorKind, Skyflow, SkyflowBuilder,
    VaultConfig,
};
use skyflow_testkit::API_KEY;

fn builder() -> SkyflowBuilder {
    Skyflow::builder().credentials(Credentials::api_key(API_KEY).unwrap())
}

fn vault() -> VaultConfig {
    VaultConfig::new("v1", "abc")
}

fn connection() -> ConnectionConfig {
    ConnectionConfig::new("c", "https://h.example/v1")
}

fn field(outcome: Result<Skyflow, Error>) -> String {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    error.field().unwrap().to_owned()
}

#[test]
fn foreign_token_host_has_to_be_allowed() {
    let emulator = skyflow_emulator::EmbeddedVault::builder().build().unwrap();
    let account = |uri: &str| Credentials::from_json(emulator.credentials_json(uri).expose()).unwrap();
    let with = |uri: &str| Skyflow::builder().vault(vault()).credentials(account(uri));
    const URI: &str = "https://tokens.example:8443/v1/auth/sa/oauth/token";
    let error = with(URI).build().unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Auth, Some("credentials.tokenURI")), "{error}");
    assert!(error.to_string().contains("SKYFLOW_TOKEN_HOSTS"), "{error}");
    with(URI).allow_token_host("tokens.example").build().unwrap();
    with(URI).allow_token_host("a.example").allow_token_host("tokens.example:8443").build().unwrap();
    assert!(with(URI).allow_token_host("tokens.example:443").build().is_err());
    let error = with(URI).allow_token_host("https://tokens.example").build().unwrap_err();
    assert_eq!(error.field(), Some("token_host"), "{error}");
    for uri in ["http://127.0.0.1:8080/x", "https://manage.skyflowapis.com/x"] {
        with(uri).build().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn strict_permissions_refuse_an_open_key_file() {
    use std::os::unix::fs::PermissionsExt;

    let emulator = skyflow_emulator::EmbeddedVault::builder().build().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), emulator.credentials_json("http://127.0.0.1:8080/x").expose()).unwrap();
    let with = |strict: bool| {
        let credentials = Credentials::from_path(file.path());
        Skyflow::builder().vault(vault()).credentials(credentials).strict_permissions(strict).build()
    };
    with(true).unwrap();
    std::fs::set_permissions(file.path(), PermissionsExt::from_mode(0o644)).unwrap();
    with(false).unwrap();
    let error = with(true).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Auth, Some("credentials.path")), "{error}");
}

#[test]
fn zero_timeouts_are_refused_at_build() {
    let zero = Duration::ZERO;
    let stack = Stack::new(Arc::new(ManualClock::new())).deadline(zero);
    for (expected, outcome) in [
        ("deadline", builder().vault(vault()).deadline(zero).build()),
        ("attempt_timeout", builder().vault(vault()).attempt_timeout(zero).build()),
        ("deadline", builder().vault(vault().deadline(zero)).build()),
        ("attempt_timeout", builder().vault(vault().attempt_timeout(zero)).build()),
        ("deadline", builder().connection(connection().deadline(zero)).build()),
        ("attempt_timeout", builder().connection(connection().attempt_timeout(zero)).build()),
        ("deadline", builder().vault(vault()).stack(stack).build()),
    ] {
        assert_eq!(field(outcome), expected);
    }
    let off = builder().vault(vault().no_deadline().no_attempt_timeout()).no_deadline().no_attempt_timeout();
    off.build().unwrap();
}

#[tokio::test]
async fn zero_timeout_of_a_call_is_refused_unsent() {
    let client = builder().vault(vault()).transport(unreachable_service()).build().unwrap();
    for (expected, options) in [
        ("deadline", CallOptions::new().deadline(Duration::ZERO)),
        ("attempt_timeout", CallOptions::new().attempt_timeout(Duration::ZERO)),
    ] {
        let vault = client.default_vault().unwrap().with_options(options);
        let error = vault.detokenize(DetokenizeRequest::new().token("t")).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(expected)), "{error}");
        assert_eq!(error.attempts(), 0);
    }
}

#[test]
fn managed_and_broken_headers_are_refused() {
    for name in [
        "Host",
        "authorization",
        "X-Skyflow-Authorization",
        "content-length",
        "Content-Type",
        "accept-encoding",
        "transfer-encoding",
        "connection",
        "sky-metadata",
    ] {
        let expected = format!("headers.{name}");
        let error = builder().vault(vault().header(name, "canary")).build().unwrap_err();
        assert!(error.to_string().ends_with("cannot be set: it is managed by the client"), "{error}");
        assert_eq!(error.field(), Some(expected.as_str()));
        assert_eq!(field(builder().vault(vault()).header(name, "canary").build()), expected);
        assert_eq!(field(builder().connection(connection().header(name, "canary")).build()), expected);
    }
    assert_eq!(field(builder().vault(vault().header("a b", "canary")).build()), "headers.a b");
    for value in ["", " ", "canary\r\nx: y"] {
        assert_eq!(field(builder().vault(vault().header("x-team", value)).build()), "headers.x-team");
    }
}

#[test]
fn url_without_credentials_is_refused_at_build() {
    if ["SKYFLOW_API_KEY", "SKYFLOW_CREDENTIALS", "SKYFLOW_CREDENTIALS_PATH"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
    {
        panic!("this test needs an environment without credentials");
    }
    for builder in [
        Skyflow::builder().vault(VaultConfig::with_base_url("v1", "https://h.example")),
        Skyflow::builder().connection(connection()),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("credentials")));
    }
    let nothing = Skyflow::builder().build().unwrap_err();
    assert_eq!((nothing.kind(), nothing.field()), (ErrorKind::Configuration, Some("vault")));
}

#[tokio::test]
async fn headers_of_client_and_vault_are_sent() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let service = {
        let seen = Arc::clone(&seen);
        HttpService::new(tower::service_fn(move |request: Request| {
            let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
            seen.lock().unwrap().push((header("x-team"), header("x-app"), header("user-agent")));
            async { Ok::<_, BoxError>(http::Response::builder().status(404).body("{}".into())?) }
        }))
    };
    let client = builder()
        .header("x-team", "client")
        .header("x-app", "app")
        .header("user-agent", "mine/1.0")
        .vault(VaultConfig::new("a", "abc"))
        .vault(VaultConfig::new("b", "abc").header("X-Team", "vault"))
        .transport(service)
        .build()
        .unwrap();
    for vault in ["a", "b"] {
        let call = client.vault(vault).unwrap();
        call.detokenize(DetokenizeRequest::new().token("t")).await.unwrap_err();
    }
    let own = |team: &str| (team.to_owned(), "app".to_owned(), "mine/1.0".to_owned());
    assert_eq!(*seen.lock().unwrap(), [own("client"), own("vault")]);
}

#[tokio::test]
async fn vault_has_limits_and_attempts_of_its_own() {
    let clock = ManualClock::auto_advancing();
    let failing = HttpService::new(tower::service_fn(|_: Request| async {
        Ok::<_, BoxError>(http::Response::builder().status(503).body("{}".into())?)
    }));
    let twice = NonZeroU32::new(2).unwrap();
    let client = builder()
        .max_attempts(twice)
        .vault(VaultConfig::new("client", "abc"))
        .vault(VaultConfig::new("once", "abc").no_retry())
        .transport(failing)
        .clock(Arc::new(clock.clone()))
        .build()
        .unwrap();
    for (vault, attempts) in [("client", 2), ("once", 1)] {
        let call = client.vault(vault).unwrap();
        let error = call.detokenize(DetokenizeRequest::new().token("t")).await.unwrap_err();
        assert_eq!(error.attempts(), attempts, "{vault}");
    }

    let hanging = HttpService::new(tower::service_fn(|_: Request| {
        std::future::pending::<Result<Response, BoxError>>()
    }));
    let client = builder()
        .deadline(Duration::from_secs(50))
        .no_attempt_timeout()
        .vault(VaultConfig::new("client", "abc"))
        .vault(VaultConfig::new("own", "abc").deadline(Duration::from_secs(7)))
        .transport(hanging)
        .clock(Arc::new(clock.clone()))
        .build()
        .unwrap();
    for (vault, seconds) in [("client", 50), ("own", 7)] {
        let before = skyflow::http::Clock::monotonic(&clock);
        let call = client.vault(vault).unwrap();
        let error = call.detokenize(DetokenizeRequest::new().token("t")).await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
        let took = skyflow::http::Clock::monotonic(&clock) - before;
        assert_eq!(took, Duration::from_secs(seconds), "{vault}");
    }
}

#[tokio::test]
async fn provider_needs_no_other_credentials() {
    use skyflow::auth::{AccessToken, provider_fn};

    let service = HttpService::new(tower::service_fn(|request: Request| async move {
        assert_eq!(request.headers()["authorization"], "Bearer from-elsewhere");
        Ok::<_, BoxError>(http::Response::builder().status(404).body("{}".into())?)
    }));
    let tokens = provider_fn(|| async { Ok(AccessToken::new("from-elsewhere")?) });
    let vault = vault().credentials(Credentials::provider(tokens));
    let client = Skyflow::builder().vault(vault).transport(service).build().unwrap();
    let call = client.default_vault().unwrap();
    let error = call.detokenize(DetokenizeRequest::new().token("t")).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[test]
fn debug_of_a_builder_prints_no_secret() {
    let builder = builder()
        .header("x-key", "canary")
        .vault(
            VaultConfig::with_base_url("v", "https://u:canary@h.example/?k=canary").header("x-key", "canary"),
        )
        .connection(ConnectionConfig::new("c", "https://u:canary@h.example/p?k=canary"));
    let shown = format!("{builder:?} {builder:#?}");
    assert!(shown.contains("h.example") && shown.contains("x-key") && !shown.contains("canary"), "{shown}");
}

fn unreachable_service() -> HttpService {
    HttpService::new(tower::service_fn(|_: Request| async {
        Err::<Response, BoxError>("something was sent".into())
    }))
}
